// The task table, the Git port and the delegate's handlers are three views of one thing.
import { expect, it } from 'vitest';
import { DelegatedGit } from '../../src/connectivity/delegated-git.js';
import { DelegatedHostApi } from '../../src/connectivity/delegated-host-api.js';
import { type TaskName, tasks } from '../../src/contract/tasks.js';
import type { Git } from '../../src/git/git.js';
import { InProcessGit } from '../../src/git/in-process-git.js';
import type { HostApi } from '../../src/providers/host-api.js';
import { RestHostApi } from '../../src/providers/rest-host-api.js';
import { NativeGit } from '../../workers/native-git/native-git.js';
import { taskHandlers } from '../../workers/runtime/handlers.js';
import { hostHandlers } from '../../workers/runtime/host-handlers.js';
import { secretHandlers } from '../../workers/runtime/secret-handlers.js';

const names = Object.keys(tasks).toSorted();
const ofGit = names.filter((name) => name.startsWith('git.'));
const nobody = (): Promise<never> => Promise.reject(new Error('nobody comes'));
/** Whoever awaits an object asks whether it is a promise. */
const isAwaited = (method: string | symbol): boolean => method === 'then';
const methodsOf = (engine: { prototype: object }): string[] =>
  Object.getOwnPropertyNames(engine.prototype).filter((name) => name !== 'constructor');

it('every task has a handler, and every handler a task', () => {
  const handlers = taskHandlers({
    open: async () => ({}) as Git,
    exchange: nobody,
    hosts: hostHandlers(async () => ({}) as HostApi),
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
    get: (_, method) =>
      isAwaited(method)
        ? undefined
        : async () => {
            called.push(`git.${String(method)}`);
            return { branches: {}, default: null };
          },
  });
  const handlers = taskHandlers({
    open: async () => git,
    exchange: nobody,
    hosts: hostHandlers(async () => ({}) as HostApi),
    secrets: secretHandlers({} as Parameters<typeof secretHandlers>[0]),
    handOver: nobody,
    changeKeys: { stage: nobody, wish: () => '', adopt: nobody, promote: nobody },
  });
  const handler = handlers[name as TaskName] as (input: object) => Promise<unknown>;
  await handler({ paths: [] });
  expect(called).toEqual([name]);
});

const ofHosts = names.filter((name) => name.startsWith('host.'));

it.each([DelegatedHostApi, RestHostApi])('every method of the HostApi port is a task: $name', (api) => {
  const methods = methodsOf(api).filter((method) => !['caps', 'rate'].includes(method));
  expect(methods.map((method) => `host.${method}`).toSorted()).toEqual(ofHosts);
});

it.each(ofHosts)('the handler of %s calls the method of that name', async (name) => {
  const called: string[] = [];
  const api = new Proxy({} as HostApi, {
    get: (_, method) =>
      isAwaited(method) || method === 'rate'
        ? null
        : async () => {
            called.push(`host.${String(method)}`);
            return null;
          },
  });
  const handler = hostHandlers(async () => api)[name as keyof ReturnType<typeof hostHandlers>];
  const answer = await (handler as (input: object) => Promise<unknown>)({ secret: 'aHVzaA==' });
  expect(called).toEqual([name]);
  expect(answer).toEqual({ answer: null, rate: null });
});
