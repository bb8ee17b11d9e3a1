// The task table: everything a manager may ask of a delegate. It types both sides of the queue; a delegate without a
// handler for one of these does not compile. Contents travel in base64, since stored job data may keep no NUL.
import { z } from 'zod';
import { Envelope } from '../envelope/envelope.js';
import { StoredSecret } from '../envelope/secret-manager.js';
import { PublicKey, Signature } from '../sealing/sealed-message.js';
import { AuditRecord } from './audit.js';
import { GroupEdition, GroupKeysState, groupKeyKinds } from './group-keys.js';
import { hostTasks } from './host-tasks.js';
import { CarriedRemote, CarriedSecret, CarriedTrust } from './remote.js';
import { CarriedManager } from './secret-managers.js';

const CommitId = z.string().regex(/^[0-9a-f]{40}$/);
const BlobId = CommitId;
const Bytes = z.base64().transform((text): Uint8Array => Buffer.from(text, 'base64'));
const Person = z.strictObject({ name: z.string(), email: z.string() });
const TreeEntry = z.strictObject({ path: z.string(), mode: z.string(), id: BlobId });
const WireFailure = z.strictObject({
  code: z.string(),
  data: z.record(z.string(), z.unknown()),
  delegate: z.string().optional(),
});

const Chain = z.strictObject({
  branch: z.string(),
  base: CommitId.nullable(),
  create: z.boolean(),
  steps: z.array(
    z.strictObject({
      message: z.string(),
      author: Person,
      committer: Person,
      timestamp: z.int(),
      changes: z.array(
        z.strictObject({ path: z.string(), content: Bytes.nullable(), expect: BlobId.nullable().optional() }),
      ),
    }),
  ),
});

const ChainResult = z.discriminatedUnion('status', [
  z.strictObject({
    status: z.literal('landed'),
    head: CommitId,
    steps: z.array(
      z.strictObject({ commit: CommitId, unchanged: z.boolean(), blobs: z.array(BlobId.nullable()) }),
    ),
  }),
  z.strictObject({
    status: z.literal('mismatch'),
    mismatches: z.array(z.strictObject({ step: z.int(), path: z.string(), theirs: BlobId.nullable() })),
  }),
  z.strictObject({ status: z.literal('moved'), head: CommitId.nullable() }),
]);

const Signed = z.strictObject({ name: z.string(), email: z.string(), at: z.int() });
const HistoryPlace = z.strictObject({
  pending: z.array(CommitId).min(1).max(256),
  seen: z.array(CommitId).max(64),
});
const Version = z.strictObject({ mode: z.string(), id: BlobId }).nullable();

const HistoryPage = z.strictObject({
  commits: z.array(
    z.strictObject({
      id: CommitId,
      parent: CommitId.nullable(),
      isMerge: z.boolean(),
      author: Signed,
      committer: Signed,
      message: z.string(),
      isMessageCut: z.boolean(),
      operation: z.string().nullable(),
      from: Version,
      to: Version,
    }),
  ),
  searchedTo: CommitId,
  next: HistoryPlace.nullable(),
});

const StageResult = z.strictObject({
  stage: z.enum(['reach', 'authenticate', 'read', 'write']),
  ok: z.boolean(),
  ms: z.number(),
  failure: WireFailure.optional(),
});

export const HostFeatures = z.strictObject({
  agent: z.string().nullable(),
  protocol: z.union([z.literal(0), z.literal(1), z.literal(2)]),
  filter: z.boolean(),
  shallow: z.boolean(),
  wants: z.enum(['any', 'commits']),
  objectFormat: z.literal('sha1'),
  push: z
    .strictObject({
      reportStatus: z.boolean(),
      reportStatusV2: z.boolean(),
      thinPacks: z.boolean(),
      sideBand: z.boolean(),
      atomic: z.boolean(),
      pushOptions: z.boolean(),
      agent: z.boolean(),
    })
    .nullable(),
});

interface Task {
  /** What the manager sends; parsed by the delegate. */
  input: z.ZodType;
  /** What the delegate answers; parsed by the manager. */
  output: z.ZodType;
}

export const tasks = {
  'git.head': {
    input: z.strictObject({ remote: CarriedRemote, branch: z.string() }),
    output: CommitId.nullable(),
  },
  'git.heads': {
    input: z.strictObject({ remote: CarriedRemote }),
    // Pairs, since a branch may be called __proto__, which objects lose on their way.
    output: z.strictObject({
      branches: z.array(z.tuple([z.string(), CommitId])),
      default: z.string().nullable(),
    }),
  },
  'git.read': {
    input: z.strictObject({ remote: CarriedRemote, at: CommitId, paths: z.array(z.string()) }),
    output: z.array(z.strictObject({ id: BlobId, content: Bytes }).nullable()),
  },
  'git.list': {
    input: z.strictObject({ remote: CarriedRemote, at: CommitId, prefix: z.string() }),
    output: z.array(TreeEntry),
  },
  'git.changes': {
    input: z.strictObject({ remote: CarriedRemote, from: CommitId, to: CommitId, contents: z.boolean() }),
    output: z.array(
      z.strictObject({
        path: z.string(),
        from: TreeEntry.nullable(),
        to: TreeEntry.nullable(),
        content: Bytes.optional(),
      }),
    ),
  },
  'git.history': {
    input: z.strictObject({
      remote: CarriedRemote,
      path: z.string(),
      place: HistoryPlace,
      limit: z.int().min(1),
    }),
    output: HistoryPage,
  },
  'git.commit': {
    input: z.strictObject({ remote: CarriedRemote, chain: Chain }),
    output: ChainResult,
  },
  'git.deleteBranch': {
    input: z.strictObject({ remote: CarriedRemote, branch: z.string(), at: CommitId }),
    output: z.discriminatedUnion('status', [
      z.strictObject({ status: z.literal('deleted') }),
      z.strictObject({ status: z.literal('moved'), head: CommitId }),
    ]),
  },
  'git.check': {
    input: z.strictObject({ remote: CarriedRemote }),
    output: z.strictObject({ stages: z.array(StageResult), host: HostFeatures.nullable() }),
  },
  ...hostTasks,
  /** Opens a value that a client sealed to the group, and gives it into the secret manager's keeping. */
  'secrets.put': {
    input: z.strictObject({
      manager: CarriedManager,
      scope: z.string(),
      secret: z.string(),
      version: z.uuid(),
      /** Milliseconds since 1970. */
      expiresAt: z.int(),
      /** Absent for X25519. */
      suite: z.literal('p256').optional(),
      enc: z.string(),
      box: z.string(),
      /** Of a migration. Into a store: whether it may take the place of another value there. */
      migration: z.strictObject({ onlyIfAbsent: z.boolean() }).optional(),
    }),
    output: z.strictObject({ stored: StoredSecret }),
  },
  /** Wraps a secret's data key with the newest key, or encrypts it anew with another data key. */
  'secrets.renew': {
    input: z.strictObject({
      manager: CarriedManager,
      scope: z.string(),
      secret: z.string(),
      stored: StoredSecret,
      how: z.enum(['rewrap', 'reencrypt']),
      /** Of what is answered: another one where it is encrypted anew. */
      version: z.uuid(),
    }),
    output: z.strictObject({ stored: StoredSecret }),
  },
  /** Opens a secret and seals its value to the delegate group of another secret manager. */
  'secrets.reseal': {
    input: z.strictObject({
      manager: CarriedManager,
      scope: z.string(),
      secret: z.string(),
      stored: StoredSecret,
      to: z.strictObject({
        /** The group's id, its keys, and the identity's word for the sealing key. */
        group: z.string(),
        identityKey: PublicKey,
        sealingKey: PublicKey,
        signature: Signature,
        managerScope: z.string(),
        manager: z.string(),
        /** Of the version that it becomes there. */
        version: z.uuid(),
        /** Milliseconds since 1970. */
        expiresAt: z.int(),
      }),
    }),
    output: z.strictObject({ enc: z.string(), box: z.string() }),
  },
  /** Opens a secret for the manager, which keeps it from then on. */
  'secrets.reveal': {
    input: z.strictObject({
      manager: CarriedManager,
      scope: z.string(),
      secret: z.string(),
      stored: StoredSecret,
    }),
    output: z.strictObject({ value: z.base64() }),
  },
  /** Opens a secret past all that is remembered, and says by what it was opened; never the value. */
  'secrets.try': {
    input: z.strictObject({
      manager: CarriedManager,
      scope: z.string(),
      secret: z.string(),
      stored: StoredSecret,
    }),
    output: z.strictObject({
      ms: z.number(),
      /** As in the envelope; null for a store. */
      keyId: z.string().nullable(),
      /** The version that the store answered. */
      storeVersion: z.string().nullable(),
    }),
  },
  /**
   * Exchanges a connector's refresh token. The token is sealed with the group's keyring, so that every delegate of the group can
   * use it and no manager; null where the refresh token was exchanged before, and only what took its place is told.
   */
  'credentials.exchange': {
    input: z.strictObject({
      /** Of the secret that the refresh token is: what comes of it is sealed for whoever names that. */
      scope: z.string(),
      id: z.string(),
      tokenUrl: z.string(),
      clientId: z.string(),
      clientSecret: CarriedSecret,
      refreshToken: CarriedSecret,
      trust: CarriedTrust.optional(),
      /** Of the refresh token's next version. */
      next: z.uuid(),
    }),
    output: z.strictObject({
      token: z.strictObject({ sealed: Envelope, expiresAt: z.int() }).nullable(),
      /** In its secret manager's keeping; the value itself where that is the builtin one. Null where the host keeps the old one. */
      rotated: z
        .discriminatedUnion('kind', [
          z.strictObject({ kind: z.literal('stored'), stored: StoredSecret }),
          z.strictObject({ kind: z.literal('value'), value: z.base64() }),
        ])
        .nullable(),
    }),
  },
  /** Tries a secret manager, without changing anything there. */
  'secrets.check': {
    input: z.strictObject({ manager: CarriedManager }),
    output: z.strictObject({ ms: z.number() }),
  },
  /** Tells what the delegate has on record after a sequence number of this file of its, or from the start of another one. */
  'secrets.audit': {
    input: z.strictObject({
      /** The file that the number is of; null where none is known. */
      log: z.uuid().nullable(),
      /** What the manager has put on record up to here, the delegate need not keep for it any more. */
      after: z.int().min(0),
      max: z.int().min(1),
    }),
    output: z.strictObject({
      log: z.uuid(),
      /** What the records follow on: what was asked for, or 0 where that is of another file, or of a later state of this one. */
      after: z.int().min(0),
      records: z.array(AuditRecord),
      /** Of the newest record there is; 0 where there is none. */
      latest: z.int().min(0),
    }),
  },
  /** Gives a newcomer what it lacks of the group's private keys, sealed to the newcomer's own key. */
  'group.handOver': {
    input: z.strictObject({
      delegate: z.string(),
      identityKey: PublicKey,
      sealingKey: PublicKey,
      /** By the newcomer's identity, of its sealing key. */
      signature: Signature,
      /** That the newcomer speaks. */
      contract: z.int(),
    }),
    output: z.strictObject({ enc: z.string(), box: z.string() }),
  },
  /** Makes the keys of a rotation and keeps them without using them; asked again, answers those it made. */
  'group.stage': {
    input: z.strictObject({
      rotation: z.uuid(),
      keys: z.array(z.enum(groupKeyKinds)).min(1),
      /** What is current now, and what the new edition follows; null for the keys that the group was founded with. */
      current: GroupEdition.nullable(),
    }),
    output: z.strictObject({ edition: GroupEdition, state: GroupKeysState }),
  },
  /** What a newcomer says at its hello, of a delegate that runs: by its identity, of its sealing key. */
  'group.wish': {
    input: z.strictObject({}),
    output: z.strictObject({ signature: Signature }),
  },
  /** Takes what another delegate of the group sealed to this one. */
  'group.adopt': {
    input: z.strictObject({ enc: z.string(), box: z.string() }),
    output: z.strictObject({ state: GroupKeysState }),
  },
  /** From now on the staged keys are the current ones. */
  'group.promote': {
    input: z.strictObject({ edition: GroupEdition }),
    output: z.strictObject({ state: GroupKeysState }),
  },
} as const satisfies Record<string, Task>;

export type TaskName = keyof typeof tasks;
/** What a handler receives, after parsing. */
export type TaskInput<N extends TaskName> = z.output<(typeof tasks)[N]['input']>;
/** What the manager receives, after parsing. */
export type TaskOutput<N extends TaskName> = z.output<(typeof tasks)[N]['output']>;

/** Bytes become base64 on their way; everything else is JSON already. */
export function encodeBytes(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(encodeBytes);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, encodeBytes(item)]));
}

/** What comes back: an output, or the failure exactly as the delegate met it. */
export const TaskAnswer = z.discriminatedUnion('ok', [
  z.strictObject({ ok: z.literal(true), output: z.unknown() }),
  z.strictObject({ ok: z.literal(false), failure: WireFailure }),
]);
export type TaskAnswer = z.infer<typeof TaskAnswer>;
