// The handler table: one entry per task of the contract, nearly all of them calls of the Git port.
import type { CarriedRemote } from '../../src/contract/remote.js';
import type { TaskInput, TaskOutput } from '../../src/contract/tasks.js';
import type { Git } from '../../src/git/git.js';
import { step } from '../../src/kernel/step.js';
import type { TaskHandlers } from '../../src/queue/task-worker.js';
import type { SecretHandlers } from './secret-handlers.js';

/** Opens the repository of a task under its credential, on this side of the wall. */
export type OpenRemote = (remote: CarriedRemote) => Git;

/** Seals the group's private keys to a newcomer. */
export type HandOver = (newcomer: TaskInput<'group.handOver'>) => Promise<TaskOutput<'group.handOver'>>;

export interface Skills {
  open: OpenRemote;
  secrets: SecretHandlers;
  handOver: HandOver;
}

export function taskHandlers({ open, secrets, handOver }: Skills): TaskHandlers {
  return {
    'git.head': ({ remote, branch }) => step('delegate.head', () => open(remote).head(branch)),
    'git.heads': async ({ remote }) => {
      const { branches, default: named } = await open(remote).heads();
      return { branches: Object.entries(branches), default: named };
    },
    'git.read': ({ remote, at, paths }) => open(remote).read(at, paths),
    'git.list': ({ remote, at, prefix }) => open(remote).list(at, prefix),
    'git.changes': ({ remote, from, to, contents }) => open(remote).changes(from, to, { contents }),
    'git.commit': ({ remote, chain }) => step('delegate.commit', () => open(remote).commit(chain)),
    'git.deleteBranch': ({ remote, branch, at }) => open(remote).deleteBranch(branch, at),
    'git.check': ({ remote }) => open(remote).check(),
    ...secrets,
    'group.handOver': handOver,
  };
}
