// A manager and a delegate that know each other's keys, and what a test needs to write tasks and answers as neither would.
import { randomUUID } from 'node:crypto';
import { type AnswerClaims, answerInfo, type TaskClaims, taskInfo } from '../../src/contract/messages.js';
import { type TaskName, tasks } from '../../src/contract/tasks.js';
import { contractVersion } from '../../src/contract/version.js';
import type { Addressee, ManagerSeal } from '../../src/queue/task-queue.js';
import type { DelegateSeal, TaskHandlers } from '../../src/queue/task-worker.js';
import { makeSealingPair, Opener, Sealer, type SealingPair } from '../../src/sealing/hpke.js';
import { Identity, type Purpose } from '../../src/sealing/identity.js';
import { type SealedMessage, sealMessage } from '../../src/sealing/sealed-message.js';

export interface Parties {
  addressee: Addressee;
  managerSeal: ManagerSeal;
  delegateSeal: DelegateSeal;
  /** Seals to the group, as the manager does. */
  toGroup: Sealer;
  /** Seals to the manager, as the delegate does. */
  toManager: Sealer;
}

interface Names {
  deployment: string;
  group: string;
  delegate: string;
}

export async function makeParties(more: Partial<Names> = {}): Promise<Parties> {
  const names = { deployment: 'test', group: 'g1', delegate: `d-${randomUUID()}`, ...more };
  const [manager, group] = await Promise.all([makeSealingPair(), makeSealingPair()]);
  return partiesOf(names, {
    manager,
    group,
    identity: new Identity(Identity.make()),
    own: new Identity(Identity.make()),
  });
}

interface Keys {
  manager: SealingPair;
  group: SealingPair;
  /** The manager's. */
  identity: Identity;
  /** The delegate's. */
  own: Identity;
}

function partiesOf({ deployment, group, delegate }: Names, keys: Keys): Parties {
  return {
    addressee: { delegate, group, sealingKey: keys.group.publicKey, identityKey: keys.own.publicKey },
    managerSeal: {
      deployment,
      identity: keys.identity,
      opener: new Opener(keys.manager, answerInfo(deployment)),
    },
    delegateSeal: {
      deployment,
      group,
      delegate,
      identity: keys.own,
      opener: new Opener(keys.group, taskInfo(deployment, group)),
      managerIdentityKey: keys.identity.publicKey,
      managerSealingKey: keys.manager.publicKey,
    },
    toGroup: new Sealer(keys.group.publicKey, taskInfo(deployment, group)),
    toManager: new Sealer(keys.manager.publicKey, answerInfo(deployment)),
  };
}

interface Hand {
  purpose?: Purpose;
  sealer?: Sealer;
  author?: Identity;
}

export const headInput = { remote: { url: 'https://git.example/x.git' }, branch: 'main' };

/** A task as the manager would write it, but for what is said otherwise. */
export function writeTask(
  { managerSeal, delegateSeal, toGroup }: Parties,
  claims: Partial<TaskClaims>,
  { input = headInput, ...hand }: Hand & { input?: unknown } = {},
): Promise<SealedMessage> {
  const { deployment, group, delegate } = delegateSeal;
  const now = Date.now();
  const usual = {
    deployment,
    group,
    delegate,
    task: randomUUID(),
    name: 'git.head',
    contract: contractVersion,
  };
  return sealMessage(
    input,
    { ...usual, issuedAt: now, expiresAt: now + 60_000, ...claims },
    { purpose: 'task', sealer: toGroup, author: managerSeal.identity, ...hand },
  );
}

/** An answer as the delegate would write it, but for what is said otherwise. */
export function writeAnswer(
  { delegateSeal, toManager }: Parties,
  claims: Partial<AnswerClaims>,
  { payload = { ok: true, output: null }, ...hand }: Hand & { payload?: unknown } = {},
): Promise<SealedMessage> {
  const { deployment, group, delegate, identity } = delegateSeal;
  return sealMessage(
    payload,
    { deployment, group, delegate, task: randomUUID(), answeredAt: Date.now(), ...claims },
    { purpose: 'answer', sealer: toManager, author: identity, ...hand },
  );
}

/** Handlers that note what they were asked, and answer nothing. */
export function notingHandlers(asked: { name: string; input: unknown }[]): TaskHandlers {
  const note = (name: TaskName) => async (input: unknown) => {
    asked.push({ name, input });
    return null;
  };
  return Object.fromEntries(
    (Object.keys(tasks) as TaskName[]).map((name) => [name, note(name)]),
  ) as unknown as TaskHandlers;
}
