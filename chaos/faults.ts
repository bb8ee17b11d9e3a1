// Makes the scheduled faults happen, and end.
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault, FaultKind } from './schedule.js';
import type { World } from './world.js';

const SLOW_MS = 40;

/** Begins a fault; answers how it ends, or why it could not begin. */
type Cause = (world: World, fault: Fault) => Promise<(() => Promise<void>) | string>;

const causes: Record<FaultKind, Cause> = {
  kill: async (world, { target }) =>
    world.processes.get(target)?.kill() === true ? nothing : 'it is not there',
  freeze: async (world, { target }) => {
    const one = world.processes.get(target);
    if (one?.freeze() !== true) return 'it is not there';
    return async () => void one.thaw();
  },
  'redis-kill': (world, { ms }) => restartRedis(world, ms, false),
  'redis-empty': (world, { ms }) => restartRedis(world, ms, true),
  'redis-cut': (world, { target }) => cut(world.redisLines.get(target)),
  'redis-stall': (world, { target }) => stall(world.redisLines.get(target)),
  'redis-slow': (world, { target }) => slow(world.redisLines.get(target)),
  'git-cut': (world) => cut(world.gitLine),
  'git-stall': (world) => stall(world.gitLine),
  'git-slow': (world) => slow(world.gitLine),
};

const nothing = async (): Promise<void> => undefined;

type Hurt = World['gitLine'] | undefined;

async function cut(line: Hurt): Promise<() => Promise<void>> {
  await line?.cut();
  return async () => line?.mend();
}

async function stall(line: Hurt): Promise<() => Promise<void>> {
  line?.stall();
  return async () => line?.resume();
}

async function slow(line: Hurt): Promise<() => Promise<void>> {
  line?.slow(SLOW_MS);
  return async () => line?.slow(0);
}

let restarting: Promise<void> | undefined;

async function restartRedis(
  world: World,
  ms: number,
  empty: boolean,
): Promise<(() => Promise<void>) | string> {
  if (restarting !== undefined) return 'Redis is down already';
  const restart = world.restartRedis(ms, { empty }).finally(() => {
    restarting = undefined;
  });
  restarting = restart;
  restart.catch(() => undefined);
  return () => restart;
}

/** Runs the schedule to its end; what lasts is ended with it. */
export async function runFaults(
  world: World,
  faults: readonly Fault[],
  { signal, tell }: { signal: AbortSignal; tell: (line: string) => void },
): Promise<void> {
  const begin = Date.now();
  const endings: Promise<void>[] = [];
  for (const fault of faults) {
    await delay(Math.max(0, begin + fault.atMs - Date.now()), undefined, { signal });
    endings.push(runFault(world, fault, { signal, tell }));
  }
  await Promise.all(endings);
}

async function runFault(
  world: World,
  fault: Fault,
  { signal, tell }: { signal: AbortSignal; tell: (line: string) => void },
): Promise<void> {
  const { kind, target, ms } = fault;
  const end = await causes[kind](world, fault);
  const name = `${kind} ${target}${ms > 0 ? ` for ${ms} ms` : ''}`;
  if (typeof end === 'string') return tell(`${name}: nothing happens, ${end}`);
  tell(name);
  await delay(ms, undefined, { signal }).catch(() => undefined);
  // Whoever broke the run off ends everything.
  if (signal.aborted) return;
  await end();
  if (ms > 0) tell(`${kind} ${target} is over`);
}
