// `npm run bench:git`: Sallyport's engines beside the libraries others use, in one run against one real server.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startGitServer } from './git-server.js';
import { catalogue } from './methods/catalogue.js';
import type { OperationName } from './methods/method.js';
import { Proxy } from './proxy-client.js';
import { type Plan, Race } from './race.js';
import { fillPage, printTable, printTargets, type Results } from './report.js';
import type { RepositoryName } from './repositories.js';
import { addRatios, judgeTargets, type Row } from './rows.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const RESULTS = path.join(root, 'bench/results/git.json');
const PAGE = path.join(root, 'docs/benchmarks.md');
const PINGS = 40;

const whole = { rounds: 9, repeatMsMax: 4_000, singleMsMax: 120_000 };
const quick = { rounds: 1, repeatMsMax: 500, singleMsMax: 30_000 };
/** How long everything on one repository may take, and how long many saves one by one; together twelve minutes. */
const limits = {
  small: { raceMsMax: 130_000, manyMsMax: 30_000 },
  medium: { raceMsMax: 250_000, manyMsMax: 60_000 },
  large: { raceMsMax: 340_000, manyMsMax: 15_000 },
};
const quickLimits = { raceMsMax: 50_000, manyMsMax: 2_000 };

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    repositories: { type: 'string' },
    methods: { type: 'string' },
    operations: { type: 'string', default: 'save,read,refresh,save100' },
    latencies: { type: 'string' },
    /** Where to write the results, in place of those that are part of the project. */
    out: { type: 'string' },
  },
});

await main();

async function main(): Promise<void> {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-bench-'));
  try {
    const results = await measure(home);
    process.stdout.write(`${printTable(results)}\n\n${printTargets(results)}\n`);
    write(results);
  } finally {
    fs.rmSync(home, { recursive: true, force: true });
  }
}

async function measure(home: string): Promise<Results> {
  const [repositories, served, clients] = ['repositories', 'server', 'clients'].map((name) => {
    const folder = path.join(home, name);
    fs.mkdirSync(folder);
    return folder;
  }) as [string, string, string];
  const server = await startGitServer(repositories, served);
  const proxy = new Proxy(server.url);
  const leave = (): void => {
    void server.stop().finally(() => {
      fs.rmSync(home, { recursive: true, force: true });
      process.exit(130);
    });
  };
  process.once('SIGINT', leave).once('SIGTERM', leave);
  try {
    const latenciesMs = chooseLatencies();
    const ground = { root: repositories, home: clients, proxy, say };
    const roundTripMs = await measureRoundTrips(proxy, latenciesMs);
    const rows: Row[] = [];
    const races: Race[] = [];
    for (const repository of chooseRepositories()) {
      const race = new Race(makePlan(repository, latenciesMs), ground);
      races.push(race);
      rows.push(...(await race.run(repository)));
    }
    const rated = addRatios(rows.toSorted(byPlace));
    return {
      date: new Date().toISOString().slice(0, 10),
      versions: listVersions(),
      cpus: os.availableParallelism(),
      rounds: Math.max(1, (values.quick ? quick : whole).rounds - 1),
      verified: races.reduce((sum, { verified }) => sum + verified, 0),
      roundTripMs,
      rows: rated,
      targets: judgeTargets(rated, roundTripMs),
    };
  } finally {
    await proxy.stop();
    await server.stop();
  }
}

function makePlan(repository: RepositoryName, latenciesMs: number[]): Plan {
  return {
    ...(values.quick ? { ...quick, ...quickLimits } : { ...whole, ...limits[repository] }),
    methods: values.methods === undefined ? Object.keys(catalogue) : values.methods.split(';'),
    operations: values.operations.split(',') as OperationName[],
    latenciesMs,
  };
}

function chooseLatencies(): number[] {
  return (values.latencies ?? (values.quick ? '0' : '0,50')).split(',').map(Number);
}

function chooseRepositories(): RepositoryName[] {
  const preset = values.quick ? 'small,medium' : 'small,medium,large';
  return (values.repositories ?? preset).split(',') as RepositoryName[];
}

/** What a request costs that the server has nothing to do for: the line alone. */
async function measureRoundTrips(proxy: Proxy, latenciesMs: number[]): Promise<Record<string, number>> {
  const agent = new http.Agent({ keepAlive: true });
  const trips: Record<string, number> = {};
  for (const latencyMs of latenciesMs) {
    const line = await proxy.open(latencyMs);
    const times: number[] = [];
    for (let at = 0; at < PINGS; at++) {
      const start = performance.now();
      await ping(`${line.url}/ping`, agent);
      const ms = performance.now() - start;
      times.push(ms - (await line.take()).serverMs);
    }
    await line.close();
    trips[String(latencyMs)] = Number((times.toSorted((a, b) => a - b)[PINGS / 2] ?? 0).toFixed(1));
  }
  agent.destroy();
  return trips;
}

function ping(url: string, agent: http.Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    http.get(url, { agent }, (answer) => answer.resume().on('end', resolve)).on('error', reject);
  });
}

function listVersions(): Record<string, string> {
  const versionOf = (name: string): string => {
    const manifest = fs.readFileSync(path.join(root, 'node_modules', name, 'package.json'), 'utf8');
    return (JSON.parse(manifest) as { version: string }).version;
  };
  return {
    node: process.versions.node,
    git: execFileSync('git', ['--version'], { encoding: 'utf8' }).replace('git version', '').trim(),
    'isomorphic-git': versionOf('isomorphic-git'),
    'simple-git': versionOf('simple-git'),
    undici: versionOf('undici'),
  };
}

function byPlace(a: Row, b: Row): number {
  const operations = ['save', 'read', 'refresh', 'save100'];
  const repositories = ['small', 'medium', 'large'];
  return (
    operations.indexOf(a.operation) - operations.indexOf(b.operation) ||
    repositories.indexOf(a.repository) - repositories.indexOf(b.repository) ||
    a.latencyMs - b.latencyMs
  );
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A run with options measures something else than what the project shows: it is written only where it is told to. */
function write(results: Results): void {
  const text = `${JSON.stringify(results, null, 2)}\n`;
  if (values.out !== undefined) return fs.writeFileSync(values.out, text);
  const isWhole = !values.quick && values.repositories === undefined && values.methods === undefined;
  if (!isWhole) return say('Not written: only a whole run is, or one with --out');
  fs.mkdirSync(path.dirname(RESULTS), { recursive: true });
  fs.writeFileSync(RESULTS, text);
  fs.writeFileSync(PAGE, fillPage(fs.readFileSync(PAGE, 'utf8'), results));
}
