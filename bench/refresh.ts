// `npm run bench:refresh`: how long it takes from a push, or from the wish to follow a repository, until the copy equals Git,
// beside a clone with simple-git that is read and judged by the same rules.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { summarizeTimes } from './delegates-report.js';
import type { Line } from './proxy-client.js';
import {
  type All,
  fillRefresh,
  judgeRefresh,
  type Memory,
  type One,
  printRefresh,
  type RefreshResults,
  type SizeResults,
  type Way,
  type Webhook,
} from './refresh-report.js';
import { type Clone, forgetPeak, memoryOf, Stage } from './refresh-stage.js';
import { idOf, makeManifest, makeYamlRepository, pathOf } from './yaml-repository.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const RESULTS = path.join(root, 'bench/results/refresh.json');
const PAGE = path.join(root, 'docs/benchmarks.md');

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    /** Numbers of files, in place of those of the plan: `1500,10000`. */
    sizes: { type: 'string' },
    /** Which pushes follow the cold, in place of all: `one,all,webhook`, or none. */
    parts: { type: 'string' },
    /** How often a repository is followed that nobody knows, and how many pushes of one file are made. */
    rounds: { type: 'string' },
    pushes: { type: 'string' },
    /** Where to write the results, in place of those that are part of the project. */
    out: { type: 'string' },
  },
});
const asked = values.quick
  ? { sizes: [60], rounds: 1, pushes: 2, clones: 1 }
  : { sizes: [1_500, 10_000], rounds: 3, pushes: 10, clones: 3 };
const plan = {
  ...asked,
  sizes: values.sizes?.split(',').map(Number) ?? asked.sizes,
  rounds: Number(values.rounds ?? asked.rounds),
  pushes: Number(values.pushes ?? asked.pushes),
  parts: values.parts?.split(',') ?? ['one', 'all', 'webhook'],
};
const isWhole =
  !values.quick &&
  [values.sizes, values.parts, values.rounds, values.pushes].every((one) => one === undefined);

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
    const stage = await Stage.open(home, stops);
    await runOnce(stage, 'warm', 100, 0);
    const sizes: SizeResults[] = [];
    for (const count of plan.sizes) sizes.push(await measureSize(stage, count));
    const results: RefreshResults = {
      date: new Date().toISOString().slice(0, 10),
      versions: { node: process.versions.node },
      cpus: os.availableParallelism(),
      rounds: plan.rounds,
      pushes: plan.pushes,
      sizes,
      targets: judgeRefresh({ sizes }),
    };
    process.stdout.write(`${printRefresh(results)}\n`);
    write(results);
  } finally {
    await end();
  }
}

/** What one round took, of one way. */
interface Sample {
  ms: number;
  requests: number;
  bytes: number;
}

type Cold = {
  product: Sample;
  imported: Sample;
  clone: Sample;
  cloneToDatabase: Sample;
  memory: Memory;
  importMemory: Memory;
};

async function measureSize(stage: Stage, count: number): Promise<SizeResults> {
  const rounds: Cold[] = [];
  for (let round = 0; round < plan.rounds; round++)
    rounds.push(await runOnce(stage, `s${count}-${round}`, count, round));
  const name = `s${count}-${plan.rounds - 1}`;
  const place = { name, count, clone: await stage.clone(name) };
  const pushed: Pick<SizeResults, 'one' | 'all' | 'webhook'> = {};
  if (plan.parts.includes('one')) pushed.one = await pushOne(stage, place);
  if (plan.parts.includes('all')) pushed.all = await pushAll(stage, place);
  if (plan.parts.includes('webhook')) pushed.webhook = await pushByWebhook(stage, place);
  return {
    files: count,
    bytes: makeYamlRepository(name, count).bytes,
    cold: {
      product: summarize(rounds.map((round) => round.product)),
      imported: summarize(rounds.map((round) => round.imported)),
      clone: summarize(rounds.map((round) => round.clone)),
      cloneToDatabase: summarize(rounds.map((round) => round.cloneToDatabase)),
      memory: rounds.at(-1)?.memory as Memory,
      importMemory: rounds.at(-1)?.importMemory as Memory,
    },
    ...pushed,
  };
}

/** A repository that nobody knows, by every way, in an order that changes from round to round. */
async function runOnce(stage: Stage, name: string, count: number, round: number): Promise<Cold> {
  const importedName = `${name}-imported`;
  await stage.furnish(name, makeYamlRepository(name, count));
  await stage.furnish(importedName, makeYamlRepository(importedName, count));
  const cold: Partial<Cold> = {};
  const ways = [
    async () => {
      cold.memory = await withMemory(stage, async () => {
        cold.product = await sample(stage.lines.product, () => stage.follow(name));
      });
      await assertEqual(stage, name, count);
    },
    async () => {
      cold.importMemory = await withMemory(stage, async () => {
        cold.imported = await sample(stage.lines.product, () => stage.import(importedName, count));
      });
      await assertEqual(stage, importedName, count);
    },
    async () => {
      cold.clone = await cloneOnce(stage, name, count);
    },
    async () => {
      cold.cloneToDatabase = await cloneOnce(stage, name, count, stage.databaseUrl);
    },
  ];
  for (const way of round % 2 === 0 ? ways : ways.toReversed()) await way();
  return cold as Cold;
}

/** @throws Error unless every file is a valid copy, byte for byte */
async function assertEqual(stage: Stage, name: string, count: number, version = 0): Promise<void> {
  const client = new pg.Client({ connectionString: stage.databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ path: string; yaml: Buffer }>(
    'select path, yaml from entity where connector_id = $1 and invalid is null',
    [name],
  );
  await client.end();
  const copies = new Map(rows.map((row) => [row.path, row.yaml.toString()]));
  if (copies.size !== count) throw new Error(`${copies.size} copies of ${count} files`);
  for (let at = 0; at < count; at++)
    if (copies.get(pathOf(name, at)) !== makeManifest(name, at, version))
      throw new Error(`${pathOf(name, at)} is not in the copy as it is in Git`);
}

async function cloneOnce(stage: Stage, name: string, count: number, databaseUrl?: string): Promise<Sample> {
  const folder = fs.mkdtempSync(path.join(stage.home, 'contender-'));
  const url = `${stage.lines.contender.url}/${name}.git`;
  try {
    return await sample(stage.lines.contender, async () => {
      const { ms, files } = await stage.contender.ask({ do: 'clone', url, folder, databaseUrl });
      if (files !== count) throw new Error(`The contender found ${files} of ${count} files`);
      return ms;
    });
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

interface Place {
  name: string;
  count: number;
  clone: Clone;
}

/** One file changes at a time: told when the push is done, so that the push itself is not counted for anybody. */
async function pushOne(stage: Stage, { name, count, clone }: Place): Promise<One> {
  const samples = { product: [] as Sample[], pull: [] as Sample[], clone: [] as Sample[] };
  let memory: Memory | undefined;
  const kept = await keepClone(stage, name);
  for (let round = 0; round < plan.pushes; round++) {
    const at = (round * 37) % count;
    const text = makeManifest(name, at, 0).replace('replicas: ', `replicas: ${round + 1}`);
    const commit = await clone.commit([[pathOf(name, at), text]]);
    await clone.push();
    memory = await withMemory(stage, async () => {
      samples.product.push(await sample(stage.lines.product, () => stage.poll(name, commit)));
    });
    await stage.shows(idOf(name, at), text);
    samples.pull.push(await pullOnce(stage, kept, 1));
    if (round < plan.clones) samples.clone.push(await cloneOnce(stage, name, count));
  }
  fs.rmSync(kept.folder, { recursive: true });
  return {
    product: summarize(samples.product),
    pull: summarize(samples.pull),
    clone: summarize(samples.clone),
    memory: memory as Memory,
  };
}

/** Every file changes in one push. */
async function pushAll(stage: Stage, { name, count, clone }: Place): Promise<All> {
  const kept = await keepClone(stage, name);
  const files = Array.from({ length: count }, (_, at): [string, string] => [
    pathOf(name, at),
    makeManifest(name, at, 1),
  ]);
  const commit = await clone.commit(files);
  await clone.push();
  let product: Sample | undefined;
  const memory = await withMemory(stage, async () => {
    product = await sample(stage.lines.product, () => stage.poll(name, commit));
  });
  await assertEqual(stage, name, count, 1);
  const pull = await pullOnce(stage, kept, count);
  const cloned = await cloneOnce(stage, name, count);
  fs.rmSync(kept.folder, { recursive: true });
  return {
    product: summarize([product as Sample]),
    pull: summarize([pull]),
    clone: summarize([cloned]),
    memory,
    bytes: files.reduce((sum, [, text]) => sum + Buffer.byteLength(text), 0),
  };
}

/** By the hook of a plain Git server and the connector’s webhook, as it is for users. */
async function pushByWebhook(stage: Stage, { name, count, clone }: Place): Promise<Webhook> {
  await stage.hook(name);
  const times = { sinceBegin: [] as number[], sinceEnd: [] as number[] };
  for (let round = 0; round < plan.pushes; round++) {
    const at = (round * 41) % count;
    const text = makeManifest(name, at, 0).replace('replicas: ', `replicas: ${round + 2}`);
    await clone.commit([[pathOf(name, at), text]]);
    const begin = performance.now();
    await clone.push();
    const pushed = performance.now();
    await stage.shows(idOf(name, at), text);
    times.sinceBegin.push(performance.now() - begin);
    times.sinceEnd.push(performance.now() - pushed);
  }
  return { sinceBegin: summarizeTimes(times.sinceBegin), sinceEnd: summarizeTimes(times.sinceEnd) };
}

interface Kept {
  folder: string;
  url: string;
}

async function keepClone(stage: Stage, name: string): Promise<Kept> {
  const folder = fs.mkdtempSync(path.join(stage.home, 'kept-'));
  const url = `${stage.lines.contender.url}/${name}.git`;
  await stage.contender.ask({ do: 'clone', url, folder });
  await stage.lines.contender.take();
  return { folder, url };
}

async function pullOnce(stage: Stage, kept: Kept, count: number): Promise<Sample> {
  return sample(stage.lines.contender, async () => {
    const { ms, files } = await stage.contender.ask({ do: 'pull', ...kept });
    if (files !== count) throw new Error(`The contender found ${files} of ${count} changes`);
    return ms;
  });
}

async function sample(line: Line, work: () => Promise<number>): Promise<Sample> {
  await line.take();
  const ms = await work();
  const { requests, bytesUp, bytesDown } = await line.take();
  return { ms, requests, bytes: bytesUp + bytesDown };
}

async function withMemory(stage: Stage, work: () => Promise<void>): Promise<Memory> {
  const pid = stage.manager.pid();
  forgetPeak(pid);
  const before = memoryOf(pid).now;
  await work();
  const { now, peak } = memoryOf(pid);
  return { before, peak, after: now };
}

function summarize(samples: Sample[]): Way {
  const most = (of: (one: Sample) => number): number => Math.max(...samples.map(of));
  return {
    ...summarizeTimes(samples.map(({ ms }) => ms)),
    requests: most(({ requests }) => requests),
    bytes: most(({ bytes }) => bytes),
  };
}

function write(results: RefreshResults): void {
  const text = `${JSON.stringify(results, null, 2)}\n`;
  if (values.out !== undefined) return fs.writeFileSync(values.out, text);
  if (!isWhole) return void process.stderr.write('Not written: only a whole run is, or one with --out\n');
  fs.writeFileSync(RESULTS, text);
  fs.writeFileSync(PAGE, fillRefresh(fs.readFileSync(PAGE, 'utf8'), results));
}
