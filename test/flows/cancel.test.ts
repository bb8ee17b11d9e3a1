// Whoever cancels an operation takes it back whole, or is told that it may be in Git already: never both, whatever its lane's writer does
// at that moment.
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, Api, eventually, type Json } from '../support/api.js';
import { DocumentedApi } from '../support/documented-api.js';
import { HeldLine } from '../support/held-line.js';
import { type RunningProcess, startManager } from '../support/processes.js';
import { PushGate } from '../support/push-gate.js';
import { fileAt, git, pushForeign } from '../support/repository.js';
import { Stack } from '../support/stack.js';
import { atLeast } from '../support/thoroughness.js';

const SCOPE = 'accounts/demo';
/** Of the race; in each, so many saves. */
const ROUNDS = atLeast(12, 60);
const SAVES = 10;

let stack: Stack;
let api: DocumentedApi;
let gate: PushGate;
let delegate: string;
beforeAll(async () => {
  stack = await Stack.start('real');
  api = await DocumentedApi.open(stack.api);
  gate = await PushGate.before(stack.host.url);
  await api.ok('PUT', `${SCOPE}/connectors/gated`, {
    url: `${gate.url}/demo.git`,
    connectivity: 'manager',
    credential: { username: stack.accounts.manager.username, secret: 'git-direct' },
  });
  delegate = (await api.ok('GET', `${SCOPE}/delegates`)).delegates[0].id;
});
afterAll(async () => {
  await gate?.close();
  await stack?.stop();
});

const read = (id: string): Promise<Json> => api.ok('GET', `${SCOPE}/operations/${id}`);
const cancel = (id: string, by: Api = api) => by.request('POST', `${SCOPE}/operations/${id}/cancel`);
/** It may be planned for a moment, again and again, while it is tried in vain. */
const takeBack = (id: string): Promise<Answer> =>
  eventually(async () => {
    const answer = await cancel(id);
    return answer.body.code !== 'OPERATION_UNDERWAY' && answer;
  }, 'the operation to wait again');
const accept = async (id: string, git_: object, text = id): Promise<string> =>
  (await api.save(id, `name: ${text}\n`, { branch: 'main', ...git_ }, { prefer: 'wait=0' })).body.id;
const fileOf = (id: string): string => `pipelines/${id}.yaml`;
const pendingOf = async (entity: string): Promise<Json> => {
  const { operations } = await api.ok('GET', `${SCOPE}/operations?state=pending`);
  return operations.find((one: Json) => one.entity === entity);
};
const committed = (): Set<string> => {
  const log = git(stack.repository, 'log', '--format=%(trailers:key=Sallyport-Operation,valueonly)', 'main');
  const ids = log.split('\n').filter((line) => line !== '');
  expect(new Set(ids).size).toBe(ids.length);
  return new Set(ids);
};

describe('while it waits for a delegate', () => {
  const into = { connector: 'delegated' };
  beforeAll(() => api.ok('POST', `${SCOPE}/delegates/${delegate}/disable`));
  afterAll(() => api.ok('POST', `${SCOPE}/delegates/${delegate}/enable`));
  const waiting = async (id: string, text?: string): Promise<string> => {
    const operation = await accept(id, into, text);
    await eventually(async () => (await read(operation)).waitsFor !== null, 'it to wait');
    return operation;
  };

  it('is cancelled once, and stays so, its content kept', async () => {
    const id = await waiting('taken-back');
    const first = await takeBack(id);
    expect(first.status, first.text).toBe(200);
    expect(first.body).toMatchObject({
      state: 'cancelled',
      waitsFor: null,
      yaml: 'name: taken-back\n',
      git: { commitId: null },
      problem: { code: 'OPERATION_CANCELLED', hint: expect.any(String), operationId: id },
      finishedAt: expect.any(String),
    });
    const second = await takeBack(id);
    expect([second.status, second.body]).toEqual([200, first.body]);
    const { operations } = await api.ok('GET', `${SCOPE}/operations?state=cancelled`);
    expect(operations.map((one: Json) => one.id)).toEqual([id]);
    expect((await api.request('GET', `${SCOPE}/entities/pipeline/taken-back`)).status).toBe(404);
  });

  it('is told of once, in an event and in the audit, by whoever did it', async () => {
    const id = await waiting('told');
    const after = (await api.ok('GET', `${SCOPE}/events?limit=1`)).nextCursor;
    for (let times = 0; times < 2; times++) await takeBack(id);
    const { events } = await eventually(async () => {
      const page = await api.ok('GET', `${SCOPE}/events?after=${after}`);
      return page.events.length > 0 && page;
    }, 'the event');
    const data = { action: 'save', kind: 'pipeline', id: 'told', branch: 'main', path: fileOf('told') };
    expect(events).toMatchObject([
      {
        type: 'sallyport.operation.cancelled',
        subject: `operations/${id}`,
        data: { ...data, code: 'OPERATION_CANCELLED' },
      },
    ]);
    const about = `target=operations/${id}`;
    const { entries } = await api.ok('GET', `${SCOPE}/audit?${about}`);
    expect(entries).toMatchObject([
      { action: 'operation.cancel', outcome: 'done', actor: { kind: 'token' }, data },
    ]);
  });

  it('answers at once whoever waits for it, and whoever sends the same again', async () => {
    const key = { 'idempotency-key': randomUUID(), prefer: 'wait=60' };
    const body = { yaml: 'name: awaited\n', git: { ...into, branch: 'main' } };
    const send = () => api.request('PUT', `${SCOPE}/entities/pipeline/awaited`, body, key);
    const awaited = send();
    const { id } = await eventually(() => pendingOf('awaited'), 'the operation');
    const began = Date.now();
    expect((await takeBack(id)).status).toBe(200);
    for (const answer of [await awaited, await send()]) {
      expect(answer.status).toBe(409);
      expect(answer.body).toMatchObject({ code: 'OPERATION_CANCELLED', operationId: id });
    }
    expect(Date.now() - began).toBeLessThan(10_000);
  });

  it('lets what comes after it at the same path go on', async () => {
    const first = await waiting('same', 'first');
    const second = await accept('same', into, 'second');
    expect((await takeBack(first)).body.state).toBe('cancelled');
    await api.ok('POST', `${SCOPE}/delegates/${delegate}/enable`);
    expect((await api.ended(second)).state).toBe('succeeded');
    await api.ok('POST', `${SCOPE}/delegates/${delegate}/disable`);
    expect(fileAt(stack.repository, fileOf('same'))).toBe('name: second\n');
    expect(committed().has(first)).toBe(false);
  });

  it('as part of a move leaves its entities where they are, free for others', async () => {
    await api.ok('PUT', `${SCOPE}/entities/pipeline/stays`, { yaml: 'name: stays\n', store: 'inline' });
    const to = { store: 'git', connector: 'delegated', branch: 'main' };
    const move = await api.request(
      'POST',
      `${SCOPE}/moves`,
      { entities: [{ kind: 'pipeline', id: 'stays' }], to },
      { prefer: 'wait=0' },
    );
    expect(move.status, move.text).toBe(202);
    const [operation] = move.body.operations;
    const answer = await takeBack(operation);
    expect([answer.status, answer.body.state], answer.text).toEqual([200, 'cancelled']);
    expect((await api.ok('GET', `${SCOPE}/moves/${move.body.id}`)).state).toBe('failed');
    const { entities } = await api.ok('GET', `${SCOPE}/moves/${move.body.id}/entities`);
    expect(entities).toMatchObject([{ state: 'failed', problem: { code: 'OPERATION_CANCELLED' } }]);
    const saved = await api.request('PUT', `${SCOPE}/entities/pipeline/stays`, { yaml: 'name: on\n' });
    expect([saved.status, saved.body.store]).toEqual([200, 'inline']);
  });
});

describe('while its writer, which has chosen it already, waits for the host', () => {
  it.each([
    ['is neither planned nor pushed', 'main', 'succeeded'],
    ['does not fail as well', 'nowhere', 'failed'],
  ])('%s', async (_, branch, end) => {
    const line = await HeldLine.open(stack.host.url);
    const connector = `held-${branch}`;
    await api.ok('PUT', `${SCOPE}/connectors/${connector}`, {
      url: line.through(stack.repositoryUrl),
      connectivity: 'manager',
      credential: { username: stack.accounts.manager.username, secret: 'git-direct' },
    });
    line.bytesLeft = 0;
    const chosen = await accept(`chosen-${branch}`, { connector, branch });
    await line.held;
    const later = await accept(`later-${branch}`, { connector, branch });
    expect((await cancel(chosen)).body.state).toBe('cancelled');
    line.release();
    expect((await api.ended(later)).state).toBe(end);
    expect((await read(chosen)).state).toBe('cancelled');
    expect(committed().has(chosen)).toBe(false);
    const { entries } = await api.ok('GET', `${SCOPE}/audit?target=operations/${chosen}`);
    expect(entries.map(({ action }: Json) => action)).toEqual(['operation.cancel']);
    await line.close();
  });
});

describe('once it may be in Git', () => {
  afterEach(() => gate.open());

  it('is refused, and lands; what waits behind it is cancelled, and what comes after that lands', async () => {
    await api.ended(await accept('warm', { connector: 'gated' }));
    gate.shut();
    const first = await accept('on-the-way', { connector: 'gated' });
    await eventually(async () => gate.held.length === 1, 'the push to stand at the gate');
    const refused = await cancel(first);
    expect(refused.status).toBe(409);
    expect(refused.body).toMatchObject({ code: 'OPERATION_UNDERWAY', hint: expect.any(String) });
    const second = await accept('behind', { connector: 'gated' });
    const third = await accept('last', { connector: 'gated' });
    expect((await cancel(second)).body.state).toBe('cancelled');
    gate.open();
    for (const id of [first, third]) expect((await api.ended(id)).state).toBe('succeeded');
    const ids = committed();
    expect([first, second, third].map((id) => ids.has(id))).toEqual([true, false, true]);
    // The writer on its way was not sent away: one push for the first, and one for the rest.
    expect(gate.held).toEqual([]);
    expect((await read(second)).state).toBe('cancelled');
  });

  it.each<[string, () => Promise<string>]>([
    ['succeeded', () => accept('done', { connector: 'direct' })],
    ['failed', () => accept('lost', { connector: 'direct', branch: 'nowhere' })],
    [
      'conflict',
      async () => {
        await pushForeign(stack.foreignUrl, { [fileOf('clash')]: 'name: theirs\n' });
        return accept('clash', { connector: 'direct' });
      },
    ],
    [
      'succeeded',
      async () =>
        (
          await api.ok('PUT', `${SCOPE}/entities/pipeline/inline`, {
            yaml: 'name: inline\n',
            store: 'inline',
          })
        ).operationId,
    ],
  ])('that has ended (%s) is refused, and stays as it is', async (state, make) => {
    const id = await make();
    const before = await api.ended(id);
    expect(before.state).toBe(state);
    const refused = await cancel(id);
    expect([refused.status, refused.body.code]).toEqual([409, 'OPERATION_ENDED']);
    expect(refused.body.detail).toContain(state);
    expect(await read(id)).toEqual(before);
  });

  it('that is not there, or of another scope, is not found', async () => {
    await api.ok('PUT', `${SCOPE}/orgs/other`, {});
    const id = await accept('elsewhere', { connector: 'direct' });
    expect((await cancel(randomUUID())).status).toBe(404);
    expect((await api.request('POST', `${SCOPE}/orgs/other/operations/${id}/cancel`)).status).toBe(404);
  });
});

describe('beside its writer', () => {
  let second: RunningProcess;
  beforeAll(async () => {
    second = await startManager({ env: stack.managerEnvironment() });
  });
  afterAll(() => second?.kill('SIGKILL'));

  it('either is cancelled or is in Git, whoever asks which manager', { timeout: 240_000 }, async () => {
    const managers = [stack.api, new Api(second.url, stack.token)];
    const cancelled = new Set<string>();
    const all: string[] = [];
    const refusals = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      const saves = Array.from({ length: SAVES }, async (_, at) => {
        const name = `race-${round}-${at}`;
        const id = await accept(name, { connector: at % 2 === 0 ? 'direct' : 'delegated' });
        all.push(id);
        // Later and later on its way.
        for (let looks = 0; looks < at; looks++) await read(id);
        const answer = await cancel(id, managers[(round + at) % 2]);
        if (answer.status === 200) cancelled.add(id);
        else refusals.add(answer.body.code);
      });
      await Promise.all(saves);
    }
    const ended: Json[] = [];
    for (const id of all) ended.push(await api.ended(id));
    const ids = committed();
    const found = ended.map(({ id, state, problem }) => ({
      id,
      state,
      code: problem?.code,
      isIn: ids.has(id),
    }));
    const due = all.map((id) =>
      cancelled.has(id)
        ? { id, state: 'cancelled', code: 'OPERATION_CANCELLED', isIn: false }
        : { id, state: 'succeeded', code: undefined, isIn: true },
    );
    expect(found).toEqual(due);
    expect(['OPERATION_UNDERWAY', 'OPERATION_ENDED']).toEqual(expect.arrayContaining([...refusals]));
    expect(cancelled.size).toBeGreaterThan(0);
    expect(cancelled.size).toBeLessThan(all.length);
  });
});
