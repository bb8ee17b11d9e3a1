// The way back where Git holds what a database does not, and where a branch is turned back, or gone, while somebody is at it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, eventually, type Json } from '../support/api.js';
import { sql } from '../support/database.js';
import { head, pushForeign } from '../support/repository.js';
import { Stack } from '../support/stack.js';

let stack: Stack;
let api: Api;
const connector = 'accounts/demo/connectors/direct';
const tracking = `${connector}/tracking`;

beforeAll(async () => {
  stack = await Stack.start('embedded', {
    settings: { SALLYPORT_POLL_FAST_SECONDS: '3600' },
    delegates: 0,
  });
  api = stack.api;
});
afterAll(() => stack.stop());

const stateOf = async (branch: string): Promise<Json> =>
  (await api.ok('GET', tracking)).followed.find((one: Json) => one.branch === branch);
const settled = (branch = 'main'): Promise<Json> =>
  eventually(async () => {
    const found = await stateOf(branch);
    return found?.state === 'current' && found.synced === head(stack.repository, branch) && found;
  }, `${branch} to be current`);

describe('a document whose fault is in no text that the database keeps', () => {
  beforeAll(async () => {
    await api.ok('PUT', 'accounts/demo/kinds/named', {
      pathTemplate: 'named/{id}.yaml',
      schema: { type: 'object', additionalProperties: { type: 'string' } },
      identity: { id: '/name' },
    });
    await api.ok('PUT', tracking, { files: [{ pattern: 'named/{id}.yaml', kind: 'named' }] });
  });

  it('is told of, and holds up nothing that was pushed with it', async () => {
    const half = 'x'.repeat(199);
    await pushForeign(stack.foreignUrl, {
      'named/a.yaml': 'name: a\n',
      'named/key.yaml': 'name: key\n"a\\0b": 5\n',
      'named/name.yaml': 'name: "a\\0b"\n',
      'named/long.yaml': `name: ${half}👍👍\n`,
      'named/twice.yaml': `name: twice\n${half.slice(120)}👍: a\n${half.slice(120)}👍: b\n`,
      'named/z.yaml': 'name: z\n',
    });
    await api.ok('POST', `${tracking}/poll`);
    await settled();
    const read = async (id: string): Promise<Json> =>
      (await api.ok('GET', `accounts/demo/entities/named/${id}?branch=main`)).invalid;
    expect(await read('a')).toBeNull();
    expect(await read('z')).toBeNull();
    const stored = await sql(
      stack.databaseUrl,
      `select id, invalid ->> 'code' as code, coalesce(invalid -> 'data' ->> 'found', invalid -> 'data' ->> 'problem',
         invalid -> 'data' -> 'problems' -> 0 ->> 'path') as text
       from entity where kind = 'named' and invalid is not null order by id`,
    );
    expect(stored.map(({ id, code, text }) => [id, code, text])).toEqual([
      ['key', 'ENTITY_INVALID', '/a\u2400b'],
      ['long', 'ENTITY_IDENTITY_MISMATCH', half],
      ['name', 'ENTITY_IDENTITY_MISMATCH', 'a\u2400b'],
      ['twice', 'YAML_REFUSED', `key ${JSON.stringify(half.slice(120))} stands twice in one mapping`],
    ]);
  });
});
