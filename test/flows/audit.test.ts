// Who did what: every act is on record once, none is done without, and nothing that is on record can be changed unnoticed.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Head, readLink } from '../../src/trail/link.js';
import { verifyLines } from '../../src/trail/verify.js';
import { Api, eventually, type Json } from '../support/api.js';
import { sql } from '../support/database.js';
import { runCommand, startManager } from '../support/processes.js';
import { pushForeign } from '../support/repository.js';
import { Stack } from '../support/stack.js';

const SCOPE = 'accounts/demo';
const PROJECT = `${SCOPE}/orgs/o/projects/p`;
const git = { connector: 'direct', branch: 'main' };

let stack: Stack;

beforeAll(async () => {
  // Nobody looks at the repository, and opens its secret, but when that is asked for.
  stack = await Stack.start('real', { settings: { SALLYPORT_POLL_FAST_SECONDS: '3600' } });
  for (const scope of [`${SCOPE}/orgs/o`, PROJECT]) await stack.api.ok('PUT', scope, {});
});
afterAll(() => stack.stop());

const list = async (query = '', scope = SCOPE): Promise<Json[]> =>
  (await stack.api.ok('GET', `${scope}/audit?limit=1000${query}`)).entries;
/** What the manager and its delegates do by themselves meanwhile aside. */
const asked = async (): Promise<Json[]> =>
  (await list()).filter(({ actor }) => !['system', 'delegate'].includes(actor.kind));
const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');
const exported = async (account = SCOPE, query = ''): Promise<string[]> => {
  const { status, text } = await stack.api.request('GET', `${account}/audit/export${query}`);
  expect(status, text).toBe(200);
  return linesOf(text);
};
const newToken = async (account: string, name = 'token'): Promise<string> => {
  const args = ['--account', account, '--name', name];
  const { stdout } = await runCommand('src/token.js', args, { env: { DATABASE_URL: stack.databaseUrl } });
  return stdout.trim();
};

describe('a save', () => {
  it('is on record as asked for by a token, and as landed by the lane', async () => {
    const { status, body } = await stack.api.save('told', 'name: told\n', git, { prefer: 'wait=30' });
    expect(status).toBe(201);
    const [asked] = await list('&action=entity.save&target=entities/pipeline/told');
    expect(asked).toMatchObject({
      actor: { kind: 'token', name: 'admin' },
      scope: SCOPE,
      outcome: 'done',
      code: null,
      data: { operation: body.operationId, connector: 'direct', branch: 'main', blobId: body.blobId },
    });
    const [landed] = await list(`&action=operation.succeeded&target=operations/${body.operationId}`);
    expect(landed).toMatchObject({
      actor: { kind: 'system', id: 'manager' },
      data: {
        kind: 'pipeline',
        id: 'told',
        commitId: body.git.commitId,
        requestedBy: expect.stringMatching(/^admin /),
      },
    });
    expect(landed.position).toBeGreaterThan(asked.position);
  });

  it('of an entity without Git is one transaction with both', async () => {
    const body = { yaml: 'name: inline\n', store: 'inline', git: {} };
    await stack.api.ok('PUT', `${PROJECT}/entities/pipeline/inline`, body);
    const entries = await list('', PROJECT);
    expect(entries.map(({ action }) => action)).toEqual(['operation.succeeded', 'entity.save', 'scope.put']);
  });

  it('that is sent again with its key is on record once', async () => {
    for (let times = 0; times < 2; times++)
      await stack.api.save('keyed', 'name: keyed\n', git, { 'idempotency-key': 'k1', prefer: 'wait=30' });
    expect(await list('&action=entity.save&target=entities/pipeline/keyed')).toHaveLength(1);
  });

  it('shows nothing of the document, and nothing secret', async () => {
    await stack.api.ok('PUT', `${SCOPE}/secrets/shown`, {
      manager: 'builtin',
      value: 'correct-horse-battery',
    });
    await stack.api.save('hidden', 'name: staple-of-a-document\n', git);
    const text = (await exported()).join('\n');
    expect(text).toContain('secrets/shown');
    expect(text).not.toContain('correct-horse-battery');
    expect(text).not.toContain('staple-of-a-document');
    expect(text).not.toContain(stack.token);
  });
});

it('a push is one entry, however many files it brings', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 40 }, (_, at) => [`many/m${at}.yaml`, at === 0 ? 'name: 1\n' : `name: m${at}\n`]),
  );
  await pushForeign(stack.foreignUrl, files);
  await stack.api.ok('PUT', `${SCOPE}/connectors/direct/tracking`, {
    branches: ['main'],
    files: [{ pattern: 'many/{id}.yaml', kind: 'pipeline' }],
  });
  await stack.api.ok('POST', `${SCOPE}/connectors/direct/tracking/poll`);
  const entries = await eventually(async () => {
    const found = await list('&action=copies.refreshed');
    return found.length > 0 && found;
  }, 'the refresh to be on record');
  expect(entries).toHaveLength(1);
  expect(entries[0]).toMatchObject({
    actor: { kind: 'system' },
    target: 'connectors/direct',
    data: { branch: 'main', created: 40, commit: expect.stringMatching(/^[0-9a-f]{40}$/) },
  });
  expect(await list('&action=tracking.*')).toHaveLength(2);
});

it('every opened secret is on record, the manager’s and the delegate’s', async () => {
  await stack.api.ok('POST', `${SCOPE}/connectors/direct/check`);
  await stack.api.ok('POST', `${SCOPE}/connectors/delegated/check`);
  const kinds = async (): Promise<Set<string>> =>
    new Set((await list('&action=secret.opened')).map(({ actor }) => actor.kind));
  await eventually(async () => {
    await stack.api.ok('GET', `${SCOPE}/secret-audit`);
    return (await kinds()).size === 2;
  }, 'the delegate’s record');
  const { records } = await stack.api.ok('GET', `${SCOPE}/secret-audit?limit=1000`);
  const ofSecrets = (await list('&action=secret.opened')).map(({ data }) => data.id);
  const ids = records.map(({ id }: Json) => id).filter((id: string) => ofSecrets.includes(id));
  expect(new Set(ofSecrets)).toEqual(new Set(ids));
  expect(new Set(ofSecrets).size).toBe(ofSecrets.length);
  expect(records.filter(({ id, outcome }: Json) => outcome === 'opened' && !ofSecrets.includes(id))).toEqual(
    [],
  );
});

describe('the list', () => {
  it('comes page by page, newest first', async () => {
    const all = (await list()).map(({ position }) => position);
    const paged: number[] = [];
    for (let cursor = ''; ; ) {
      const page = await stack.api.ok('GET', `${SCOPE}/audit?limit=7${cursor}`);
      paged.push(...page.entries.map(({ position }: Json) => position));
      if (page.nextCursor === null) break;
      cursor = `&cursor=${page.nextCursor}`;
    }
    const known = paged.filter((position) => position <= (all[0] as number));
    expect(known).toEqual(all);
    expect(all).toEqual(all.toSorted((one, two) => two - one));
    expect(all.at(-1)).toBe(1);
  });

  it('is filtered by who, what, where, when and how it ended', async () => {
    const [kind] = await list('&action=kind.put');
    expect(kind.target).toBe('kinds/pipeline');
    const { id, name } = kind.actor;
    for (const actor of [id, name]) expect(await list(`&action=kind.put&actor=${actor}`)).toEqual([kind]);
    expect(await list('&action=kind.put&actor=nobody')).toEqual([]);
    expect((await list('&action=connector.*')).every(({ action }) => action.startsWith('connector.'))).toBe(
      true,
    );
    expect((await list('&target=secrets/*')).length).toBeGreaterThan(3);
    expect(await list(`&action=kind.put&since=${kind.at}`)).toEqual([kind]);
    expect(await list(`&action=kind.put&until=${kind.at}`)).toEqual([]);
    expect(await list('&action=kind.put&outcome=denied')).toEqual([]);
    expect((await list('', PROJECT)).every(({ scope }) => scope === PROJECT)).toBe(true);
  });

  it.each(['action=a*b', 'outcome=well', 'since=yesterday', 'cursor=x', 'actor='])(
    'refuses %s',
    async (query) => {
      expect((await stack.api.request('GET', `${SCOPE}/audit?${query}`)).status).toBe(400);
    },
  );

  it('leaves no entry itself', async () => {
    const before = await asked();
    await list();
    await exported();
    expect(await asked()).toEqual(before);
  });
});

describe('what is refused', () => {
  it('for its rights is on record with whom it was, and at the account that he is of', async () => {
    const other = new Api(stack.manager?.url ?? '', await newToken('other', 'stranger'));
    for (let times = 0; times < 5; times++)
      expect((await other.request('PUT', `${PROJECT}/secrets/x`, {})).status).toBe(403);
    expect((await other.request('GET', SCOPE)).status).toBe(403);
    const entries = await new Api(other.url, other.token).ok('GET', 'accounts/other/audit');
    expect(entries.entries).toMatchObject([
      { action: 'read', outcome: 'denied', code: 'ACCESS_DENIED', target: SCOPE, scope: 'accounts/other' },
      {
        action: 'secret.put',
        outcome: 'denied',
        target: `${PROJECT}/secrets/x`,
        actor: { name: 'stranger' },
      },
      { action: 'token.create', outcome: 'done', actor: { kind: 'system' } },
      { action: 'scope.put', outcome: 'done', actor: { kind: 'system' } },
    ]);
    expect(await list('&outcome=denied')).toEqual([]);
  });

  it('for what it says is on record once a minute; reading what is not there never is', async () => {
    const api = new Api(stack.manager?.url ?? '', await newToken('demo', 'clumsy'));
    for (let times = 0; times < 5; times++)
      expect((await api.request('PUT', `${SCOPE}/connectors/x`, { url: 1 })).status).toBe(400);
    expect((await api.request('DELETE', `${SCOPE}/connectors/none`)).status).toBe(404);
    expect((await api.request('GET', `${SCOPE}/connectors/none`)).status).toBe(404);
    expect((await api.request('POST', `${SCOPE}/nothing`)).status).toBe(404);
    const entries = await list('&actor=clumsy');
    expect(entries).toMatchObject([
      { action: 'connector.delete', outcome: 'refused', code: 'NOT_FOUND', target: 'connectors/none' },
      {
        action: 'connector.put',
        outcome: 'refused',
        code: 'REQUEST_INVALID',
        target: 'connectors/x',
        data: null,
      },
    ]);
  });

  it('by nobody who is known adds nothing', async () => {
    const before = await asked();
    const anybody = new Api(stack.manager?.url ?? '', `sp_${'A'.repeat(43)}`);
    for (const method of ['GET', 'PUT', 'POST', 'DELETE'])
      expect((await anybody.request(method, `${SCOPE}/connectors/x`)).status).toBe(401);
    const door = await fetch(`${stack.manager?.url}/webhooks/${'A'.repeat(43)}`, {
      method: 'POST',
      body: '{}',
    });
    expect(door.status).toBeGreaterThanOrEqual(400);
    expect(await asked()).toEqual(before);
  });

  it('and was only counted is on record when the manager stops', async () => {
    await stack.manager?.kill('SIGTERM');
    await stack.startManager();
    const [more] = await list('&actor=clumsy&action=connector.put');
    expect(more).toMatchObject({ outcome: 'refused', data: { repeated: { REQUEST_INVALID: 4 } } });
  });
});

describe('without an entry nothing is done', () => {
  const rename = (from: string, to: string): Promise<unknown> =>
    sql(stack.databaseUrl, `alter function ${from}(text, text[]) rename to ${to}`);

  it('neither a change by the API nor a save, and both are once it can be written again', async () => {
    await rename('audit_append', 'audit_away');
    const kind = { pathTemplate: '{id}.yaml', schema: {} };
    const put = await stack.api.request('PUT', `${SCOPE}/kinds/unwritten`, kind);
    const save = await stack.api.save('unwritten', 'name: x\n', git);
    await rename('audit_away', 'audit_append');
    expect(put).toMatchObject({ status: 503, body: { code: 'AUDIT_UNWRITABLE' } });
    expect(save).toMatchObject({ status: 503, body: { code: 'AUDIT_UNWRITABLE' } });
    expect((await stack.api.request('GET', `${SCOPE}/kinds/unwritten`)).status).toBe(404);
    expect((await stack.api.request('GET', `${SCOPE}/entities/pipeline/unwritten`)).status).toBe(404);
    expect(await list('&target=kinds/unwritten')).toEqual([]);
    await stack.api.ok('PUT', `${SCOPE}/kinds/unwritten`, kind);
    expect((await stack.api.save('unwritten', 'name: x\n', git, { prefer: 'wait=30' })).status).toBe(201);
  });
});

describe('the trail', () => {
  it('is exported whole, and is what its hashes were made of', async () => {
    const lines = await exported();
    const verdict = await verifyLines(lines, { account: SCOPE });
    expect(verdict).toMatchObject({ findings: [], entries: lines.length });
    const head = await stack.api.ok('GET', `${SCOPE}/audit/head`);
    expect(head.position).toBeGreaterThanOrEqual(verdict.head.position);
  });

  it('is exported from where somebody had got to', async () => {
    const lines = await exported();
    const third = readLink(lines[2] as string) as Head;
    const rest = await exported(SCOPE, '?after=3');
    expect(rest.slice(0, 5)).toEqual(lines.slice(3, 8));
    expect(await verifyLines(rest, { after: { position: 3, hash: third.hash } })).toMatchObject({ count: 0 });
    expect(
      await exported(SCOPE, `?after=${(await stack.api.ok('GET', `${SCOPE}/audit/head`)).position}`),
    ).toEqual([]);
    for (const after of ['9999999', '-1', 'x', '01'])
      expect((await stack.api.request('GET', `${SCOPE}/audit/export?after=${after}`)).status).toBe(400);
    expect((await stack.api.request('HEAD', `${SCOPE}/audit/export`)).status).toBe(200);
  });

  it('has no gap and no fork when many write at once, by two managers', async () => {
    const second = await startManager({ env: stack.managerEnvironment() });
    try {
      const apis = [stack.api, new Api(second.url, stack.token)];
      const before = (await stack.api.ok('GET', `${SCOPE}/audit/head`)).position;
      await Promise.all(
        Array.from({ length: 60 }, (_, at) =>
          (apis[at % 2] as Api).ok('PUT', `${SCOPE}/entities/pipeline/c${at % 20}`, {
            yaml: `name: c${at}\n`,
            store: 'inline',
            git: {},
          }),
        ),
      );
      const lines = await exported(SCOPE, `?after=${before}`);
      expect(lines.length).toBeGreaterThanOrEqual(120);
      expect(await verifyLines(await exported())).toMatchObject({ findings: [] });
    } finally {
      await second.kill('SIGTERM');
    }
  });

  it('of an account goes on where it was made again', async () => {
    const api = new Api(stack.manager?.url ?? '', await newToken('passing'));
    await api.ok('DELETE', 'accounts/passing');
    const again = new Api(api.url, await newToken('passing'));
    const text = (await again.request('GET', 'accounts/passing/audit/export')).text;
    const entries = linesOf(text).map((line) => JSON.parse(readLink(line)?.entry ?? ''));
    expect(entries.map(({ action }) => action)).toEqual([
      'scope.put',
      'token.create',
      'scope.delete',
      'scope.put',
      'token.create',
    ]);
    expect(await verifyLines(linesOf(text))).toMatchObject({ count: 0, entries: 5 });
  });
});

describe('in the database', () => {
  it.each([
    `update audit_entry set entry = '{}' where position = 1`,
    'delete from audit_entry where position = 1',
    'truncate audit_entry',
    'delete from audit_head',
    'truncate audit_head',
    'update audit_head set position = position - 1',
    `update audit_head set hash = sha256('x')`,
  ])('%s is refused, even to its owner', async (change) => {
    await expect(sql(stack.databaseUrl, change)).rejects.toThrow('are never changed');
  });

  it('what was changed behind its back is found', async () => {
    const [row] = await sql<{ entry: string }>(
      stack.databaseUrl,
      'select entry from audit_entry where account = $1 and position = 4',
      [SCOPE],
    );
    const set = async (entry: string | undefined): Promise<void> => {
      await sql(stack.databaseUrl, 'alter table audit_entry disable trigger audit_entry_stays');
      await sql(stack.databaseUrl, 'update audit_entry set entry = $1 where account = $2 and position = 4', [
        entry,
        SCOPE,
      ]);
      await sql(stack.databaseUrl, 'alter table audit_entry enable trigger audit_entry_stays');
    };
    await set('{}');
    const { findings } = await verifyLines(await exported());
    await set(row?.entry);
    expect(findings).toMatchObject([{ position: 4, line: 4, kind: 'edited' }]);
    expect((await verifyLines(await exported())).count).toBe(0);
  });
});
