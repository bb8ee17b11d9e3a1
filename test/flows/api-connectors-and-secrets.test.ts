// Connectors and secrets: what may be written, what may use what, and what happens when the rows are changed behind the
// API's back.
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/api.js';
import { sql } from '../support/database.js';
import { DocumentedApi } from '../support/documented-api.js';
import { head } from '../support/repository.js';
import { oneBackend, roads, Stack } from '../support/stack.js';

const PUBLIC = 'https://git.example.org/team/repository.git';

describe.each(oneBackend)('on the %s servers', (backend) => {
  let stack: Stack;
  let api: DocumentedApi;

  beforeAll(async () => {
    stack = await Stack.start(backend);
    api = await DocumentedApi.open(stack.api);
    await api.ok('PUT', 'accounts/demo/orgs/o', {});
    await api.ok('PUT', 'accounts/demo/orgs/o/projects/p', {});
  });
  afterAll(() => stack.stop());

  const connect = (id: string, body: object, scope = 'accounts/demo') =>
    api.request('PUT', `${scope}/connectors/${id}`, { url: PUBLIC, connectivity: 'manager', ...body });
  const put = (id: string, body: unknown, scope = 'accounts/demo') =>
    api.request('PUT', `${scope}/secrets/${id}`, body);
  const builtin = (value: unknown) => ({ manager: 'builtin', value });

  describe('a connector', () => {
    it('is answered as it was put', async () => {
      const made = await connect('plain', {
        connectivity: 'delegate',
        group: 'berlin-2',
        tags: ['eu'],
      });
      expect(made.status).toBe(201);
      expect(made.body).toEqual({
        scope: 'accounts/demo',
        id: 'plain',
        url: PUBLIC,
        connectivity: 'delegate',
        group: 'berlin-2',
        tags: ['eu'],
        credential: null,
        apiCredential: null,
        trust: null,
        renamedTo: null,
        needsAuthorisation: null,
        knownHosts: null,
        provider: 'generic',
        apiUrl: null,
        revision: expect.any(String),
      });
      expect(await api.ok('GET', 'accounts/demo/connectors/plain')).toEqual(made.body);
      const replaced = await connect('plain', { connectivity: 'delegate' });
      expect(replaced.body).toMatchObject({ group: null, tags: [] });
      expect(replaced.body.revision).not.toBe(made.body.revision);
    });

    it.each<[string, string]>([
      ['no URL', 'git.example.org'],
      ['a scheme of its own', 'file:///etc/passwd'],
      ['ssh with a password', 'ssh://git:hidden-canary@git.example.org/x.git'],
      ['a user', 'https://ada@git.example.org/x.git'],
      ['a password', 'https://ada:hidden-canary@git.example.org/x.git'],
      ['a query', 'https://git.example.org/x.git?token=hidden-canary'],
      ['a fragment', 'https://git.example.org/x.git#main'],
      ['no repository', 'https://git.example.org/'],
      ['a way upwards', 'https://git.example.org/a/../b.git'],
      ['an encoded way upwards', 'https://git.example.org/a/%2E%2e/b.git'],
      ['a backslash', 'https://git.example.org\\x.git'],
      ['a line end', 'https://git.example.org/x.git\nHost: y'],
    ])('refuses %s as its URL, without repeating what may be secret', async (_, url) => {
      const answer = await connect('refused', { url });
      expect(answer.status, answer.text).toBe(422);
      expect(answer.body.code).toBe('CONNECTOR_DENIED');
      expect(answer.text).not.toContain('hidden-canary');
      expect((await api.request('GET', 'accounts/demo/connectors/refused')).status).toBe(404);
    });

    it.each<[string, object]>([
      ['an empty URL', { url: '' }],
      ['a URL that is too long', { url: `https://git.example.org/${'x'.repeat(2_048)}` }],
      ['another connectivity', { connectivity: 'direct' }],
      ['a group without a delegate', { group: 'local' }],
      ['tags without a delegate', { tags: ['eu'] }],
      ['a tag that is none', { connectivity: 'delegate', tags: ['E U'] }],
      ['a group that is none', { connectivity: 'delegate', group: 'Berlin' }],
      ['a field it does not have', { token: 'x' }],
      ['a field that is only read', { revision: 'x' }],
      ['a user name alone', { credential: { username: 'ada' } }],
      ['a colon in the user name', { credential: { username: 'a:b', secret: 'git-direct' } }],
      ['a password in its place', { credential: { username: 'ada', password: 'x' } }],
      ['a secret that is no name', { credential: { username: 'ada', secret: '../x' } }],
    ])('refuses %s', async (_, body) => {
      const answer = await connect('refused', body);
      expect(answer.status).toBe(400);
      expect((await api.request('GET', 'accounts/demo/connectors/refused')).status).toBe(404);
    });

    it('cannot be written with a secret that the manager cannot open', async () => {
      const credential = { username: 'ada', secret: 'git-delegated' };
      const answer = await connect('refused', { connectivity: 'manager', credential });
      expect(answer.status).toBe(422);
      expect(answer.body).toMatchObject({
        code: 'SECRET_OUT_OF_REACH',
        hint: expect.stringContaining('connectivity to delegate'),
      });
      expect((await api.request('GET', 'accounts/demo/connectors/refused')).status).toBe(404);
    });

    it('reaches its host through a delegate with a builtin secret as well', async () => {
      const { username } = stack.accounts.manager;
      const credential = { username, secret: 'git-direct' };
      await connect('carried', { url: stack.repositoryUrl, connectivity: 'delegate', credential });
      const { ok, connectivity } = await api.ok('POST', 'accounts/demo/connectors/carried/check');
      expect({ ok, connectivity }).toEqual({ ok: true, connectivity: 'delegate' });
      await api.ok('DELETE', 'accounts/demo/connectors/carried');
    });

    it('takes the nearest secret of that name further out, never one further in', async () => {
      const project = 'accounts/demo/orgs/o/projects/p';
      const credential = { username: 'ada', secret: 'layered' };
      await put('layered', builtin('of the project'), project);
      for (const scope of ['accounts/demo', 'accounts/demo/orgs/o']) {
        const refused = await connect('layered', { credential }, scope);
        expect(refused.status).toBe(404);
        expect(refused.body.detail).toBe('There is no secret layered in this scope');
      }
      await put('layered', builtin('of the account'), 'accounts/demo');
      const inOrg = await connect('layered', { credential }, 'accounts/demo/orgs/o');
      expect(inOrg.body.credential).toEqual({ ...credential, secretScope: 'accounts/demo' });
      const inProject = await connect('layered', { credential }, project);
      expect(inProject.body.credential).toEqual({ ...credential, secretScope: project });
    });

    it('is refused when its secret is deleted at the same moment', async () => {
      await put('racing', builtin('x'));
      const client = new pg.Client({ connectionString: stack.databaseUrl });
      await client.connect();
      try {
        await client.query(`begin; delete from secret where id = 'racing'`);
        const answer = connect('racing', { credential: { username: 'ada', secret: 'racing' } });
        await eventually(async () => {
          const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
          return (await sql(stack.databaseUrl, waiting)).length > 0;
        }, 'the connector to wait for its secret');
        await client.query('commit');
        const { status, body } = await answer;
        expect({ status, detail: body.detail }).toEqual({
          status: 404,
          detail: 'There is no secret racing in this scope',
        });
      } finally {
        await client.end();
      }
    });

    it('is found further out by a save, and cannot be deleted or pointed elsewhere while an entity uses it', async () => {
      const git = { connector: 'direct', branch: 'main' };
      const scope = 'accounts/demo/orgs/o/projects/p';
      const saved = await api.request('PUT', `${scope}/entities/pipeline/used`, { yaml: 'name: x\n', git });
      expect(saved.status, saved.text).toBe(201);
      const deleted = await api.request('DELETE', 'accounts/demo/connectors/direct');
      expect(deleted.status).toBe(409);
      expect(deleted.body).toMatchObject({
        code: 'STILL_IN_USE',
        detail: expect.stringContaining('pipeline used'),
      });
      const moved = await connect('direct', { url: PUBLIC });
      expect(moved.body.code).toBe('STILL_IN_USE');
      const kept = await api.ok('GET', 'accounts/demo/connectors/direct');
      expect(kept.url).toBe(stack.repositoryUrl);
      const renewed = await api.request('PUT', 'accounts/demo/connectors/direct', {
        url: kept.url,
        connectivity: 'manager',
        credential: { username: stack.accounts.manager.username, secret: 'git-direct' },
      });
      expect(renewed.status).toBe(200);
      expect((await api.request('DELETE', `${scope}/entities/pipeline/used`)).status).toBe(200);
    });

    it('of the account is not seen from another account, nor is one of a neighbour', async () => {
      await connect('own', {}, 'accounts/demo/orgs/o/projects/p');
      const git = { connector: 'own', branch: 'main' };
      const saved = await api.request('PUT', 'accounts/demo/entities/pipeline/x', { yaml: 'name: x\n', git });
      expect(saved.status).toBe(404);
      expect(saved.body.detail).toBe('There is no connector own in this scope');
    });
  });

  describe('the check of a connector', () => {
    const check = async (id: string) => {
      const { body } = await api.request('POST', `accounts/demo/connectors/${id}/check`);
      return body;
    };

    it.each(roads)('stops with connectivity %s at the stage that fails, and says why', async (road) => {
      const { username } = stack.accounts[road];
      const wrong = road === 'manager' ? builtin('wrong') : await stack.sealForDelegate('wrong', 'wrong');
      await put('wrong', wrong);
      const credential = { username, secret: 'wrong' };
      await connect('wrong', { url: stack.repositoryUrl, connectivity: road, credential });
      const { ok, connectivity, stages } = await check('wrong');
      expect({ ok, connectivity }).toEqual({ ok: false, connectivity: road });
      expect(stages.map(({ stage, ok: fine }: Record<string, unknown>) => [stage, fine])).toEqual([
        ['reach', true],
        ['authenticate', false],
      ]);
      expect(stages[1]).toMatchObject({
        code: 'GIT_AUTH_REJECTED',
        detail: expect.any(String),
        hint: expect.stringContaining('secret'),
      });
      await api.ok('DELETE', 'accounts/demo/connectors/wrong');
      await api.ok('DELETE', 'accounts/demo/secrets/wrong');
    });

    it('fails as a save does where no delegate is there to do it', async () => {
      await connect('deserted', { connectivity: 'delegate', group: 'deserted' });
      const answer = await api.request('POST', 'accounts/demo/connectors/deserted/check');
      expect(answer.status).toBe(503);
      expect(answer.body).toMatchObject({
        code: 'DELEGATE_UNAVAILABLE',
        detail: 'Nobody is there to do it: no delegate of group deserted has enrolled',
      });
    });
  });

  describe('a secret', () => {
    const fields = ['createdAt', 'id', 'kind', 'manager', 'managerScope', 'scope', 'updatedAt', 'version'];

    it('is written and never read back, neither its value nor its envelope', async () => {
      const value = 'canary-that-nobody-reads';
      const envelope = await stack.sealForDelegate('sealed', value);
      const answers = [
        await put('plain', builtin(value)),
        await put('plain', builtin(value)),
        await put('sealed', envelope),
        await api.request('GET', 'accounts/demo/secrets/plain'),
        await api.request('GET', 'accounts/demo/secrets/sealed'),
      ];
      expect(answers.map(({ status }) => status)).toEqual([201, 200, 201, 200, 200]);
      for (const { body, text } of answers) {
        expect(Object.keys(body).toSorted()).toEqual(fields);
        expect(text).not.toContain(value);
      }
      expect(answers[1]?.body.version).not.toBe(answers[0]?.body.version);
      expect(answers[1]?.body.createdAt).toBe(answers[0]?.body.createdAt);
    });

    it('sent again is the same version, and no other bytes of it may have its id', async () => {
      const sealed = (await stack.sealForDelegate('twice', 'value')) as { envelope: { version: string } };
      const [first, second] = [await put('twice', sealed), await put('twice', sealed)];
      expect([first.status, second.status]).toEqual([201, 200]);
      expect(second.body.version).toBe(first.body.version);
      const { version } = sealed.envelope;
      const other = (await stack.sealForDelegate('twice', 'other')) as { envelope: object };
      const stolen = await put('twice', { ...other, envelope: { ...other.envelope, version } });
      expect([stolen.status, stolen.body.code]).toEqual([422, 'INPUT_REFUSED']);
    });

    it.each(['constructor', '__proto__', 'a$-9'])('may be called %s', async (id) => {
      expect((await put(id, builtin('x'))).status).toBe(201);
      expect((await api.request('GET', `accounts/demo/secrets/${id}`)).body.id).toBe(id);
      expect((await api.request('DELETE', `accounts/demo/secrets/${id}`)).status).toBe(204);
    });

    it('for the keyring is not taken in plaintext, and the refusal says how to seal it', async () => {
      const answer = await put('refused', { manager: 'keyring', value: 'canary-in-plaintext' });
      expect(answer.status).toBe(400);
      expect(answer.text).toContain('npm run delegate -- secret put');
      expect(answer.text).not.toContain('canary-in-plaintext');
      expect((await api.request('GET', 'accounts/demo/secrets/refused')).status).toBe(404);
    });

    it.each<[string, unknown]>([
      ['an empty value', builtin('')],
      ['a line end', builtin('a\nb')],
      ['a carriage return', builtin('a\r')],
      ['a NUL', builtin('a\u0000')],
      ['half a surrogate pair', builtin('\udc00')],
      ['more than 64 KiB', builtin('x'.repeat(65_537))],
      ['a number', builtin(1)],
      ['no value', { manager: 'builtin' }],
      ['an envelope for the builtin manager', { manager: 'builtin', envelope: {} }],
      ['another manager', { manager: 'vault', value: 'x' }],
      ['no manager', { value: 'x' }],
      ['a field it does not have', { ...builtin('x'), note: 'x' }],
      ['a field that is only read', { ...builtin('x'), version: 'x' }],
    ])('refuses %s', async (_, body) => {
      expect((await put('refused', body)).status).toBe(400);
      expect((await api.request('GET', 'accounts/demo/secrets/refused')).status).toBe(404);
    });

    type Sealed = { manager: string; envelope: { payload: Record<string, string>; wrap: object } };
    it.each<[string, (sealed: Sealed) => unknown]>([
      ['no payload', ({ envelope: { payload: _payload, ...envelope } }) => envelope],
      ['a shorter tag', ({ envelope }) => ({ ...envelope, payload: { ...envelope.payload, tag: 'AAAA' } })],
      ['no base64url', ({ envelope }) => ({ ...envelope, wrap: { ...envelope.wrap, nonce: '+/==' } })],
      ['another format', ({ envelope }) => ({ ...envelope, format: 'sallyport-2' })],
      ['something more', ({ envelope }) => ({ ...envelope, value: 'x' })],
      ['a text', ({ envelope }) => JSON.stringify(envelope)],
    ])('refuses an envelope with %s', async (_, damage) => {
      const sealed = (await stack.sealForDelegate('refused', 'value')) as Sealed;
      expect((await put('refused', { ...sealed, envelope: damage(sealed) })).status).toBe(400);
    });

    it('is not deleted while a connector uses it, in whichever scope', async () => {
      await put('shared', builtin('x'));
      const credential = { username: 'ada', secret: 'shared' };
      const project = 'accounts/demo/orgs/o/projects/p';
      await connect('user', { credential }, project);
      const refused = await api.request('DELETE', 'accounts/demo/secrets/shared');
      expect(refused.status).toBe(409);
      expect(refused.body).toMatchObject({
        code: 'STILL_IN_USE',
        detail: expect.stringContaining(`${project}/connectors/user`),
      });
      await api.request('DELETE', `${project}/connectors/user`);
      expect((await api.request('DELETE', 'accounts/demo/secrets/shared')).status).toBe(204);
      expect((await api.request('DELETE', 'accounts/demo/secrets/shared')).status).toBe(404);
    });

    it('cannot be moved out of the reach of a connector of the manager’s that uses it', async () => {
      const answer = await put('git-direct', await stack.sealForDelegate('git-direct', 'x'));
      expect(answer.status).toBe(422);
      expect(answer.body.code).toBe('SECRET_OUT_OF_REACH');
      expect((await api.ok('POST', 'accounts/demo/connectors/direct/check')).ok).toBe(true);
    });

    it('whose envelope was damaged on its way is told by the delegate, and nothing is written', async () => {
      const sealed = (await stack.sealForDelegate('damaged', stack.accounts.delegate.password)) as Sealed;
      const { payload } = sealed.envelope;
      const flipped = (payload.ciphertext as string).replace(/^./, (letter) => (letter === 'A' ? 'B' : 'A'));
      const envelope = { ...sealed.envelope, payload: { ...payload, ciphertext: flipped } };
      expect((await put('damaged', { ...sealed, envelope })).status).toBe(201);
      const credential = { username: stack.accounts.delegate.username, secret: 'damaged' };
      await connect('damaged', { url: stack.repositoryUrl, connectivity: 'delegate', credential });
      const before = head(stack.repository);
      const git = { connector: 'damaged', branch: 'main' };
      const saved = await api.save('damaged', 'name: x\n', git);
      expect(saved.status).toBe(422);
      expect(saved.body).toMatchObject({ code: 'SECRET_UNREADABLE', operationId: expect.any(String) });
      expect(head(stack.repository)).toBe(before);
    });

    it('sealed for another scope does not open', async () => {
      const elsewhere = 'accounts/demo/orgs/o';
      const sealed = await stack.sealForDelegate('foreign', stack.accounts.delegate.password, elsewhere);
      await put('foreign', sealed);
      const credential = { username: stack.accounts.delegate.username, secret: 'foreign' };
      await connect('foreign', { url: stack.repositoryUrl, connectivity: 'delegate', credential });
      const saved = await api.save('foreign', 'name: x\n', { connector: 'foreign', branch: 'main' });
      expect(saved.body.code).toBe('SECRET_UNREADABLE');
    });
  });

  describe('a secret that is moved behind the API’s back', () => {
    const set = (id: string, manager: string | null) =>
      sql(stack.databaseUrl, 'update secret set manager_scope = $1, manager_id = $2 where id = $3', [
        manager === null ? null : 'accounts/demo',
        manager,
        id,
      ]);
    afterAll(() => set('git-delegated', 'keyring'));

    it('stays where a connector of the manager’s can open it: the database says so', async () => {
      await expect(set('git-direct', 'keyring')).rejects.toThrow('connector_reach');
    });

    it('ends the operation with SECRET_UNREADABLE where a delegate was to open it, and nothing is written', async () => {
      await set('git-delegated', null);
      const before = head(stack.repository);
      const saved = await api.save('moved', 'name: x\n', { connector: 'delegated', branch: 'main' });
      expect(saved.status, saved.text).toBe(422);
      expect(saved.body).toMatchObject({
        code: 'SECRET_UNREADABLE',
        detail: expect.stringContaining('git-delegated'),
        operationId: expect.any(String),
      });
      const operation = await api.ok('GET', `accounts/demo/operations/${saved.body.operationId}`);
      expect(operation).toMatchObject({ state: 'failed', problem: { code: 'SECRET_UNREADABLE' } });
      expect(head(stack.repository)).toBe(before);
      expect((await api.request('GET', 'accounts/demo/entities/pipeline/moved')).status).toBe(404);
    });

    it('is told by the check', async () => {
      const answer = await api.request('POST', 'accounts/demo/connectors/delegated/check');
      expect(answer.status).toBe(422);
      expect(answer.body.code).toBe('SECRET_UNREADABLE');
    });
  });

  it('nothing of this was a fault of Sallyport’s own', () => {
    expect(stack.logs()).not.toContain('unexpected fault');
  });
});
