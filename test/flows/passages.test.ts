// When an operation came how far on its way to Git, and who had the host's answer: as whoever reads it is told.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type Json } from '../support/api.js';
import { DocumentedApi } from '../support/documented-api.js';
import { PushGate } from '../support/push-gate.js';
import { pushForeign } from '../support/repository.js';
import { connectorOf, roads, Stack } from '../support/stack.js';

const SCOPE = 'accounts/demo';

let stack: Stack;
let api: DocumentedApi;
let gate: PushGate;
beforeAll(async () => {
  stack = await Stack.start('real');
  api = await DocumentedApi.open(stack.api);
  gate = await PushGate.before(stack.host.url);
  await api.ok('PUT', `${SCOPE}/connectors/gated`, {
    url: `${gate.url}/demo.git`,
    connectivity: 'manager',
    credential: { username: stack.accounts.manager.username, secret: 'git-direct' },
  });
});
afterAll(async () => {
  await gate?.close();
  await stack?.stop();
});

const read = (id: string): Promise<Json> => api.ok('GET', `${SCOPE}/operations/${id}`);
const accept = async (id: string, git: object): Promise<string> =>
  (await api.save(id, `name: ${id}\n`, { branch: 'main', ...git }, { prefer: 'wait=0' })).body.id;
const timesOf = ({ takenAt, plannedAt, pushedAt, pushedBy }: Json) => ({
  takenAt,
  plannedAt,
  pushedAt,
  pushedBy,
});
const nothing = { takenAt: null, plannedAt: null, pushedAt: null, pushedBy: null };
const some = expect.any(String);

describe.each(roads)('a save through the %s', (road) => {
  it('tells each step in its order, and who had the answer', async () => {
    const id = await accept(`tells-${road}`, { connector: connectorOf[road] });
    const { createdAt, takenAt, plannedAt, pushedAt, pushedBy, finishedAt } = await api.ended(id);
    const times = [createdAt, takenAt, plannedAt, pushedAt, finishedAt];
    expect(times.map(Date.parse)).toEqual(times.map(Date.parse).toSorted((one, other) => one - other));
    const [delegate] = (await api.ok('GET', `${SCOPE}/delegates`)).delegates;
    const { id: who, name, group } = delegate;
    expect(pushedBy).toEqual({
      connectivity: road,
      delegate: road === 'manager' ? null : { id: who, name, group },
    });
  });
});

describe('what has not come so far has no time of it', () => {
  it('on its way to the host: it is planned and not pushed; who waits behind it is not even taken', async () => {
    await api.ended(await accept('gate-warm', { connector: 'gated' }));
    gate.shut();
    const first = await accept('gate-first', { connector: 'gated' });
    await eventually(async () => gate.held.length === 1, 'the push to stand at the gate');
    const second = await accept('gate-second', { connector: 'gated' });
    expect(timesOf(await read(first))).toEqual({ ...nothing, takenAt: some, plannedAt: some });
    expect(timesOf(await read(second))).toEqual(nothing);
    const { operations } = await api.ok('GET', `${SCOPE}/operations?state=pending`);
    const planned = operations.filter((one: Json) => one.plannedAt !== null);
    expect(planned.map((one: Json) => one.id)).toEqual([first]);
    gate.open();
    expect(timesOf(await api.ended(second))).toMatchObject({
      takenAt: some,
      plannedAt: some,
      pushedAt: some,
    });
  });

  it('tried in vain: what it waits for is told, and in the end the times of the last attempt', async () => {
    const [{ id: delegate }] = (await api.ok('GET', `${SCOPE}/delegates`)).delegates;
    await api.ok('POST', `${SCOPE}/delegates/${delegate}/disable`);
    const id = await accept('in-vain', { connector: 'delegated' });
    const waiting = await eventually(async () => {
      const now = await read(id);
      // It is taken for a moment, again and again, to be tried.
      return now.waitsFor !== null && now.takenAt === null && now;
    }, 'the operation to wait for a delegate');
    expect(timesOf(waiting)).toEqual(nothing);
    const back = new Date().toISOString();
    await api.ok('POST', `${SCOPE}/delegates/${delegate}/enable`);
    const ended = await api.ended(id);
    expect(ended.state).toBe('succeeded');
    expect(ended.takenAt > back).toBe(true);
  });

  it('failed before a plan: it was taken', async () => {
    const id = await accept('no-branch', { connector: 'direct', branch: 'nowhere' });
    const failed = await api.ended(id);
    expect(failed.state).toBe('failed');
    expect(timesOf(failed)).toEqual({ ...nothing, takenAt: some });
  });

  it('met something else: it was planned', async () => {
    await pushForeign(stack.foreignUrl, { 'pipelines/tells-manager.yaml': 'name: theirs\n' });
    const id = await accept('tells-manager', { connector: 'direct' });
    const conflict = await api.ended(id);
    expect(conflict.state).toBe('conflict');
    expect(timesOf(conflict)).toEqual({ ...nothing, takenAt: some, plannedAt: some });
  });

  it('inline: it is on no way', async () => {
    const path = `${SCOPE}/entities/pipeline/inline`;
    const { operationId } = await api.ok('PUT', path, { yaml: 'name: inline\n', store: 'inline' });
    expect(timesOf(await read(operationId))).toEqual(nothing);
  });
});
