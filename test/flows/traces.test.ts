// One save is one trace: the caller’s, the manager’s, the delegate’s and each request to the Git host, by a collector that takes what
// is sent. It holds no secret and no document; and where nothing is set, nothing is traced.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from '../support/api.js';
import { sql } from '../support/database.js';
import { LeakSearch } from '../support/leaks.js';
import { connectorOf, oneBackend, type Road, roads, Stack } from '../support/stack.js';
import { type ToldSpan, TraceReceiver } from '../support/trace-receiver.js';

const MANAGER = 'sallyport-manager';
const DELEGATE = 'sallyport-delegate';
const password = `p${randomBytes(12).toString('hex')}`;
const content = randomBytes(12).toString('hex');

interface Caller {
  trace: string;
  span: string;
  header: { traceparent: string };
}
function newCaller(flags = '01'): Caller {
  const [trace, span] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { trace, span, header: { traceparent: `00-${trace}-${span}-${flags}` } };
}

const idOf = ({ body }: Answer): string => String(body.operationId ?? body.id);

describe.each(oneBackend)('traces on the %s servers', (backend) => {
  let receiver: TraceReceiver;
  let stack: Stack;
  beforeAll(async () => {
    receiver = await TraceReceiver.start();
    const url = receiver.url.replace('://', `://collector:${password}@`);
    stack = await Stack.start(backend, {
      settings: { SALLYPORT_TRACES_URL: url, SALLYPORT_LOG_LEVEL: 'debug' },
    });
  });
  afterAll(async () => {
    await stack.stop();
    await receiver.stop();
  });
  const save = (id: string, road: Road, caller: Caller): Promise<Answer> =>
    stack.api.save(id, `name: ${content}\n`, { connector: connectorOf[road], branch: 'main' }, caller.header);

  it.each(roads)('join all that a save over the %s’s road does', async (road) => {
    const caller = newCaller();
    const saved = await save(`traced-${road}`, road, caller);
    expect(saved.status, saved.text).toBe(201);
    const side = road === 'manager' ? MANAGER : DELEGATE;
    const pushed = await receiver.span(caller.trace, 'POST git-receive-pack', side);
    const api = await receiver.span(caller.trace, /^PUT \/api\/v1\/accounts/, MANAGER);
    expect(api).toMatchObject({
      parentSpanId: caller.span,
      attributes: { 'http.response.status_code': 201, 'http.request.method': 'PUT' },
      error: undefined,
    });
    await receiver.span(caller.trace, 'lane.settle', MANAGER);
    // Nothing of this trace hangs in the air.
    await receiver.whole(caller.trace, caller.span);
    const way = receiver.wayOf(pushed);
    const above = ['lane.push', 'lane.batch', 'save.accept', api.name];
    const across = ['delegate.commit', 'run git.commit', 'send git.commit'];
    expect(way).toEqual([
      'POST git-receive-pack',
      'git.push',
      ...(road === 'manager' ? [] : across),
      ...above,
    ]);
    expect(pushed.attributes).toMatchObject({
      'server.address': new URL(stack.host.url).host,
      'http.response.status_code': 200,
    });
  });

  it('name the operation in every span behind its acceptance, on both sides', async () => {
    const caller = newCaller();
    const saved = await save('named', 'delegate', caller);
    const operation = idOf(saved);
    const ran = await receiver.span(caller.trace, 'run git.commit', DELEGATE);
    const batch = await receiver.span(caller.trace, 'lane.batch', MANAGER);
    const accepted = await receiver.span(caller.trace, 'save.accept', MANAGER);
    for (const span of [ran, batch, accepted])
      expect(span.attributes['sallyport.operations'], span.name).toBe(operation);
    const [row] = await sql<{ traceparent: string }>(
      stack.databaseUrl,
      'select traceparent from operation where id = $1',
      [operation],
    );
    expect(row?.traceparent).toContain(caller.trace);
  });

  it('say with which code a part ended', async () => {
    await stack.api.ok('PUT', 'accounts/demo/connectors/astray', {
      url: `${stack.host.url}/nowhere.git`,
      connectivity: 'delegate',
      credential: { username: stack.accounts.delegate.username, secret: 'git-delegated' },
    });
    const caller = newCaller();
    const git = { connector: 'astray', branch: 'main' };
    const saved = await stack.api.save('astray', 'name: x\n', git, caller.header);
    expect(saved.status).toBe(422);
    const ran: ToldSpan = await receiver.span(caller.trace, /^run git\./, DELEGATE);
    expect(ran.error).toBe('GIT_REPOSITORY_NOT_FOUND');
    expect(ran.attributes['error.type']).toBe('GIT_REPOSITORY_NOT_FOUND');
  });

  it.each(['garbage', `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`, '00-1-2-3', 'x'.repeat(2_000)])(
    'begin anew where the caller says %s',
    async (traceparent) => {
      const answer = await stack.api.request('GET', 'accounts/demo/kinds/pipeline', undefined, {
        traceparent,
      });
      expect(answer.status).toBe(200);
    },
  );

  it('heed a caller that wants none', async () => {
    const [quiet, loud] = [newCaller('00'), newCaller()];
    expect((await save('unsampled', 'delegate', quiet)).status).toBe(201);
    expect((await save('sampled', 'delegate', loud)).status).toBe(201);
    await receiver.span(loud.trace, 'POST git-receive-pack', DELEGATE);
    await receiver.span(loud.trace, 'lane.settle', MANAGER);
    expect(receiver.of(quiet.trace)).toEqual([]);
  });

  it('hold no credential, no document and no repository, and show the collector its password alone', async () => {
    const caller = newCaller();
    await save('last', 'delegate', caller);
    await receiver.span(caller.trace, 'POST git-receive-pack', DELEGATE);
    const { manager, delegate } = stack.accounts;
    const search = new LeakSearch([
      manager.password,
      delegate.password,
      content,
      password,
      stack.token,
      'demo.git',
    ]);
    expect(receiver.requests.length).toBeGreaterThan(0);
    expect(receiver.requests.filter(({ body }) => search.holds(body))).toEqual([]);
    const basic = `Basic ${Buffer.from(`collector:${password}`).toString('base64')}`;
    expect(new Set(receiver.requests.map(({ headers }) => headers.authorization))).toEqual(new Set([basic]));
    expect(new LeakSearch([password]).holds(stack.logs())).toBe(false);
    // The search would find it.
    expect(search.holds(JSON.stringify({ at: stack.repositoryUrl }))).toBe(true);
  });

  it('stand beside the operation in the logs of both sides', async () => {
    const caller = newCaller();
    const git = { connector: 'astray', branch: 'main' };
    const operation = idOf(await stack.api.save('logged', 'name: x\n', git, caller.header));
    const lines = stack
      .logs()
      .split('\n')
      .filter((line) => line.startsWith('{') && line.includes(caller.trace))
      .map(
        (line) => JSON.parse(line) as { process: string; operations: string[]; trace: string; msg: string },
      );
    expect(lines.map(({ process, msg }) => [process, msg])).toEqual(
      expect.arrayContaining([
        ['manager', 'push not done'],
        ['delegate', 'task failed'],
      ]),
    );
    expect(lines.filter(({ operations }) => operations?.join() !== operation)).toEqual([]);
  });

  it('cost a save nothing where the collector is broken or gone', async () => {
    receiver.answer(503);
    expect((await save('refused', 'delegate', newCaller())).status).toBe(201);
    await receiver.stop();
    const began = performance.now();
    expect((await save('gone', 'delegate', newCaller())).status).toBe(201);
    expect(performance.now() - began).toBeLessThan(5_000);
    await stack.manager?.kill('SIGTERM');
    expect(await stack.manager?.ended()).toBe('0');
  });
});

describe('without a collector', () => {
  it('nothing of a tracer is part of what a process loads at its start', () => {
    for (const program of ['src/main.js', 'workers/delegate.js']) {
      const file = fileURLToPath(new URL(`../../dist/${program}`, import.meta.url));
      const loaded = [
        ...fs.readFileSync(file, 'utf8').matchAll(/^import .* from "(@opentelemetry\/[^"]+)"/gm),
      ];
      expect(loaded.map(([, name]) => name)).toEqual([]);
    }
  });
});
