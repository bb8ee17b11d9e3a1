// `npm run bench:delegates`: what the road through a delegate adds to a save, and how many small tasks pass through a group.
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { answerInfo } from '../src/contract/messages.js';
import { contractVersion } from '../src/contract/version.js';
import { openQueueBackend } from '../src/queue/backend.js';
import { TaskQueue } from '../src/queue/task-queue.js';
import { makeSealingPair, Opener } from '../src/sealing/hpke.js';
import { Identity } from '../src/sealing/identity.js';
import { findProgram } from '../test/support/servers.js';
import {
  type DelegateResults,
  fillDelegates,
  judgeDelegates,
  printDelegates,
  summarizeTimes,
} from './delegates-report.js';
import { type Product, startProduct } from './product.js';
import type { MillAnswer, MillOrder } from './task-mill.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const RESULTS = path.join(root, 'bench/results/delegates.json');
const PAGE = path.join(root, 'docs/benchmarks.md');
const ENTITIES = 20;
const CONCURRENCIES = [8, 16, 32];
const INPUT = { remote: { url: 'https://git.invalid/team/repository.git' }, branch: 'main' };
const roads = ['direct', 'delegated'] as const;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    /** Where to write the results, in place of those that are part of the project. */
    out: { type: 'string' },
  },
});
const plan = values.quick
  ? { warmUp: 5, saves: 20, seconds: 1, rounds: 1 }
  : { warmUp: 30, saves: 300, seconds: 5, rounds: 3 };

await main();

async function main(): Promise<void> {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-bench-'));
  fs.chmodSync(home, 0o755);
  const stops: (() => Promise<void>)[] = [];
  const end = async (): Promise<void> => {
    for (const stop of stops.splice(0)) await stop();
    fs.rmSync(home, { recursive: true, force: true });
  };
  const leave = (): void => void end().finally(() => process.exit(130));
  process.on('SIGINT', leave).on('SIGTERM', leave);
  try {
    const product = await startProduct(home, stops);
    const saves = await measureSaves(product);
    const tasks = await measureTasks(product.redisUrl, home);
    const measured = { saves, tasks };
    const date = new Date().toISOString().slice(0, 10);
    const cpus = os.availableParallelism();
    const results: DelegateResults = {
      date,
      versions: listVersions(),
      cpus,
      ...measured,
      targets: judgeDelegates(measured),
    };
    process.stdout.write(`${printDelegates(results)}\n`);
    write(results);
  } finally {
    await end();
  }
}

/** Both roads in turns, each on a branch of its own, so that neither has to look for what the other one did. */
async function measureSaves(product: Product): Promise<DelegateResults['saves']> {
  const times = { direct: [] as number[], delegated: [] as number[] };
  for (const road of roads) git(product.repository, 'branch', road, 'main');
  for (let at = 0; at < plan.warmUp + plan.saves; at++) {
    // Who is first changes, since the first may pay for what both need.
    for (const road of at % 2 === 0 ? roads : roads.toReversed()) {
      const begin = performance.now();
      await product.save(road, road, `${road}-${at % ENTITIES}`, `name: ${road} ${at}\n`);
      if (at >= plan.warmUp) times[road].push(performance.now() - begin);
    }
  }
  for (const road of roads) {
    const commits = Number(git(product.repository, 'rev-list', '--count', `main..${road}`));
    if (commits !== plan.warmUp + plan.saves) throw new Error(`${commits} commits on ${road}`);
  }
  const [direct, delegated] = roads.map((road) => summarizeTimes(times[road]));
  return { count: plan.saves, direct, delegated } as DelegateResults['saves'];
}

async function measureTasks(redisUrl: string, home: string): Promise<DelegateResults['tasks']> {
  const best = new Map<number, DelegateResults['tasks'][number]>();
  for (let round = 0; round < plan.rounds; round++)
    for (const concurrency of CONCURRENCIES) {
      const row = await runMill(redisUrl, path.join(home, `mill-${round}-${concurrency}`), concurrency);
      const known = best.get(concurrency);
      if (known === undefined || row.perSecond > known.perSecond) best.set(concurrency, row);
    }
  return [...best.values()];
}

/** So many tasks are always on their way, for a while. */
async function runMill(
  redisUrl: string,
  folder: string,
  concurrency: number,
): Promise<DelegateResults['tasks'][number]> {
  const pair = await makeSealingPair();
  const identity = new Identity(Identity.make());
  const names = { deployment: 'bench', group: `g${concurrency}`, delegate: path.basename(folder) };
  const mill = fork(fileURLToPath(new URL('task-mill.js', import.meta.url)), { execArgv: [] });
  const order: MillOrder = {
    ...names,
    redisUrl,
    folder,
    tasksMax: concurrency,
    managerIdentityKey: identity.publicKey,
    managerSealingKey: pair.publicKey,
  };
  const keys = (await ask(mill, order)) as Extract<MillAnswer, { sealingKey: string }>;
  const backend = await openQueueBackend({ redisUrl, databaseUrl: undefined });
  const opener = new Opener(pair, answerInfo(names.deployment));
  const queue = new TaskQueue(backend, { deployment: names.deployment, identity, opener }, complain);
  const addressee = { ...keys, delegate: names.delegate, group: names.group };
  const times: number[] = [];
  const drive = async (endsAt: number, into: number[]): Promise<void> => {
    while (performance.now() < endsAt) {
      const begin = performance.now();
      const sent = await queue.send(addressee, 'git.head', INPUT, {
        contract: contractVersion,
        expiresAt: Date.now() + 60_000,
        standing: async () => 'serving',
      });
      if (sent.outcome !== 'answered' || !sent.answer.ok)
        throw new Error(`A task was ${JSON.stringify(sent)}`);
      into.push(performance.now() - begin);
    }
  };
  const driveAll = (ms: number, into: number[]): Promise<void[]> =>
    Promise.all(Array.from({ length: concurrency }, () => drive(performance.now() + ms, into)));
  await driveAll(1_000, []);
  const begin = performance.now();
  const cpu = process.cpuUsage();
  await driveAll(plan.seconds * 1_000, times);
  const seconds = (performance.now() - begin) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const { cpuMs } = (await ask(mill, 'stop')) as Extract<MillAnswer, { cpuMs: number }>;
  await queue.close();
  return {
    concurrency,
    perSecond: Math.round(times.length / seconds),
    ...summarizeTimes(times),
    managerCpuMs: Number(((user + system) / 1_000 / times.length).toFixed(2)),
    delegateCpuMs: Number((cpuMs / (times.length * (1 + 1 / plan.seconds))).toFixed(2)),
  };
}

async function ask(mill: ChildProcess, what: MillOrder | 'stop'): Promise<MillAnswer> {
  const answered = once(mill, 'message');
  const gone = once(mill, 'exit').then(([code]) => {
    throw new Error(`the mill ended with ${code}`);
  });
  gone.catch(() => undefined);
  mill.send(what);
  const [answer] = await Promise.race([answered, gone]);
  return answer as MillAnswer;
}

function complain(delegate: string, reason: string): never {
  throw new Error(`an answer of ${delegate} was refused: ${reason}`);
}

function git(folder: string, ...args: string[]): string {
  const options = { encoding: 'utf8' as const, env: { PATH: process.env.PATH, HOME: '/nonexistent' } };
  return execFileSync('git', ['-c', 'safe.directory=*', '-C', folder, ...args], options).trim();
}

function listVersions(): Record<string, string> {
  const manifest = fs.readFileSync(path.join(root, 'node_modules/bullmq/package.json'), 'utf8');
  const redis = execFileSync(findProgram('redis-server', 'redis-server'), ['--version'], {
    encoding: 'utf8',
  });
  return {
    node: process.versions.node,
    bullmq: (JSON.parse(manifest) as { version: string }).version,
    redis: /v=(\S+)/.exec(redis)?.[1] ?? '',
  };
}

/** A quick run is not what the project shows: it is written only where it is told to. */
function write(results: DelegateResults): void {
  const text = `${JSON.stringify(results, null, 2)}\n`;
  if (values.out !== undefined) return fs.writeFileSync(values.out, text);
  if (values.quick) return void process.stderr.write('Not written: only a whole run is, or one with --out\n');
  fs.mkdirSync(path.dirname(RESULTS), { recursive: true });
  fs.writeFileSync(RESULTS, text);
  fs.writeFileSync(PAGE, fillDelegates(fs.readFileSync(PAGE, 'utf8'), results));
}
