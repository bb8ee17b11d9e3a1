// Private Git hosts that the manager cannot reach, seen from outside: every party in a network of its own, joined by lines that
// lead to the office and not back.
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type Json } from '../support/api.js';
import { lackOfNetworks, type OwnNetwork } from '../support/network-namespaces.js';
import type { RunningProcess } from '../support/processes.js';
import { assertSound, fileAt, trailers } from '../support/repository.js';
import { enrolmentRequest } from '../support/seals.js';
import { type Side, WalledStack } from '../support/walled-stack.js';

const title = 'a manager, and Git hosts behind walls';
const lacking = lackOfNetworks === undefined ? '' : ` (needs network namespaces: ${lackOfNetworks})`;

describe.skipIf(lackOfNetworks !== undefined)(title + lacking, () => {
  let stack: WalledStack;
  let yard: Side;
  let dock: Side;
  /** By name. */
  const delegates: Record<string, RunningProcess> = {};

  beforeAll(async () => {
    stack = await WalledStack.start();
    const { api } = stack;
    await api.ok('PUT', 'accounts/demo/orgs/o', {});
    await api.ok('PUT', 'accounts/demo/kinds/pipeline', {
      pathTemplate: '{id}.yaml',
      schema: { type: 'object' },
    });
    yard = await stack.addSide('yard', 'accounts/demo', '10.91.1.1');
    dock = await stack.addSide('dock', 'accounts/demo/orgs/o', '10.91.2.1');
    for (const [side, name] of [
      [yard, 'yard-1'],
      [yard, 'yard-2'],
      [dock, 'dock-1'],
    ] as const)
      delegates[name] = await stack.startDelegate(side, name);
    for (const side of [yard, dock]) await connect(side);
  });
  afterAll(() => stack?.stop());

  /** Both connectors to the repository of that side: by its delegates, and by the manager itself. */
  async function connect(side: Side): Promise<void> {
    const { name, scope, host, account } = side;
    const { username, password } = account;
    const url = `${host.url}/${name}.git`;
    const put = (what: string, body: Json) => stack.api.ok('PUT', `${scope}/${what}`, body);
    await put('secret-managers/keyring', { settings: { kind: 'keyring' }, group: name });
    await put('secrets/sealed', await stack.seal(side, `${name}-1`, 'sealed', password));
    await put('secrets/open', { manager: 'builtin', value: password });
    await put('connectors/delegated', {
      url,
      connectivity: 'delegate',
      group: name,
      credential: { username, secret: 'sealed' },
    });
    const credential = { username, secret: 'open' };
    await put('connectors/direct', { url, connectivity: 'manager', credential });
  }

  const save = (side: Side, id: string, connector = 'delegated', prefer = 'wait=60') =>
    stack.api.request(
      'PUT',
      `${side.scope}/entities/pipeline/${id}`,
      { yaml: `name: ${id}\n`, git: { connector, branch: 'main' } },
      { prefer },
    );

  /** Ids of the operations, once all of them are commits. */
  async function saveAll(side: Side, ids: string[]): Promise<string[]> {
    const saves = await Promise.all(ids.map((id) => save(side, id)));
    for (const { status, text } of saves) expect(status, text).toBe(201);
    return saves.map(({ body }) => body.operationId);
  }

  const namesOf = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, n) => `${prefix}-${n}`);

  /** What is on the branch, as the git of that side sees it. */
  async function assertLanded(side: Side, ids: string[], operations: string[]): Promise<void> {
    const clone = await stack.clone(side);
    assertSound(clone);
    const landed = trailers(clone).flatMap((line) => line.split(','));
    expect(landed.filter((one) => operations.includes(one)).toSorted()).toEqual(operations.toSorted());
    expect(new Set(landed).size).toBe(landed.length);
    for (const id of ids) expect(fileAt(clone, `${id}.yaml`)).toBe(`name: ${id}\n`);
  }

  /** Commits that the delegate has brought to its host, by its own count. */
  async function commitsBy(name: string): Promise<number> {
    const { network } = name.startsWith('yard') ? yard : dock;
    const metrics = await network.run('curl', '--silent', `${delegates[name]?.url}/metrics`);
    return Number(
      /^sallyport_delegate_tasks_finished_total\{task="git.commit",code="OK"\} (\d+)$/m.exec(metrics)?.[1],
    );
  }

  const counts = async () => ({
    yard: (await commitsBy('yard-1')) + (await commitsBy('yard-2')),
    dock: await commitsBy('dock-1'),
  });

  /** Those that can carry a save of that side, the one to be chosen first, once as many have begun and none has a task. */
  const carriers = (side: Side, count: number): Promise<string[]> =>
    eventually(async () => {
      const { delegates: listed } = await stack.api.ok('GET', `${side.scope}/delegates`);
      if (listed.some((one: Json) => one.alive && one.running > 0)) return false;
      const explained = await stack.api.ok('POST', `${side.scope}/explain`, { connector: 'delegated' });
      const eligible = explained.delegates.filter((one: Json) => one.eligible);
      return eligible.length === count && eligible.map((one: Json) => one.name);
    }, `${count} idle delegates that can carry a save of ${side.name}`);

  const portOf = ({ host }: Side): number => Number(new URL(host.url).port);

  it('lets each side reach its own host and the office, and nobody else reach a host', async () => {
    const queue = Number(new URL(stack.redis.endpoint).port);
    for (const [side, other] of [
      [yard, dock],
      [dock, yard],
    ] as const) {
      const { network, lineEnd } = side;
      expect(await network.connect(portOf(side), network.address)).toBe('open');
      for (const port of [queue, 443]) expect(await network.connect(port, stack.office.address)).toBe('open');
      expect(await stack.office.connect(portOf(side), network.address)).toBe('ENETUNREACH');
      expect(await stack.office.connect(portOf(side), lineEnd)).toBe('ECONNREFUSED');
      expect(await other.network.connect(portOf(side), network.address)).toBe('ENETUNREACH');
    }
  });

  it('has admitted three delegates by TLS, each with a user of its own in Redis', async () => {
    const enrolments = Object.keys(delegates).map((name) =>
      JSON.parse(fs.readFileSync(path.join(stack.home, name, 'delegate.json'), 'utf8')),
    );
    const users = fs.readFileSync(stack.redis.usersFile, 'utf8');
    for (const { managerUrl, queue } of enrolments) {
      expect(managerUrl).toBe(`https://${stack.office.address}`);
      expect(queue.url).toBe(stack.redis.endpoint);
      expect(users).toContain(`user ${queue.username} on `);
    }
    expect(stack.redis.endpoint).toMatch(/^rediss:/);
    expect(new Set(enrolments.map(({ queue }) => queue.username)).size).toBe(3);
    expect(enrolments.map(({ group }) => [group.scope, group.name])).toEqual([
      ['accounts/demo', 'yard'],
      ['accounts/demo', 'yard'],
      ['accounts/demo/orgs/o', 'dock'],
    ]);
  });

  it('admits nobody from another machine while the queue is in PostgreSQL, and says why', async () => {
    const alone = await stack.startEmbeddedManager();
    const { token } = await alone.api.ok('POST', 'accounts/demo/delegate-tokens', { group: 'far' });
    const file = path.join(stack.home, 'far.json');
    fs.writeFileSync(file, JSON.stringify({ token, request: await enrolmentRequest(token, 'far') }));
    const script = `
      const { token, request } = JSON.parse(require('node:fs').readFileSync(process.argv[2], 'utf8'));
      const headers = { authorization: 'Bearer ' + token, 'content-type': 'application/json' };
      fetch(process.argv[1] + '/api/v1/enrolments', { method: 'POST', headers, body: JSON.stringify(request) })
        .then((answer) => answer.text()).then(console.log);`;
    const enrolFrom = async (network: OwnNetwork): Promise<Json> =>
      JSON.parse(await network.run(process.execPath, '-e', script, alone.url, file));
    expect(await enrolFrom(yard.network)).toMatchObject({
      code: 'ENROLMENT_REFUSED',
      detail: expect.stringContaining('isolates no delegate groups'),
      hint: expect.stringContaining('REDIS_URL'),
    });
    const { tokens } = await alone.api.ok('GET', 'accounts/demo/delegate-tokens');
    expect(tokens).toEqual([expect.objectContaining({ group: 'far', usesLeft: 1 })]);
  });

  it('brings the saves of each scope to the host of its side, by the delegates of its group', async () => {
    expect(await carriers(yard, 2)).toEqual(expect.arrayContaining(['yard-1', 'yard-2']));
    expect(await carriers(dock, 1)).toEqual(['dock-1']);
    const before = await counts();
    const yards = namesOf('barrel', 5);
    await assertLanded(yard, yards, await saveAll(yard, yards));
    const between = await counts();
    expect(between.yard).toBeGreaterThan(before.yard);
    expect(between.dock).toBe(before.dock);
    const docks = namesOf('crate', 5);
    await assertLanded(dock, docks, await saveAll(dock, docks));
    const after = await counts();
    expect(after.yard).toBe(between.yard);
    expect(after.dock).toBeGreaterThan(between.dock);
  });

  it('loses nothing and doubles nothing when a delegate is killed in the middle of saves', async () => {
    const [victim = ''] = await carriers(yard, 2);
    const heir = victim === 'yard-1' ? 'yard-2' : 'yard-1';
    await delegates[victim]?.kill('SIGTERM');
    // It dies by SIGKILL when its push has reached the host and nobody has been told.
    const dying = await stack.startDelegate(yard, victim, 'git.push:after');
    delegates[victim] = dying;
    expect((await carriers(yard, 2))[0]).toBe(victim);
    const [inherited, aside] = [await commitsBy(heir), await commitsBy('dock-1')];
    const [yards, docks] = [namesOf('cask', 12), namesOf('bale', 4)];
    const saving = [saveAll(yard, yards), saveAll(dock, docks)] as const;
    expect(await dying.ended()).toBe('SIGKILL');
    const [yardOperations, dockOperations] = await Promise.all(saving);
    await assertLanded(yard, yards, yardOperations);
    await assertLanded(dock, docks, dockOperations);
    expect(await commitsBy(heir)).toBeGreaterThan(inherited);
    expect(await commitsBy('dock-1')).toBeGreaterThan(aside);
    expect(await carriers(yard, 1)).toEqual([heir]);
  });

  it('keeps the manager out by the wall alone: what it tried in vain, it does once it has a way', async () => {
    const waiting: string[] = [];
    for (const side of [yard, dock]) {
      expect(await reachOf(side)).toMatchObject({ ok: false, code: 'GIT_UNREACHABLE' });
      const { status, body } = await save(side, 'keg', 'direct', 'wait=0');
      expect(status).toBe(202);
      await eventually(async () => {
        const { state, waitsFor } = await stack.api.ok('GET', `${side.scope}/operations/${body.id}`);
        expect(state).toBe('pending');
        return waitsFor?.startsWith(`Connecting to ${new URL(side.host.url).host}:`);
      }, 'the manager to have tried');
      expect(trailers(await stack.clone(side))).not.toContain(body.id);
      waiting.push(body.id);
    }
    stack.office.learn(yard.network.address, yard.lineEnd);
    expect(await stack.office.connect(portOf(yard), yard.network.address)).toBe('open');
    expect(await reachOf(yard)).toMatchObject({ ok: true });
    expect(await stack.api.ended(waiting[0] as string)).toMatchObject({ state: 'succeeded' });
    await assertLanded(yard, ['keg'], waiting.slice(0, 1));
    expect(await reachOf(dock)).toMatchObject({ ok: false, code: 'GIT_UNREACHABLE' });
  });

  /** The first stage of a check by the manager itself. */
  async function reachOf({ scope }: Side): Promise<Json> {
    const { connectivity, stages } = await stack.api.ok('POST', `${scope}/connectors/direct/check`);
    expect(connectivity).toBe('manager');
    return stages[0];
  }
});
