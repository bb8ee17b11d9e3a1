// The handlers of the tasks that ask the APIs of Git hosts: calls of the HostApi port.
import type { CarriedHost } from '../../src/contract/host-tasks.js';
import { Secret } from '../../src/kernel/secret.js';
import type { HostApi } from '../../src/providers/host-api.js';
import type { TaskContext, TaskHandlers } from '../../src/queue/task-worker.js';

/** Opens the API of a task's host under its credential. */
export type OpenHost = (host: CarriedHost, task: TaskContext) => Promise<HostApi>;

export type HostHandlers = Pick<TaskHandlers, Extract<keyof TaskHandlers, `host.${string}`>>;

export function hostHandlers(open: OpenHost): HostHandlers {
  return {
    'host.repo': ({ host }, task) => ask(open(host, task), (api) => api.repo()),
    'host.branch': ({ host, name }, task) => ask(open(host, task), (api) => api.branch(name)),
    'host.findPull': ({ host, branches }, task) => ask(open(host, task), (api) => api.findPull(branches)),
    'host.ensurePull': ({ host, wish }, task) => ask(open(host, task), (api) => api.ensurePull(wish)),
    'host.pull': ({ host, number }, task) => ask(open(host, task), (api) => api.pull(number)),
    'host.closePull': ({ host, number }, task) => ask(open(host, task), (api) => api.closePull(number)),
    'host.findHook': ({ host, url }, task) => ask(open(host, task), (api) => api.findHook(url)),
    'host.ensureHook': ({ host, secret, ...wish }, task) =>
      ask(open(host, task), async (api) => {
        const opened = new Secret(Buffer.from(secret, 'base64'));
        try {
          return await api.ensureHook({ ...wish, secret: opened });
        } finally {
          opened.wipe();
        }
      }),
    'host.removeHook': ({ host, url }, task) => ask(open(host, task), (api) => api.removeHook(url)),
  };
}

async function ask<T>(opening: Promise<HostApi>, use: (api: HostApi) => Promise<T>) {
  const api = await opening;
  const answer = await use(api);
  return { answer, rate: api.rate };
}
