// What a delegate tells of itself to whoever operates it: alive, ready and why not, and what it counted.
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Health, HealthServer } from '../../src/telemetry/health-server.js';
import { eventually } from '../support/api.js';
import { type RunningProcess, startDelegate } from '../support/processes.js';
import { oneBackend, Stack } from '../support/stack.js';

const own = {
  host: '127.0.0.1',
  port: 0,
  what: 'The delegate’s health endpoint',
  setting: 'SALLYPORT_DELEGATE_HEALTH_PORT',
};

describe('the endpoint', () => {
  let server: HealthServer;
  let objections: string[] = [];
  const health: Health = {
    objections: async () => objections,
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4', text: 'up 1\n' }),
  };
  beforeAll(async () => {
    server = await HealthServer.open(own, health);
  });
  afterAll(() => server.close());
  const get = (path: string, method = 'GET') => fetch(`${server.url}${path}`, { method });

  it('is alive', async () => {
    const answer = await get('/healthz');
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ alive: true });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('is ready, or says everything that is in the way', async () => {
    objections = [];
    expect((await get('/readyz?verbose')).status).toBe(200);
    objections = ['one', 'two'];
    const answer = await get('/readyz');
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({ ready: false, reasons: ['one', 'two'] });
    expect((await get('/healthz')).status).toBe(200);
  });

  it('gives its metrics as what they are', async () => {
    const answer = await get('/metrics');
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4');
    expect(await answer.text()).toBe('up 1\n');
  });

  it.each(['/', '/metrics/', '/healthz/x', '/__proto__', '/toString', '//metrics'])(
    'has nothing at %s',
    async (path) => {
      expect((await get(path)).status).toBe(404);
    },
  );

  it.each(['POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'])('does not take %s', async (method) => {
    const answer = await get('/metrics', method);
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('GET');
  });

  it('says where it cannot listen, and which setting would help', async () => {
    const port = Number(new URL(server.url).port);
    await expect(HealthServer.open({ ...own, port }, health)).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
      message: expect.stringContaining(`127.0.0.1:${port}`),
      hint: expect.stringContaining('SALLYPORT_DELEGATE_HEALTH_PORT'),
    });
  });

  it('ends at once, whoever is in the middle of a request', async () => {
    const other = await HealthServer.open(own, health);
    const { port, hostname } = new URL(other.url);
    const socket = net.connect(Number(port), hostname);
    const ended = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.write('GET /metrics HTTP/1.1\r\n', resolve));
    // The server has the connection once it has answered a later one.
    await fetch(`${other.url}/healthz`);
    const { url } = other;
    other.close();
    await ended;
    await expect(fetch(`${url}/healthz`)).rejects.toThrow('fetch failed');
  });
});

const settings = { SALLYPORT_DELEGATE_HEALTH_PORT: '0' };

async function readiness(url: string): Promise<{ status: number; reasons: string[] }> {
  const answer = await fetch(`${url}/readyz`);
  const { reasons = [] } = (await answer.json()) as { reasons?: string[] };
  return { status: answer.status, reasons };
}

/** The value of a series; undefined where there is none. */
async function metric(url: string, series: string): Promise<number | undefined> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`sallyport_delegate_${series} `));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}

const linesOf = (delegate: RunningProcess): Record<string, unknown>[] =>
  delegate
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** Where it tells of its health, by its log. */
const healthUrl = (delegate: RunningProcess): Promise<string> =>
  eventually(
    async () => linesOf(delegate).find(({ msg }) => msg === 'tells of its health')?.url as string | undefined,
    'the delegate to say where it tells of its health',
  );

describe.each(oneBackend)('a delegate on the %s servers', (backend) => {
  let stack: Stack;
  let delegate: RunningProcess;
  beforeAll(async () => {
    stack = await Stack.start(backend, { settings });
    delegate = stack.delegates[0] as RunningProcess;
  });
  afterAll(() => stack.stop());

  it('is ready once it is welcomed, at the address that its log names', async () => {
    expect(await readiness(delegate.url)).toEqual({ status: 200, reasons: [] });
    expect(await healthUrl(delegate)).toBe(delegate.url);
    expect(new URL(delegate.url).hostname).toBe('127.0.0.1');
    expect(await metric(delegate.url, 'queue_connected')).toBe(1);
    const welcomed = (await metric(delegate.url, 'last_welcome_timestamp_seconds')) ?? 0;
    expect(Math.abs(welcomed - Date.now() / 1_000)).toBeLessThan(120);
  });

  it('counts what it did, and names no repository', async () => {
    const before = (await metric(delegate.url, 'tasks_finished_total{task="git.commit",code="OK"}')) ?? 0;
    const saved = await stack.api.save('counted', 'name: counted\n', {
      connector: 'delegated',
      branch: 'main',
    });
    expect(saved.status, saved.text).toBe(201);
    expect(await metric(delegate.url, 'tasks_finished_total{task="git.commit",code="OK"}')).toBe(before + 1);
    const text = await (await fetch(`${delegate.url}/metrics`)).text();
    expect(text).not.toContain('demo');
    expect(text).not.toContain(new URL(stack.host.url).host);
  });

  it('tells every step of its life with the same names, and no repository', async () => {
    const told = linesOf(delegate).filter(({ level }) => level === 'info');
    expect(told.map(({ msg }) => msg)).toEqual(['starts', 'tells of its health', 'welcomed', 'takes tasks']);
    for (const line of told)
      expect(line).toMatchObject({ delegate: expect.stringMatching(/^d[0-9a-f]{16}$/), group: 'local' });
    expect(JSON.stringify(told)).not.toContain(stack.repositoryUrl);
  });

  it('logs a task that fails under its id, its name and its code', async () => {
    const { accounts } = stack;
    await stack.api.ok('PUT', 'accounts/demo/connectors/astray', {
      url: `${stack.host.url}/nowhere.git`,
      connectivity: 'delegate',
      credential: { username: accounts.delegate.username, secret: 'git-delegated' },
    });
    const saved = await stack.api.save('astray', 'name: astray\n', { connector: 'astray', branch: 'main' });
    expect(saved.status).toBe(422);
    const failed = linesOf(delegate).find(({ msg }) => msg === 'task failed');
    expect(failed).toMatchObject({
      level: 'warn',
      delegate: expect.stringMatching(/^d[0-9a-f]{16}$/),
      group: 'local',
      task: expect.stringMatching(/^[0-9a-f-]{36}$/),
      taskName: expect.stringMatching(/^git\./),
      code: 'GIT_REPOSITORY_NOT_FOUND',
    });
    const series = `tasks_finished_total{task="${String(failed?.taskName)}",code="GIT_REPOSITORY_NOT_FOUND"}`;
    expect(await metric(delegate.url, series)).toBeGreaterThan(0);
  });

  it('drains while somebody holds a connection to it', async () => {
    const { port, hostname } = new URL(delegate.url);
    const socket = net.connect(Number(port), hostname).on('error', () => undefined);
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write('GET /metrics HTTP/1.1\r\n');
    await delegate.kill('SIGTERM');
    expect(await delegate.ended()).toBe('0');
    expect(linesOf(delegate).map(({ msg }) => msg)).toEqual(
      expect.arrayContaining(['drains', 'has drained']),
    );
  });

  it('has no endpoint unless it is asked for', async () => {
    const quiet = await stack.startDelegate(undefined, { SALLYPORT_DELEGATE_HEALTH_PORT: '' });
    expect(quiet.url).toBe('');
    expect(quiet.output()).not.toContain('tells of its health');
  });
});

describe('a delegate that cannot take tasks', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start('real', { settings });
  });
  afterAll(() => stack.stop());

  it('is alive and not ready while the queue is away, and ready again with it', async () => {
    const { url } = stack.delegates[0] as RunningProcess;
    await stack.redis?.kill();
    const away = await eventually(async () => {
      const found = await readiness(url);
      return found.status === 503 && found;
    }, 'the delegate to miss its queue');
    expect(away.reasons).toEqual(['the queue does not answer']);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect(await metric(url, 'queue_connected')).toBe(0);
    await stack.restartRedis();
    await eventually(async () => (await readiness(url)).status === 200, 'the delegate to be ready again');
  });

  it('says that no manager has welcomed it', async () => {
    const folder = `${stack.home}/early`;
    await stack.enrolDelegate({ env: { ...stack.delegateEnvironment(), SALLYPORT_DATA_DIR: folder } });
    await stack.manager?.kill('SIGTERM');

    const env = { ...stack.delegateEnvironment(), SALLYPORT_DATA_DIR: folder };
    const early = await startDelegate({ env, detached: true });
    stack.delegates.push(early);
    const url = await healthUrl(early);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    await eventually(
      async () => (await readiness(url)).reasons.join() === 'no manager has welcomed it yet',
      'the delegate to wait for a manager alone',
    );
    await stack.startManager();
    await eventually(async () => (await readiness(url)).status === 200, 'the delegate to be welcomed');
  });

  it('says that it waits for the keys of its group', async () => {
    // Whoever could hand them over is gone.
    for (const one of stack.delegates) await one.kill('SIGTERM');
    const folder = `${stack.home}/newcomer`;
    const env = { ...stack.delegateEnvironment(), SALLYPORT_DATA_DIR: folder };
    await stack.enrolDelegate({ env });

    const newcomer = await startDelegate({ env, detached: true });
    stack.delegates.push(newcomer);
    const url = await healthUrl(newcomer);
    await eventually(
      async () => (await readiness(url)).reasons.join() === 'it waits for the keys of its group',
      'the newcomer to wait for the keys',
    );
    await stack.startDelegate();
    await eventually(async () => (await readiness(url)).status === 200, 'the newcomer to have the keys');
    const audited = linesOf(newcomer).find(({ msg }) => msg === 'group keys received');
    expect(audited).toMatchObject({ audit: true, group: 'local', delegate: expect.any(String) });
    expect(stack.logs()).toMatch(/"audit":true,.*"fingerprint":"SHA256:.*"group keys handed over"/);
  });
});
