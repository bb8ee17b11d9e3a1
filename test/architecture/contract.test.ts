// The task table, the Git port and the delegate's handlers are three views of one thing.
import { expect, it } from 'vitest';
import { DelegatedGit } from '../../src/connectivity/delegated-git.js';
import { type TaskName, tasks } from '../../src/contract/tasks.js';
import type { Git } from '../../src/git/git.js';
import { InProcessGit } from '../../src/git/in-process-git.js';
import { NativeGit } from '../../workers/native-git/native-git.js';
import { taskHandlers } from '../../workers/runtime/handlers.js';
import { secretHandlers } from '../../workers/runtime/secret-handlers.js';

const names = Object.keys(tasks).toSorted();
const ofGit = names.filter((name) => name.startsWith('git.'));
const nobody = (): Promise<never> => Promise.reject(new Error('nobody comes'));
const methodsOf = (engine: { prototype: object }): string[] =>
  Object.getOwnPropertyNames(engine.prototype).filter((name) => name !== 'constructor');

it('every task has a handler, and every handler a task', () => {
  const handlers = taskHandlers({
    open: () => ({}) as Git,
    secrets: secretHandlers({} as Parameters<typeof secretHandlers>[0]),
    handOver: nobody,
    changeKeys: { stage: nobody, wish: () => '', adopt: nobody, promote: nobody },
  });
  expect(Object.keys(handlers).toSorted()).toEqual(names);
});

it.each([DelegatedGit, InProcessGit, NativeGit])(
  'every method of the Git port is a task: $name',
  (engine) => {
    expect(
      methodsOf(engine)
        .map((method) => `git.${method}`)
        .toSorted(),
    ).toEqual(ofGit);
  },
);

it.each(ofGit)('the handler of %s calls the method of that name', async (name) => {
  const called: string[] = [];
  const git = new Proxy({} as Git, {
    get: (_, method) => async () => {
      called.push(`git.${String(method)}`);
      return { branches: {}, default: null };
    },
  });
  const handlers = taskHandlers({
    open: () => git,
    secrets: secretHandlers({} as Parameters<typeof secretHandlers>[0]),
    handOver: nobody,
    changeKeys: { stage: nobody, wish: () => '', adopt: nobody, promote: nobody },
  });
  const handler = handlers[name as TaskName] as (input: object) => Promise<unknown>;
  await handler({ paths: [] });
  expect(called).toEqual([name]);
});
