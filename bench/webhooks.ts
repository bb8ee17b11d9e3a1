// `npm run bench:webhooks`: how long a Git host waits for its answer while many deliveries arrive, beside a route of the same server
// that only answers.
import { fork } from 'node:child_process';
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startProduct } from './product.js';
import {
  fillWebhooks,
  judgeWebhooks,
  printWebhooks,
  summarizeLatencies,
  type WayName,
  type WebhookResults,
  wayNames,
} from './webhooks-report.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const RESULTS = path.join(root, 'bench/results/webhooks.json');
const PAGE = path.join(root, 'docs/benchmarks.md');
const PER_SECOND = 200;
const AT_ONCE = 32;
const BODY_BYTES = 10_240;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    /** Where to write the results, in place of those that are part of the project. */
    out: { type: 'string' },
  },
});
const plan = values.quick ? { turns: 1, turnSeconds: 1 } : { turns: 4, turnSeconds: 5 };

const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });

await main();

async function main(): Promise<void> {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-bench-'));
  fs.chmodSync(home, 0o755);
  const stops: (() => Promise<void>)[] = [];
  const end = async (): Promise<void> => {
    for (const stop of stops.splice(0)) await stop();
    agent.destroy();
    fs.rmSync(home, { recursive: true, force: true });
  };
  const leave = (): void => void end().finally(() => process.exit(130));
  process.on('SIGINT', leave).on('SIGTERM', leave);
  try {
    const bare = await startBareRoute(stops);
    const { ask, manager } = await startProduct(home, stops);
    const secret = randomBytes(32).toString('base64url');
    await ask('PUT', 'secrets/proof', { manager: 'builtin', value: secret });
    const made = await ask('PUT', 'connectors/direct/webhook', { secrets: ['proof'] });
    const door = String(made.path);
    const urls: Record<WayName, string> = { door: `${manager}${door}`, bare: `${bare}${door}` };
    const measured = await measure(urls, secret, () => waiting(ask));
    const results: WebhookResults = {
      date: new Date().toISOString().slice(0, 10),
      versions: { node: process.versions.node },
      cpus: os.availableParallelism(),
      bodyBytes: BODY_BYTES,
      perSecond: PER_SECOND,
      seconds: plan.turns * plan.turnSeconds,
      atOnce: AT_ONCE,
      ...measured,
      targets: judgeWebhooks({ ...measured, perSecond: PER_SECOND }),
    };
    process.stdout.write(`${printWebhooks(results)}\n`);
    write(results);
  } finally {
    await end();
  }
}

type Measured = Pick<WebhookResults, 'steady' | 'most' | 'settledMs' | 'refusedPerSecond'>;

/** Both ways in turns, so that what else the machine does falls on each of them. */
async function measure(
  urls: Record<WayName, string>,
  secret: string,
  stillWaiting: () => Promise<number>,
): Promise<Measured> {
  const send = (name: WayName) => deliver(urls[name], secret, 202);
  const times: Record<WayName, number[]> = { door: [], bare: [] };
  const counts: Record<WayName, number[]> = { door: [], bare: [] };
  for (const name of wayNames) await steadily(1, () => send(name));
  for (let turn = 0; turn < plan.turns; turn++)
    for (const name of wayNames) times[name].push(...(await steadily(plan.turnSeconds, () => send(name))));
  const begun = performance.now();
  while ((await stillWaiting()) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const settledMs = Math.round(performance.now() - begun);
  for (let turn = 0; turn < plan.turns; turn++)
    for (const name of wayNames) counts[name].push(await atOnce(plan.turnSeconds, () => send(name)));
  const refused = await atOnce(plan.turnSeconds, () => deliver(urls.door, 'another', 401));
  return {
    steady: { door: summarizeLatencies(times.door), bare: summarizeLatencies(times.bare) },
    most: { door: Math.max(...counts.door), bare: Math.max(...counts.bare) },
    settledMs,
    refusedPerSecond: refused,
  };
}

/** How long each was waited for, from when it was due. */
async function steadily(seconds: number, send: () => Promise<void>): Promise<number[]> {
  const begun = performance.now();
  const due = Array.from({ length: seconds * PER_SECOND }, (_, at) => begun + (at * 1_000) / PER_SECOND);
  return Promise.all(
    due.map(async (at) => {
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, at - performance.now())));
      await send();
      return performance.now() - at;
    }),
  );
}

/** Answers a second. */
async function atOnce(seconds: number, send: () => Promise<void>): Promise<number> {
  const end = performance.now() + seconds * 1_000;
  let count = 0;
  const work = async (): Promise<void> => {
    for (; performance.now() < end; count++) await send();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return Math.round(count / seconds);
}

/** One push of a host. @throws Error unless it is answered so */
async function deliver(url: string, secret: string, expected: number): Promise<void> {
  const push = {
    event: 'push',
    ref: 'refs/heads/main',
    before: null,
    after: randomBytes(20).toString('hex'),
  };
  const body = JSON.stringify(push).padEnd(BODY_BYTES);
  const request = http.request(url, {
    method: 'POST',
    agent,
    headers: {
      'content-type': 'application/json',
      'content-length': BODY_BYTES,
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
      'x-sallyport-delivery': randomUUID(),
    },
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  response.resume();
  await once(response, 'end');
  if (response.statusCode !== expected) throw new Error(`A delivery was answered ${response.statusCode}`);
}

async function waiting(
  ask: (method: string, path: string) => Promise<Record<string, unknown>>,
): Promise<number> {
  const { health } = await ask('GET', 'connectors/direct/webhook');
  return (health as { waiting: number }).waiting;
}

async function startBareRoute(stops: (() => Promise<void>)[]): Promise<string> {
  const child = fork(fileURLToPath(new URL('./bare-route.js', import.meta.url)));
  const gone = once(child, 'exit');
  stops.unshift(async () => {
    child.disconnect();
    await gone;
  });
  const [{ url }] = (await once(child, 'message')) as [{ url: string }];
  return url;
}

function write(results: WebhookResults): void {
  const text = `${JSON.stringify(results, null, 2)}\n`;
  if (values.out !== undefined) return fs.writeFileSync(values.out, text);
  if (values.quick) return;
  fs.writeFileSync(RESULTS, text);
  fs.writeFileSync(PAGE, fillWebhooks(fs.readFileSync(PAGE, 'utf8'), results));
}
