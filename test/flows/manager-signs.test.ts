// What a manager tells of itself on its port: alive, ready and why not, what it counted and what waits; and nothing to strangers, and of
// nobody.
import http from 'node:http';
import os from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/api.js';
import { LeakSearch } from '../support/leaks.js';
import { readMetrics, signsOf, valueOf } from '../support/prometheus.js';
import { pushForeign } from '../support/repository.js';
import { backends, connectorOf, oneBackend, roads, Stack } from '../support/stack.js';
import { webhooksOf } from '../support/webhook-sender.js';

const settings = { SALLYPORT_HEALTH_PORT: '0' };

const metricsAt = async (url: string): Promise<string> => (await fetch(`${url}/metrics`)).text();

/** Asks until the series is there, and at least so much. */
const atLeast = (url: string, series: string, least: number): Promise<number> =>
  eventually(async () => {
    const value = valueOf(await metricsAt(url), `sallyport_manager_${series}`);
    return value !== undefined && value >= least && value;
  }, `${series} to be ${least}`);

describe.each(backends)('a manager on the %s servers', (backend) => {
  let stack: Stack;
  let url = '';
  beforeAll(async () => {
    stack = await Stack.start(backend, { settings });
    url = signsOf(stack.manager);
  });
  afterAll(() => stack.stop());

  it('is alive and ready, on loopback and apart from its API', async () => {
    expect(new URL(url).hostname).toBe('127.0.0.1');
    expect(url).not.toBe(stack.manager?.url);
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ alive: true });
    expect(await (await fetch(`${url}/readyz`)).json()).toEqual({ ready: true });
    expect((await fetch(`${url}/api/v1/health`)).status).toBe(404);
    expect((await stack.api.request('GET', '../../metrics')).status).not.toBe(200);
    for (const path of ['/metrics', '/api/v1/metrics'])
      expect((await fetch(`${stack.manager?.url}${path}`)).status).toBe(401);
  });

  it('counts a save over each road, from the request to the Git host', async () => {
    for (const road of roads) {
      const saved = await stack.api.save(`counted-${road}`, 'name: x\n', {
        connector: connectorOf[road],
        branch: 'main',
      });
      expect(saved.status, saved.text).toBe(201);
    }
    const route = '/api/v1/accounts/:account/entities/:kind/:id';
    await atLeast(url, `api_requests_total{method="PUT",route="${route}",status="201"}`, 2);
    const { host } = new URL(stack.host.url);
    // Some of it is counted a moment after the save is answered.
    for (const [series, least] of [
      ['operations_ended_total{action="save",state="succeeded",code="OK"}', 2],
      ['operation_duration_seconds_count{action="save",state="succeeded"}', 2],
      ['lane_pushes_total{outcome="landed"}', 2],
      [`git_requests_total{host="${host}",kind="git",code="OK"}`, 1],
      [`git_sent_bytes_total{host="${host}",kind="git"}`, 101],
      [`git_received_bytes_total{host="${host}",kind="git"}`, 21],
      ['delegate_tasks_total{task="git.commit",code="OK"}', 1],
      ['delegate_group_tasks_total{group="local",outcome="done"}', 1],
      ['secrets_opened_total{kind="builtin",code="OK"}', 1],
      ['queue_jobs_finished_total{job="lane.run",outcome="done"}', 1],
    ] as const)
      await atLeast(url, series, least);
    const text = await metricsAt(url);
    const value = (series: string): number => valueOf(text, `sallyport_manager_${series}`) ?? Number.NaN;
    expect(value('delegates{group="local",state="alive"}')).toBe(1);
    expect(value('operations_pending')).toBe(0);
    expect(value('dependency_up{part="database"}')).toBe(1);
    expect(value('dependency_up{part="queue"}')).toBe(1);
    expect(value('database_connections_max')).toBe(20);
  });

  it('counts strangers’ requests under no route, however many addresses they try', async () => {
    const before = readMetrics(await metricsAt(url)).find(({ name }) =>
      name.endsWith('api_requests_total'),
    )?.series;
    for (let n = 0; n < 20; n++) await fetch(`${stack.manager?.url}/nothing/at/${n}`);
    for (let n = 0; n < 20; n++) await stack.api.request('GET', `accounts/demo/entities/pipeline/none-${n}`);
    const seen = await atLeast(url, 'api_requests_total{method="GET",route="none",status="401"}', 20);
    expect(seen).toBeGreaterThanOrEqual(20);
    const after = readMetrics(await metricsAt(url)).find(({ name }) =>
      name.endsWith('api_requests_total'),
    )?.series;
    expect((after ?? 0) - (before ?? 0)).toBeLessThanOrEqual(3);
  });

  it('counts a caller that leaves before there is an answer, and a stream that ends with its caller', async () => {
    const leaving = new AbortController();
    const headers = { authorization: `Bearer ${stack.token}` };
    const stream = await fetch(`${stack.manager?.url}/api/v1/accounts/demo/events`, {
      headers: { ...headers, accept: 'text/event-stream' },
      signal: leaving.signal,
    });
    expect(stream.status).toBe(200);
    await atLeast(url, 'api_requests_in_flight', 1);
    leaving.abort();
    await eventually(
      async () => valueOf(await metricsAt(url), 'sallyport_manager_api_requests_in_flight') === 0,
      'nothing to be under way',
    );
  });

  it('tells no account, no repository, no entity and no secret', async () => {
    const { manager, delegate } = stack.accounts;
    const search = new LeakSearch([manager.password, delegate.password, stack.token]);
    const text = await metricsAt(url);
    expect(search.holds(text)).toBe(false);
    expect(text).not.toContain('demo');
    expect(text).not.toContain('counted-');
  });

  it('has no port unless it is asked for', async () => {
    await stack.manager?.kill('SIGTERM');
    await stack.startManager(undefined, { SALLYPORT_HEALTH_PORT: '' });
    expect(stack.manager?.output()).not.toContain('tells of its health');
    await expect(fetch(`${url}/metrics`)).rejects.toThrow('fetch failed');
    await stack.manager?.kill('SIGTERM');
    await stack.startManager();
    url = signsOf(stack.manager);
  });
});

describe.each(oneBackend)('what waits, on the %s servers', (backend) => {
  let stack: Stack;
  let url = '';
  beforeAll(async () => {
    stack = await Stack.start(backend, { settings });
    url = signsOf(stack.manager);
  });
  afterAll(() => stack.stop());

  it('is told while a delegate is away, and its silence too', async () => {
    for (const one of stack.delegates) await one.kill('SIGKILL');
    const git = { connector: 'delegated', branch: 'main' };
    const saved = await stack.api.save('waiting', 'name: x\n', git, { prefer: 'wait=0' });
    expect(saved.status).toBe(202);
    await atLeast(url, 'operations_pending', 1);
    await atLeast(url, 'operation_oldest_pending_seconds', 0.5);
    await atLeast(url, 'lanes_waiting', 1);
    await atLeast(url, 'delegates{group="local",state="silent"}', 1);
    await atLeast(url, 'lane_faults_total{code="DELEGATE_UNAVAILABLE"}', 1);
    await stack.startDelegate();
    await stack.api.ended(String(saved.body.id));
    await eventually(
      async () => valueOf(await metricsAt(url), 'sallyport_manager_operations_pending') === 0,
      'nothing to wait',
    );
  });

  it('is told of what is followed, and how a push came in', async () => {
    const connector = 'accounts/demo/connectors/direct';
    const { path, toPaste } = await stack.api.ok('PUT', `${connector}/webhook`, {});
    await stack.api.ok('PUT', `${connector}/tracking`, { branches: ['main'] });
    await atLeast(url, 'tracked_repositories', 1);
    await atLeast(url, 'refreshes_total{outcome="done"}', 1);
    await pushForeign(stack.foreignUrl, { 'pipelines/pushed.yaml': 'name: pushed\n' });
    const { deliver } = webhooksOf(() => stack);
    const hook = { path, secret: toPaste.secret.value as string };
    expect((await deliver(hook)).status).toBe(202);
    expect((await deliver({ ...hook, secret: 'another one altogether' })).status).toBe(401);
    await atLeast(url, 'webhook_arrivals_total{provider="generic",code="OK"}', 1);
    await atLeast(url, 'webhook_arrivals_total{provider="generic",code="WEBHOOK_PROOF_REJECTED"}', 1);
    await atLeast(url, 'webhook_deliveries_total{provider="generic",outcome="acted"}', 1);
    await atLeast(url, 'looks_total{because="hint",outcome="OK"}', 1);
    await atLeast(url, 'webhook_lag_seconds_count{provider="generic"}', 1);
    await atLeast(url, 'refresh_files_total{outcome="created"}', 0);
  });

  it('is told without what does not answer', async () => {
    await stack.redis?.kill();
    await eventually(
      async () => valueOf(await metricsAt(url), 'sallyport_manager_dependency_up{part="queue"}') === 0,
      'the queue to be missed',
    );
    const text = await metricsAt(url);
    expect(valueOf(text, 'sallyport_manager_queue_oldest_job_seconds')).toBeUndefined();
    expect(valueOf(text, 'sallyport_manager_operations_pending')).toBe(0);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    await stack.restartRedis();
    await atLeast(url, 'dependency_up{part="queue"}', 1);
  });

  it('cannot be reached from elsewhere', async () => {
    const { port } = new URL(url);
    const elsewhere = Object.values(os.networkInterfaces())
      .flatMap((all) => all ?? [])
      .find(({ internal, family }) => !internal && family === 'IPv4')?.address;
    if (elsewhere === undefined) return;
    const code = await new Promise((resolve) => {
      http
        .get({ host: elsewhere, port, path: '/metrics', timeout: 2_000 }, () => resolve('open'))
        .on('error', ({ code: why }: NodeJS.ErrnoException) => resolve(why))
        .on('timeout', () => resolve('ETIMEDOUT'));
    });
    expect(code).not.toBe('open');
  });
});
