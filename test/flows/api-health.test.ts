// Whether Sallyport is up, and why not: with and without a token, and with a database that goes away.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { version } from '../../src/config/version.js';
import { contractOldest, contractVersion } from '../../src/contract/version.js';
import { Api, eventually } from '../support/api.js';
import { ApiDocument, DocumentedApi } from '../support/documented-api.js';
import { startManager } from '../support/processes.js';
import { Stack } from '../support/stack.js';
import { TcpLine } from '../support/tcp-line.js';

/** Which contract is spoken is no secret. */
const spoken = { contract: contractVersion, contractOldest };

describe('with a database that can be lost', () => {
  let stack: Stack;
  let line: TcpLine;
  /** A second manager, whose database is at the end of a line that can be cut. */
  let manager: Awaited<ReturnType<typeof startManager>>;
  let withToken: DocumentedApi;
  let anonymous: DocumentedApi;

  beforeAll(async () => {
    stack = await Stack.start('real');
    line = await TcpLine.open(stack.databaseUrl);
    const env = { ...stack.managerEnvironment(), DATABASE_URL: line.through(stack.databaseUrl) };
    manager = await startManager({ env });
    const document = await ApiDocument.read(stack.api);
    withToken = new DocumentedApi(manager.url, stack.token, document);
    anonymous = withToken.with('');
  });
  afterAll(async () => {
    await manager.kill();
    await line.cut();
    await stack.stop();
  });

  const health = (api: Api) => api.request('GET', 'health');

  it('says to anybody that it is up and which contract it speaks, and no more', async () => {
    const { status, body } = await health(anonymous);
    expect({ status, body }).toEqual({ status: 200, body: { up: true, ...spoken } });
  });

  it('says to a token how everything is that it depends on, and which delegates it has', async () => {
    const { status, body } = await health(withToken);
    expect(status).toBe(200);
    expect(body).toEqual({
      up: true,
      version,
      deployment: expect.any(String),
      ...spoken,
      database: { up: true, why: 'PostgreSQL answers' },
      queue: { up: true, why: 'Redis answers' },
      sweep: { up: true, why: expect.any(String) },
      masterKeys: { up: true, why: 'the key file has every master key' },
      delegates: [
        {
          name: expect.any(String),
          group: 'local',
          version: expect.any(String),
          alive: true,
          lastSeenAt: expect.any(String),
        },
      ],
    });
  });

  it('takes a token of any account', async () => {
    const other = new Api(manager.url, 'none');
    expect((await health(other)).status).toBe(401);
  });

  describe('while the database is away', () => {
    beforeAll(() => line.cut());
    afterAll(async () => {
      await line.mend();
      await eventually(async () => (await health(withToken)).status === 200, 'the database to be back');
    });

    it('is down: 503 to anybody', async () => {
      const { status, body } = await health(anonymous);
      expect({ status, body }).toEqual({ status: 503, body: { up: false, ...spoken } });
    });

    it('is down to a token, which is told what is missing and not where it lies', async () => {
      const { status, body, text } = await health(withToken);
      expect(status).toBe(503);
      expect(body).toEqual({
        up: false,
        ...spoken,
        database: { up: false, why: expect.stringContaining('PostgreSQL') },
      });
      expect(text).not.toContain(String(line.port));
    });

    it('answers every other request with 503 and when to try again, and gives no address away', async () => {
      const save = await withToken.save('lost', 'name: x\n', { connector: 'direct', branch: 'main' });
      const read = await withToken.request('GET', 'accounts/demo');
      const stranger = await withToken.with('no-token').request('GET', 'accounts/demo');
      for (const { status, headers, body, text } of [save, read, stranger]) {
        expect(status).toBe(503);
        expect(headers.get('retry-after')).toBe('1');
        expect(body).toMatchObject({
          code: 'DATABASE_UNAVAILABLE',
          hint: expect.stringContaining('try again'),
        });
        expect(text).not.toContain(String(line.port));
      }
      expect((await anonymous.request('GET', 'accounts/demo')).status).toBe(401);
    });
  });

  it('is up again with the database, and has accepted nothing meanwhile', async () => {
    expect((await health(anonymous)).body).toEqual({ up: true, ...spoken });
    expect((await withToken.request('GET', 'accounts/demo/entities/pipeline/lost')).status).toBe(404);
    expect((await withToken.ok('GET', 'accounts/demo/operations')).operations).toEqual([]);
    const saved = await withToken.save('found', 'name: x\n', { connector: 'direct', branch: 'main' });
    expect(saved.status, saved.text).toBe(201);
  });

  it('names a delegate that is gone as not alive', async () => {
    await stack.delegates[0]?.kill('SIGTERM');
    const { delegates } = await eventually(async () => {
      const { body } = await health(withToken);
      return body.delegates.every(({ alive }: { alive: boolean }) => !alive) && body;
    }, 'the delegate to be known as gone');
    expect(delegates).toHaveLength(1);
    expect((await health(withToken)).body.up).toBe(true);
  });
});
