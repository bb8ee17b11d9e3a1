// The port of a secret manager: who seals a secret, and who alone can open it again.
import type { Secret } from '../kernel/secret.js';
import type { Envelope } from './envelope.js';

/** Where a secret belongs: its scope as in the API, and its id. */
export interface SecretPlace {
  scope: string;
  secret: string;
}

export abstract class SecretManager {
  abstract readonly kind: 'builtin' | 'keyring';

  /** Seals 1 byte to 64 KiB as a new version. */
  abstract seal(value: Uint8Array, place: SecretPlace): Envelope;

  /** Opens what this manager's key sealed for this place; the caller wipes it. @throws SECRET_UNREADABLE */
  abstract open(envelope: Envelope, place: SecretPlace): Secret;
}
