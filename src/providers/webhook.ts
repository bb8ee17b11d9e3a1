// What a Git host sends when something moved there. A codec is pure: it asks nobody and keeps nothing. A payload is a hint and no
// more: what changed is read from Git, over the connector's own road, and no URL of a payload is ever dialled.
import type { Secret } from '../kernel/secret.js';

/** Names in lower case, as Node gives them. */
export type HookHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The live secrets of a connector: one, or two while it is being changed. */
export type HookSecrets = readonly Secret[];

/** `missing`: no proof came. `bad`: one came that no live secret explains. `stale`: a right one, of another time. */
export type HookVerdict = 'ok' | 'missing' | 'bad' | 'stale';

/** A proof that is checked while the body arrives. Without a live secret never `ok`. */
export interface HookProof {
  /** Bytes of the body, as they come. */
  update(bytes: Uint8Array): void;
  /** Once, after the last of them. */
  verdict(now: Date): HookVerdict;
}

/** One ref that moved, as the host says. `null` as an id: the ref was not there, or is not there any more. */
export interface RefChange {
  /** In full, since a tag may be named like a branch. */
  ref: string;
  type: 'branch' | 'tag' | 'other';
  before: string | null;
  after: string | null;
  /** `null` where the host does not say. */
  forced: boolean | null;
}

/** Which repository it is about, for matching only. The host's own id outlives a renaming. */
export interface RepoKey {
  hostRepoId?: string;
  fullName?: string;
  cloneUrls: string[];
}

export interface Pull {
  /** What the host's people call it by; at GitLab the `iid`. */
  number: number;
  state: 'open' | 'merged' | 'closed';
  /** Branches, by their short names. */
  head: string;
  base: string;
  /** The commit that merged it, where the host says so in full. */
  mergeSha?: string;
}

export type HookEvent = { repo: RepoKey } & (
  | { kind: 'ping' }
  /** `unknown`: something moved, and the payload does not say reliably what; every ref is to be looked at. */
  | { kind: 'refs'; changes: RefChange[] | 'unknown' }
  | ({ kind: 'pull' } & Pull)
  /** Nothing that concerns us; not an error, and not to be answered as one. */
  | { kind: 'ignored'; why: string }
);

/** A body that cannot be what the host sends. The message says where it is wrong, and repeats nothing of it. */
export class MalformedHook extends Error {
  override readonly name = 'MalformedHook';

  constructor(
    readonly reason: 'body' | 'media-type',
    message: string,
  ) {
    super(message);
  }
}

/**
 * One host's webhooks. The door knows the host from the connector and never guesses it from what arrives: Gitea, Forgejo and Gogs
 * send each other's headers, and GitHub's.
 */
export interface HookCodec {
  /** Whether a body of this media type is read at all. Known before the body is. */
  accepts(headers: HookHeaders): boolean;
  /** Begins to check the proof, before the body has come and before anything is parsed. The secrets are needed for this call alone. */
  prove(headers: HookHeaders, secrets: HookSecrets): HookProof;
  /** The host's own id of this delivery, which a redelivery has too; where there is none, the SHA-256 of the body. Never fails. */
  deliveryId(headers: HookHeaders, raw: Buffer): string;
  /** @throws MalformedHook, and nothing else */
  parse(raw: Buffer, headers: HookHeaders): HookEvent;
}
