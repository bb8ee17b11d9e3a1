// The port of a secret manager: who takes a secret into its keeping, and who alone can open it again.
import { z } from 'zod';
import type { Secret } from '../kernel/secret.js';
import { Envelope } from './envelope.js';

export const secretManagerKinds = [
  'builtin',
  'keyring',
  'aws-kms',
  'gcp-kms',
  'vault-transit',
  'vault-kv',
  'aws-secrets-manager',
  'gcp-secret-manager',
  'azure-key-vault',
] as const;
export type SecretManagerKind = (typeof secretManagerKinds)[number];

/** Where a secret belongs: its scope as in the API, and its id. */
export interface SecretPlace {
  scope: string;
  secret: string;
}

/** Where a store has a value. */
export const StoreReference = z.strictObject({
  format: z.literal('sallyport-reference-1'),
  /** Id of the immutable secret version on our side. */
  version: z.uuid(),
  /** As the store names it. */
  path: z.string().min(1).max(1_024),
  /** Of a value that is a JSON object: which member; null for the whole value. */
  field: z.string().min(1).max(256).nullable(),
  /** As the store names it; null for whatever is the latest when it is used. */
  storeVersion: z.string().min(1).max(256).nullable(),
});
export type StoreReference = z.infer<typeof StoreReference>;

/** All that PostgreSQL keeps of a secret version. */
export const StoredSecret = z.union([Envelope, StoreReference]);
export type StoredSecret = z.infer<typeof StoredSecret>;

export interface PutOptions {
  /** Id of the new secret version; a fresh one where it is missing. */
  version?: string;
  /** In a store: fails where something is at the path already, instead of writing a new version there. */
  onlyIfAbsent?: boolean;
  signal?: AbortSignal;
}

/** By what a secret was opened: the id of the key, or the version that the store answered. */
export interface Found {
  keyId: string | null;
  storeVersion: string | null;
}

/** Every implementation's failures are those of its kind's conformance suite: SECRET_UNREADABLE and SECRET_MANAGER_*. */
export abstract class SecretManager {
  abstract readonly kind: SecretManagerKind;

  /** Takes 1 byte to 64 KiB into its keeping as a new version. The bytes stay the caller's, to be wiped. */
  abstract put(value: Uint8Array, place: SecretPlace, options?: PutOptions): Promise<StoredSecret>;

  /** Opens what this manager keeps for this place; the caller wipes it. */
  abstract open(stored: StoredSecret, place: SecretPlace, signal?: AbortSignal): Promise<Secret>;

  /** Opens it past all that is remembered, and lets go of the value at once. @throws as `open` */
  abstract tryOpening(stored: StoredSecret, place: SecretPlace, signal?: AbortSignal): Promise<Found>;

  /** Finds out whether it can be reached and used. Nothing changes at the other side. */
  abstract check(signal?: AbortSignal): Promise<void>;

  /** Lets go of connections and of what it signed in with. */
  abstract close(): Promise<void>;
}
