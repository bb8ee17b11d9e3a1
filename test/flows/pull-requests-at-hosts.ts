// The story of a pull request at each product that has them: opened and found again, merged and seen by webhook and by poll over
// either road, and what stands in its way.
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, eventually, type Json } from '../support/api.js';
import { sql } from '../support/database.js';
import type { Reply } from '../support/host-servers/host-server.js';
import type { FakePull } from '../support/host-servers/host-state.js';
import { isCreation } from '../support/host-servers/host-suite.js';
import { PullHost, products } from '../support/host-servers/pull-hosts.js';
import { fileAt, git } from '../support/repository.js';
import { type Road, roads, type Stack } from '../support/stack.js';
import { webhooksOf } from '../support/webhook-sender.js';

const demo = 'accounts/demo';
/** Of one product; the others’ run beside them. */
const inTurn = { concurrent: false };
/** All of them are at work at once. */
const PATIENCE_MS = 150_000;

/** `stack`: one that looks at open requests every second. */
export function describePullsAtHosts(stack: () => Stack): void {
  const get = (address: string): Promise<Json> => stack().api.ok('GET', `${demo}/${address}`);
  const pullOf = (id: string): Promise<Json> => get(`pull-requests/${id}`);
  const until = (id: string, holds: (pull: Json) => boolean, what: string): Promise<Json> =>
    eventually(
      async () => {
        const pull = await pullOf(id);
        return holds(pull) && pull;
      },
      `pull request ${id} to be ${what}`,
      PATIENCE_MS,
    );
  /** Once nobody is looking at it, so that nobody looks for an hour. */
  const postpone = (id: string): Promise<unknown> =>
    eventually(async () => {
      const set = `update pull_request set due_at = now() + interval '1 hour'`;
      const rows = await sql(
        stack().databaseUrl,
        `${set} where id = '${id}' and claimed_until is null returning id`,
      );
      return rows.length > 0;
    }, `pull request ${id} to be left alone`);
  const copyOn = async (branch: string, id: string): Promise<Json> => {
    const address = `${demo}/entities/pipeline/${id}?branch=${encodeURIComponent(branch)}`;
    const { status, body } = await stack().api.request('GET', address);
    return status === 200 ? body : undefined;
  };

  describe.concurrent.each(products)('at $name', (product) => {
    const { provider, name } = product;
    let host: PullHost;
    let named = 0;
    /** A request that was opened as it was wished. */
    let opened: { id: string; branch: string; pull: Json };

    beforeAll(async () => {
      const { home, accounts, api } = stack();
      const root = path.join(home, `host-${provider}`);
      host = await PullHost.open(product, root, [accounts.manager, accounts.delegate]);
      await api.ok('PUT', `${demo}/secrets/api-${provider}`, { manager: 'builtin', value: host.secret });
      for (const road of roads) await connect(road);
    });
    afterAll(() => host?.close());

    const connectorOf = (road: Road): string => `${provider}-${road}`;
    const connect = (road: Road): Promise<Json> =>
      stack().api.ok('PUT', `${demo}/connectors/${connectorOf(road)}`, {
        url: host.url,
        connectivity: road,
        provider,
        apiUrl: host.api.url,
        credential: {
          username: stack().accounts[road].username,
          secret: road === 'manager' ? 'git-direct' : 'git-delegated',
        },
        apiCredential: host.credential(`api-${provider}`),
      });
    const fresh = (): { id: string; branch: string } => {
      named += 1;
      return { id: `at-${provider}-${named}`, branch: `topic/${named}-of-it` };
    };
    const save = (
      { id, branch, ...more }: { id: string; branch: string; [field: string]: unknown },
      pullRequest: object,
      { road = 'manager', headers = {} }: { road?: Road; headers?: Record<string, string> } = {},
    ): Promise<Answer> => {
      const place = { connector: connectorOf(road), branch, newBranchFrom: 'main' };
      return stack().api.save(id, `name: ${id}\n`, { ...place, pullRequest, ...more }, headers);
    };
    const expectMerged = async ({ id, pull }: { id: string; pull: Json }, commit: string): Promise<void> => {
      const merged = await until(pull.id, ({ state }) => state === 'merged', 'merged');
      expect(merged).toMatchObject({ mergeCommit: product.saysCommit ? commit : null, problem: null });
      const copy = await eventually(() => copyOn('main', id), `${id} on main`, PATIENCE_MS);
      expect(copy).toMatchObject({ yaml: `name: ${id}\n`, git: { branch: 'main', commitId: commit } });
    };

    it('is opened as it was wished for, and found by whoever saves again', inTurn, async () => {
      const { id, branch } = fresh();
      const reviewers = [host.person('grace'), host.person('nobody')];
      const wish = { title: 'Please', body: 'As agreed.\n', draft: true, reviewers };
      const first = await save({ id, branch }, wish);
      expect(first.status, first.text).toBe(201);
      const { pullRequest: pull } = first.body;
      expect(pull).toMatchObject({
        state: 'open',
        into: 'main',
        draft: true,
        created: true,
        reviewersRefused: [host.person('nobody')],
        problem: null,
        webUrl: expect.stringContaining(String(pull.number)),
      });
      expect(await pullOf(pull.id)).toMatchObject({ title: 'Please', branch });
      const [kept, ...others] = host.state.pulls.filter(({ head }) => head === branch);
      expect(kept).toMatchObject({ base: 'main', body: 'As agreed.\n', draft: true, reviewers: ['grace'] });
      expect(kept?.title).toMatch(/^(Draft: |WIP: )?Please$/);
      const second = await save({ id: `${id}-b`, branch, newBranchFrom: undefined }, { title: 'Another' });
      expect(second.body.pullRequest, second.text).toEqual({ ...pull, created: false });
      expect([others, host.openings(branch)]).toEqual([[], 1]);
      opened = { id, branch, pull };
    });

    it('is merged, and its own webhook tells of it long before a look is due', inTurn, async () => {
      const { pull } = opened;
      await postpone(pull.id);
      const address = `connectors/${connectorOf('manager')}/webhook`;
      const webhook = await stack().api.ok('PUT', `${demo}/${address}`, {});
      host.endTokens();
      const commit = host.state.merge(pull.number);
      const tell = async (secret: string): Promise<number> => {
        const told = host.tellOfMerge(host.state.pull(pull.number) as FakePull, commit, secret);
        const { status } = await fetch(`${stack().manager?.url}${webhook.path}`, {
          method: 'POST',
          ...told,
        });
        return status;
      };
      expect(await tell('another-secret-than-this-webhook-has')).toBe(401);
      expect(await tell(webhook.toPaste.secret.value)).toBe(202);
      await expectMerged(opened, commit);
      const deliveries = await webhooksOf(stack).processed(connectorOf('manager'));
      const outcomes = deliveries.map((one: Json) => one.outcome).filter((one: Json) => one !== null);
      const words = [expect.stringContaining(`pull request ${pull.number}`)];
      expect(outcomes).toEqual([{ kind: 'acted', details: expect.arrayContaining(words) }]);
    });

    it('is merged, which a delegate sees that asks now and then', inTurn, async () => {
      const { id, branch } = fresh();
      const { body, text } = await save({ id, branch }, {}, { road: 'delegate' });
      expect(body.pullRequest, text).toMatchObject({ state: 'open', created: true, draft: false });
      expect(await copyOn('main', id)).toBeUndefined();
      host.endTokens();
      await expectMerged({ id, pull: body.pullRequest }, host.state.merge(body.pullRequest.number));
    });

    it('is none into a protected branch, and none without a difference', inTurn, async () => {
      host.state.locked.add('main');
      const one = fresh();
      const refused = await save(one, {});
      host.state.locked.clear();
      const other = fresh();
      const same = { ...other, branch: 'main', newBranchFrom: undefined };
      await save(same, {}, {}).catch(() => undefined);
      git(host.repository, 'branch', other.branch, 'main');
      const empty = await save(
        { ...other, newBranchFrom: undefined },
        { into: 'main' },
        { road: 'delegate' },
      );
      for (const [answer, code] of [
        [refused, 'HOST_API_PROTECTED'],
        [empty, 'HOST_API_NO_CHANGES'],
      ] as const) {
        expect(answer.status, answer.text).toBe(201);
        const { pullRequest, git: place } = answer.body;
        expect(pullRequest).toMatchObject({ state: 'failed', number: null });
        expect(pullRequest.problem).toMatchObject({ code, hint: expect.stringMatching(/./) });
        expect(fileAt(host.repository, place.path, place.branch)).not.toBeNull();
      }
    });

    it('is given up, and closed where it was opened without anybody hearing of it', inTurn, async () => {
      const { id, branch } = fresh();
      host.api.instead = (request): Reply | undefined =>
        isCreation(request) ? { status: 500, json: {} } : undefined;
      const accepted = await save({ id, branch }, {}, { headers: { prefer: 'wait=0' } });
      const { pullRequest } = await stack().api.ended(accepted.body.id);
      const { title } = await until(pullRequest.id, ({ problem }) => problem !== null, 'held up');
      await postpone(pullRequest.id);
      const wish = { head: branch, base: 'main', title, body: '', draft: false };
      const { number } = host.api.state.add(wish);
      await stack().api.ok('POST', `${demo}/pull-requests/${pullRequest.id}/close`);
      expect(await pullOf(pullRequest.id)).toMatchObject({ state: 'closed', number });
      expect(host.api.state.pull(number)?.state).toBe('closed');
    });

    it('waits as long as the host asks for, and says so', inTurn, async () => {
      const { id, branch } = fresh();
      host.api.instead = (request): Reply | undefined =>
        isCreation(request) ? product.limited() : undefined;
      const accepted = await save({ id, branch }, {}, { headers: { prefer: 'wait=0' } });
      expect(accepted.status, accepted.text).toBe(202);
      const { pullRequest, ...operation } = await stack().api.ended(accepted.body.id);
      expect(operation).toMatchObject({ state: 'succeeded' });
      expect(fileAt(host.repository, operation.git.path, branch)).toBe(`name: ${id}\n`);
      const waiting = await until(pullRequest.id, ({ problem }) => problem !== null, 'held up');
      expect(waiting).toMatchObject({ state: 'wanted', problem: { code: 'HOST_API_RATE_LIMITED' } });
      expect(Date.parse(waiting.nextCheckAt) - Date.now()).toBeGreaterThan(3_400_000);
      expect(host.openings(branch)).toBe(1);
      await stack().api.ok('POST', `${demo}/pull-requests/${waiting.id}/close`);
      expect(await pullOf(waiting.id)).toMatchObject({ state: 'closed', number: null });
    });

    it(`asks ${name} nothing that its API does not describe`, inTurn, () => {
      expect(host.api.violations).toEqual([]);
    });
  });
}
