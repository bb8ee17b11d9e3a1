// How a delegate says that it is there: hello at its start, a heartbeat while it lives, goodbye when it has drained. Each is
// sealed to the manager and signed, and so is the answer to a hello.
import { z } from 'zod';
import { Signature } from '../sealing/sealed-message.js';
import { GroupEdition, GroupKeysState } from './group-keys.js';

/** Milliseconds between heartbeats. */
export const heartbeatIntervalMs = 2_000;
/** A delegate not heard of for this long counts as gone. */
export const silenceMaxMs = 8_000;

export const Tag = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'is not a tag of a-z, 0-9, . _ and -');

/** What a delegate tells of itself. */
export const SelfDescription = z.strictObject({
  name: z.string().min(1).max(128),
  version: z.string().max(64),
  /** The contract versions it speaks. */
  contract: z.int(),
  contractOldest: z.int(),
  tags: z.array(Tag).max(32),
  tasksMax: z.int().min(1),
  capabilities: z.strictObject({
    /** Whether the system git is there, which SSH needs. */
    nativeGit: z.boolean(),
    /** What its own policy lets it reach, as patterns; null: whatever its network can. */
    gitAllowed: z.array(z.string().max(512)).max(256).nullable(),
  }),
});
export type SelfDescription = z.infer<typeof SelfDescription>;

export const PresenceClaims = z.strictObject({
  deployment: z.string(),
  group: z.string(),
  delegate: z.string(),
  said: z.enum(['hello', 'heartbeat', 'draining', 'goodbye']),
  /** Unique per process: a restarted delegate is another one. */
  process: z.uuid(),
  saidAt: z.int(),
  digest: z.string(),
});
export type PresenceClaims = z.infer<typeof PresenceClaims>;

export const Presence = z.strictObject({
  self: SelfDescription,
  running: z.int().min(0),
  lastFault: z.strictObject({ code: z.string(), message: z.string(), at: z.iso.datetime() }).nullable(),
  /** Where it lacks the private keys of its group: its identity's signature of its own sealing key. */
  wantsGroupKeys: Signature.nullable(),
  /** Absent as long as it says hello. */
  groupKeys: GroupKeysState.optional(),
});
export type Presence = z.infer<typeof Presence>;

const SealedKeys = z.strictObject({ enc: z.string(), box: z.string() });

/** The manager's answer to a hello, sealed to the delegate itself. */
export const Welcome = z.discriminatedUnion('accepted', [
  z.strictObject({
    accepted: z.literal(true),
    contract: z.int(),
    /** What another delegate of the group sealed to this one; null where it needs none, or none could be asked. */
    groupKeys: SealedKeys.nullable(),
    /** The group's current one, null before the first rotation. */
    edition: GroupEdition.nullable(),
  }),
  z.strictObject({ accepted: z.literal(false), contract: z.int(), contractOldest: z.int() }),
]);
export type Welcome = z.infer<typeof Welcome>;

export const WelcomeClaims = z.strictObject({
  deployment: z.string(),
  delegate: z.string(),
  process: z.string(),
  digest: z.string(),
});

export const presenceInfo = (deployment: string): string => `sallyport presence ${deployment}`;
export const welcomeInfo = (delegate: string): string => `sallyport welcome ${delegate}`;
export const groupKeysInfo = (group: string): string => `sallyport group keys ${group}`;
