// `npm run chaos -- --seed N --seconds S`: real processes, real servers, faults by chance, steady saves; then the verdict.
import '../src/config/process.js';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client, type Tenant } from './client.js';
import { runFaults } from './faults.js';
import type { Evidence, ShownEntity, ShownOperation } from './journal.js';
import { Random } from './random.js';
import { scheduleFaults } from './schedule.js';
import { closingLine, judge, type Verdict } from './verdict.js';
import { processNames, World } from './world.js';

const USAGE = 'Usage: npm run chaos -- [--seed N] [--seconds 1..3600] [--log DIR]\n';
const CLIENTS_PER_BRANCH = 2;
/** How long after the last fault everything must have ended. */
const SETTLE_MS_MAX = 120_000;
/** What start and verdict may take on top; a run that takes longer is broken off. */
const MARGIN_MS = 180_000;
const LOOK_MS = 500;
const PAGE = 1_000;
const INTERRUPTED = 'Interrupted';

const stop = new AbortController();
process.exitCode = await main();

async function main(): Promise<number> {
  const options = readOptions();
  if (options === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  const { seed, seconds, log } = options;
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-chaos-'));
  fs.chmodSync(home, 0o755);
  const logs = log ?? path.join(home, 'logs');
  fs.mkdirSync(logs, { recursive: true });
  process.stdout.write(`seed ${seed}, ${seconds} s of faults\n`);
  const world = World.make({ home, logs });
  const broken = breakOff(seconds * 1_000 + SETTLE_MS_MAX + MARGIN_MS);
  let isRight = false;
  try {
    const verdict = await Promise.race([run(world, { seed, seconds, logs }), broken]);
    isRight = verdict.problems.length === 0 && verdict.terminal === verdict.operations;
    for (const { kind, about, what } of verdict.problems)
      process.stdout.write(`${kind}: ${about}: ${what}\n`);
    if (!isRight) process.stdout.write(`Logs: ${logs}\n`);
    process.stdout.write(`${closingLine(verdict)}\n`);
  } catch (error) {
    const isInterrupted = stop.signal.reason === INTERRUPTED;
    process.stderr.write(isInterrupted ? `${INTERRUPTED}\n` : `${(error as Error).stack}\nLogs: ${logs}\n`);
  } finally {
    const isInterrupted = stop.signal.reason === INTERRUPTED;
    stop.abort('It is over');
    await world.stop();
    cleanUp(world, { home, logs, keep: log !== undefined || !(isRight || isInterrupted) });
  }
  return isRight ? 0 : 1;
}

function readOptions(): { seed: number; seconds: number; log: string | undefined } | undefined {
  const text = { type: 'string' } as const;
  try {
    const { values } = parseArgs({ options: { seed: text, seconds: text, log: text } });
    const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));
    const seconds = Number(values.seconds ?? '60');
    if (!Number.isSafeInteger(seed) || seed < 0) return undefined;
    if (!Number.isSafeInteger(seconds) || seconds < 1 || seconds > 3_600) return undefined;
    return { seed, seconds, log: values.log === undefined ? undefined : path.resolve(values.log) };
  } catch {
    return undefined;
  }
}

/** Rejects on Ctrl-C, on SIGTERM, and when it takes too long. */
function breakOff(ms: number): Promise<never> {
  return new Promise((_, reject) => {
    const end = (reason: string): void => {
      stop.abort(reason);
      reject(new Error(reason));
    };
    // More than once: a launcher may pass on what the terminal has told everybody.
    process.on('SIGINT', () => end(INTERRUPTED));
    process.on('SIGTERM', () => end(INTERRUPTED));
    setTimeout(() => end('It took too long'), ms).unref();
  });
}

async function run(
  world: World,
  { seed, seconds, logs }: { seed: number; seconds: number; logs: string },
): Promise<Verdict> {
  await world.start();
  const tell = teller(path.join(logs, 'faults.log'));
  tell(`seed ${seed}, ${seconds} s`);
  const clients = makeClients(world, seed);
  let isOver = false;
  let giveUpAt = Number.POSITIVE_INFINITY;
  const saving = clients.map((client) =>
    client.run(
      () => isOver || stop.signal.aborted,
      // Of a run that is broken off, nobody waits for an answer.
      () => (stop.signal.aborted ? 0 : giveUpAt),
    ),
  );
  await runFaults(world, scheduleFaults(seed, seconds, processNames), { signal: stop.signal, tell });
  isOver = true;
  giveUpAt = Date.now() + SETTLE_MS_MAX;
  tell('all faults are over');
  await Promise.all(saving);
  const evidence = await gather(world, clients, giveUpAt);
  tell(`settled: ${countEnds(evidence)}`);
  fs.writeFileSync(path.join(logs, 'evidence.json'), JSON.stringify(evidence, null, 1));
  const verdict = judge(evidence, world.repositories);
  for (const surprise of [...world.processes.values()].flatMap(({ surprises }) => surprises))
    verdict.problems.push({ kind: 'wrong', about: 'process', what: surprise });
  return verdict;
}

function teller(file: string): (line: string) => void {
  const begin = Date.now();
  return (line) => {
    const now = new Date();
    const at = ((now.getTime() - begin) / 1_000).toFixed(3).padStart(8);
    fs.appendFileSync(file, `${now.toISOString()} ${at} s  ${line}\n`);
  };
}

function makeClients(world: World, seed: number): Client[] {
  const places = world.tenants.flatMap((tenant) => tenant.branches.map((branch) => ({ tenant, branch })));
  return places.flatMap(({ tenant, branch }, place) =>
    Array.from({ length: CLIENTS_PER_BRANCH }, (_, at) => {
      const name = `${tenant.repository}-${branch}-${at + 1}`;
      const random = new Random(seed + 1 + place * CLIENTS_PER_BRANCH + at);
      return new Client({ name, tenant, branch, random, managers: () => world.managers() });
    }),
  );
}

/** What the API shows once nothing is pending any more, or the time is up. */
async function gather(world: World, clients: Client[], until: number): Promise<Evidence> {
  const sent = clients.flatMap(({ journal }) => journal);
  for (;;) {
    stop.signal.throwIfAborted();
    const late = Date.now() > until;
    try {
      const operations = await listAll<ShownOperation>(world, 'operations');
      if (late || operations.every(({ state }) => state !== 'pending')) {
        const entities = await listAll<ShownEntity>(world, 'entities');
        const repositories = world.tenants.map(({ repository: name, scope, branches }) => ({
          name,
          scope,
          branches,
        }));
        return { sent, operations, entities, repositories };
      }
    } catch (error) {
      if (late) throw error;
    }
    await delay(LOOK_MS);
  }
}

async function listAll<T>(world: World, what: 'operations' | 'entities'): Promise<T[]> {
  const found: T[] = [];
  for (const tenant of world.tenants) {
    let cursor: string | null = null;
    do {
      const page: Record<string, unknown> = await get(
        world,
        tenant,
        `${what}?limit=${PAGE}${cursor === null ? '' : `&cursor=${cursor}`}`,
      );
      found.push(...(page[what] as T[]));
      cursor = page.nextCursor as string | null;
    } while (cursor !== null);
  }
  return found;
}

async function get(world: World, { scope, token }: Tenant, at: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${world.managers()[0]}/api/v1/${scope}/${at}`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(30_000),
  });
  if (!response.ok) throw new Error(`${at} was answered ${response.status}`);
  return (await response.json()) as Record<string, unknown>;
}

function countEnds({ operations }: Evidence): string {
  const counts = new Map<string, number>();
  for (const { state, problem } of operations) {
    const end = problem === null ? state : `${state} ${problem.code}`;
    counts.set(end, (counts.get(end) ?? 0) + 1);
  }
  return [...counts].map(([end, count]) => `${end} ${count}`).join(', ');
}

/** With a folder for logs, the repositories are kept there too; of a failed run everything that was written is. */
function cleanUp(world: World, { home, logs, keep }: { home: string; logs: string; keep: boolean }): void {
  if (keep && fs.existsSync(world.repositories))
    fs.cpSync(world.repositories, path.join(logs, 'repositories'), { recursive: true });
  // Below a closed folder, PostgreSQL puts its files elsewhere, and writes down where.
  const pointer = path.join(home, 'postgres', 'location');
  if (fs.existsSync(pointer))
    fs.rmSync(fs.readFileSync(pointer, 'utf8').trim(), { recursive: true, force: true });
  const isInside = logs.startsWith(home);
  if (!isInside || !keep) return fs.rmSync(home, { recursive: true, force: true });
  for (const name of fs.readdirSync(home))
    if (name !== 'logs') fs.rmSync(path.join(home, name), { recursive: true, force: true });
}
