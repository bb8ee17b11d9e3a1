// The handler table: one entry per task of the contract, nearly all of them calls of the Git port.
import type { CarriedRemote } from '../../src/contract/remote.js';
import type { TaskInput, TaskOutput } from '../../src/contract/tasks.js';
import type { Git } from '../../src/git/git.js';
import { step } from '../../src/kernel/step.js';
import type { TaskContext, TaskHandlers } from '../../src/queue/task-worker.js';
import type { HostHandlers } from './host-handlers.js';
import type { SecretHandlers } from './secret-handlers.js';

/** Opens the repository of a task under its credential, on this side of the wall. */
export type OpenRemote = (remote: CarriedRemote, task: TaskContext) => Promise<Git>;

/** Exchanges a refresh token. */
export type ExchangeGrant = (
  input: TaskInput<'credentials.exchange'>,
  task: TaskContext,
) => Promise<TaskOutput<'credentials.exchange'>>;

/** Seals the group's private keys to a newcomer. */
export type HandOver = (newcomer: TaskInput<'group.handOver'>) => Promise<TaskOutput<'group.handOver'>>;

/** How the group's keys change while this delegate works. */
export interface ChangeKeys {
  stage: (input: TaskInput<'group.stage'>) => Promise<TaskOutput<'group.stage'>>;
  wish: () => string;
  adopt: (input: TaskInput<'group.adopt'>) => Promise<TaskOutput<'group.adopt'>>;
  promote: (input: TaskInput<'group.promote'>) => Promise<TaskOutput<'group.promote'>>;
}

export interface Skills {
  open: OpenRemote;
  exchange: ExchangeGrant;
  hosts: HostHandlers;
  secrets: SecretHandlers;
  handOver: HandOver;
  changeKeys: ChangeKeys;
}

export function taskHandlers({ open, exchange, hosts, secrets, handOver, changeKeys }: Skills): TaskHandlers {
  return {
    'git.head': ({ remote, branch }, task) =>
      step('delegate.head', async () => (await open(remote, task)).head(branch)),
    'git.heads': async ({ remote }, task) => {
      const { branches, default: named } = await (await open(remote, task)).heads();
      return { branches: Object.entries(branches), default: named };
    },
    'git.read': async ({ remote, at, paths }, task) => (await open(remote, task)).read(at, paths),
    'git.list': async ({ remote, at, prefix }, task) => (await open(remote, task)).list(at, prefix),
    'git.changes': async ({ remote, from, to, contents }, task) =>
      (await open(remote, task)).changes(from, to, { contents }),
    'git.history': async ({ remote, path, place, limit }, task) =>
      (await open(remote, task)).history(path, place, limit),
    'git.commit': ({ remote, chain }, task) =>
      step('delegate.commit', async () => (await open(remote, task)).commit(chain)),
    'git.deleteBranch': async ({ remote, branch, at }, task) =>
      (await open(remote, task)).deleteBranch(branch, at),
    'git.check': async ({ remote }, task) => (await open(remote, task)).check(),
    'credentials.exchange': (input, task) => step('delegate.exchange', () => exchange(input, task)),
    ...hosts,
    ...secrets,
    'group.handOver': (newcomer) => step('delegate.hand-over-keys', () => handOver(newcomer)),
    'group.stage': (input) => changeKeys.stage(input),
    'group.wish': async () => ({ signature: changeKeys.wish() }),
    'group.adopt': (sealed) => changeKeys.adopt(sealed),
    'group.promote': (input) => changeKeys.promote(input),
  };
}
