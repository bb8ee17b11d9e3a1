// What Sallyport asks of the API of a Git host: pull requests, the registration of a webhook, and what the host says of the
// repository. Saves and reads never come this way, so a host without an API lacks nothing of those.
import { z } from 'zod';
import type { Secret } from '../kernel/secret.js';

/** So many characters of a title every host takes; longer ones are cut. */
export const TITLE_CHARACTERS_MAX = 255;
export const REVIEWERS_MAX = 20;

export const Caps = z.strictObject({
  /** How a request is marked as a draft: by a field of its own, or by the beginning of its title. */
  drafts: z.enum(['field', 'prefix']),
  /** Characters of a request’s body; a longer one is cut. */
  bodyCharactersMax: z.int(),
  /** How reviewers are named. */
  reviewers: z.enum(['logins', 'ids']),
});
export type Caps = z.infer<typeof Caps>;

export const Repo = z.strictObject({
  /** The host’s own id, which a renaming does not change. */
  id: z.string(),
  /** `owner/name`, as the host spells it. */
  fullName: z.string(),
  /** Short name; null for an empty repository. */
  defaultBranch: z.string().nullable(),
  cloneUrl: z.string(),
  sshUrl: z.string().nullable(),
  webUrl: z.string(),
  /** Null where the host does not say. */
  canPush: z.boolean().nullable(),
  archived: z.boolean(),
});
export type Repo = z.infer<typeof Repo>;

export const HostBranch = z.strictObject({
  commit: z.string(),
  /** Null where the host does not say. */
  protected: z.boolean().nullable(),
});
export type HostBranch = z.infer<typeof HostBranch>;

export const Pull = z.strictObject({
  /** What the host’s users call it. */
  number: z.int(),
  state: z.enum(['open', 'merged', 'closed']),
  draft: z.boolean(),
  /** Without what marks a draft. */
  title: z.string(),
  /** Short names of branches. */
  head: z.string(),
  base: z.string(),
  /** Null where the host does not say. */
  headCommit: z.string().nullable(),
  /** What the merge left on the base; null before, and where the host does not say. */
  mergeCommit: z.string().nullable(),
  webUrl: z.string(),
});
export type Pull = z.infer<typeof Pull>;

/** Short names of branches of the connector’s own repository. */
export const PullBranches = z.strictObject({ head: z.string(), base: z.string() });
export type PullBranches = z.infer<typeof PullBranches>;

export const PullWish = PullBranches.extend({
  title: z.string(),
  body: z.string(),
  draft: z.boolean(),
  /** Names or ids, as `Caps.reviewers` says. */
  reviewers: z.array(z.string()).max(REVIEWERS_MAX),
  /** Whether an attempt before this one may have opened it: one of this title that is open counts as opened by us. */
  wasTried: z.boolean().optional(),
});
export type PullWish = z.infer<typeof PullWish>;

export const EnsuredPull = Pull.extend({
  /** False where an open request of these branches was there before; it is left as it is. */
  created: z.boolean(),
  /** Reviewers that the host does not know or does not take, or could not be asked for. The request is open without them. */
  reviewersRefused: z.array(z.string()),
});
export type EnsuredPull = z.infer<typeof EnsuredPull>;

/** What a webhook is told of. */
export const HookTopic = z.enum(['push', 'pull']);
export type HookTopic = z.infer<typeof HookTopic>;

export const Hook = z.strictObject({
  /** The host’s id; of several registrations that make one webhook, all of them. */
  id: z.string(),
  url: z.string(),
  active: z.boolean(),
  topics: z.array(HookTopic),
  /** Whether it sends what the door takes: JSON, over verified TLS, with a proof of the secret. */
  wellFormed: z.boolean(),
});
export type Hook = z.infer<typeof Hook>;

export interface HookWish {
  url: string;
  /** No host shows the secret of a webhook again: one that is there is only known to have it where it is set anew. */
  secret: Secret;
  topics: HookTopic[];
  /** Sets the secret of a webhook that is otherwise sound. */
  renewSecret: boolean;
}

export const EnsuredHook = Hook.extend({ outcome: z.enum(['created', 'repaired', 'sound']) });
export type EnsuredHook = z.infer<typeof EnsuredHook>;

/** What a host says of how much more it answers. */
export const Rate = z.strictObject({
  limit: z.number().nullable(),
  remaining: z.number().nullable(),
  /** When `remaining` is `limit` again. Milliseconds since 1970. */
  resetAt: z.number().nullable(),
  /** Until then nothing is asked. Milliseconds since 1970; null where the host has not asked for patience. */
  blockedUntil: z.number().nullable(),
});
export type Rate = z.infer<typeof Rate>;

/**
 * The API of the host behind one connector, under one credential. Every method can be called again after any failure: a
 * request or webhook that is there already is found, not made twice. Whatever a method asks, it fails with one of
 * HOST_API_AUTH_REJECTED, HOST_API_FORBIDDEN, HOST_API_NOT_FOUND (the repository), HOST_API_MOVED (it was renamed),
 * HOST_API_RATE_LIMITED (with `retryAfterMs`), HOST_API_UNREACHABLE, HOST_API_FAULT, HOST_API_GARBLED, HOST_API_UNSUPPORTED,
 * or with what opening the credential fails with; over a delegate also with what a task fails with. No failure holds a secret.
 */
export abstract class HostApi {
  abstract readonly caps: Caps;

  /** What the latest answer said; null before the first, and where the host says nothing. */
  abstract readonly rate: Rate | null;

  abstract repo(): Promise<Repo>;

  /** Null where there is none. */
  abstract branch(name: string): Promise<HostBranch | null>;

  /** The open request of these branches. */
  abstract findPull(branches: PullBranches): Promise<Pull | null>;

  /**
   * Opens a request, or finds the one of the same branches that is open. Where the answer to the opening is lost, it is looked for.
   * @throws HOST_API_NO_CHANGES, HOST_API_BRANCH_MISSING, HOST_API_PROTECTED, HOST_API_REFUSED
   */
  abstract ensurePull(wish: PullWish): Promise<EnsuredPull>;

  /** @throws HOST_API_NOT_FOUND */
  abstract pull(number: number): Promise<Pull>;

  /** Closes it unmerged, and answers it as it then is; one that is merged or closed stays so. @throws HOST_API_NOT_FOUND */
  abstract closePull(number: number): Promise<Pull>;

  /** Where none calls `url`, one that calls the same door by another address: `callsDoorOf`. */
  abstract findHook(url: string): Promise<Hook | null>;

  /**
   * The webhook that calls `url`: registered where there is none, repaired where it is switched off, misses a topic, sends what
   * the door does not take or calls the same door by another address. Others that call that door are removed.
   * @throws HOST_API_REFUSED for an address that the host does not call
   */
  abstract ensureHook(wish: HookWish): Promise<EnsuredHook>;

  /** All that call the door of `url`. False where there was none. */
  abstract removeHook(url: string): Promise<boolean>;
}
