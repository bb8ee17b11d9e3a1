// What a delegate tells of the secrets it opened is its own word, and no more is believed of it than it can know.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { AuditRecord } from '../../src/contract/audit.js';
import { SecretAuditRepository } from '../../src/secrets/secret-audit.repository.js';
import { Storage } from '../../src/storage/database.js';
import { Api, type Json } from '../support/api.js';
import { enrolmentRequest } from '../support/seals.js';
import { Stack } from '../support/stack.js';

const ORG = 'accounts/demo/orgs/o';
const log = randomUUID();

let stack: Stack;
let storage: Storage;
let audit: SecretAuditRepository;
let source: { id: string; name: string; scope: string };

beforeAll(async () => {
  stack = await Stack.start('embedded', { delegates: 0 });
  await stack.api.ok('PUT', ORG, {});
  storage = new Storage(stack.databaseUrl);
  audit = new SecretAuditRepository(storage);
});
beforeEach(async () => {
  const { token } = await stack.api.ok('POST', `${ORG}/delegate-tokens`, { group: `g-${randomUUID()}` });
  const request = await enrolmentRequest(token, 'liar');
  const { body } = await new Api(stack.manager?.url ?? '', token).request('POST', 'enrolments', request);
  source = { id: body.delegate, name: 'liar', scope: ORG };
});
afterAll(async () => {
  await storage.close();
  await stack.stop();
});

const recordOf = (sequence: number, more: Partial<AuditRecord> = {}): AuditRecord => ({
  sequence,
  id: randomUUID(),
  at: Date.now(),
  task: 't',
  taskName: 'git.head',
  scope: ORG,
  secret: `s${sequence}`,
  version: randomUUID(),
  keyId: 'k',
  storeVersion: null,
  managerScope: null,
  manager: null,
  purpose: null,
  outcome: 'opened',
  code: null,
  ...more,
});
/** What it tells when it is asked now. */
const tell = async (
  records: AuditRecord[],
  more: Partial<{ log: string; after: number; latest: number }> = {},
) => {
  const asked = await audit.fetched(source.id);
  const latest = records.at(-1)?.sequence ?? 0;
  return audit.take(source, asked, { log, after: asked.sequence, records, latest, ...more });
};
const known = async (): Promise<Json[]> => {
  const { rows } = await audit.list({ scope: 'accounts', within: true, limit: 100 });
  return rows
    .filter((row) => row.opened_by === source.id)
    .map((row) => row.secret_id ?? row.note)
    .toReversed();
};

it('is put on record in its order', async () => {
  expect(await tell([recordOf(1), recordOf(2)])).toBeUndefined();
  expect(await tell([recordOf(3)])).toBeUndefined();
  expect(await known()).toEqual(['s1', 's2', 's3']);
  expect(await audit.fetched(source.id)).toMatchObject({ log, sequence: 3, fetchedAt: expect.any(Date) });
});

it('of secrets that it has nothing to do with is passed over, and told', async () => {
  const foreign = ['accounts/other', 'accounts/demo/orgs/p', `${ORG}x`];
  const told = [...foreign, 'accounts/demo', ORG, `${ORG}/projects/p`].map((scope, index) =>
    recordOf(index + 1, { scope }),
  );
  expect(await tell(told)).toMatch(/does not serve/);
  expect(await known()).toEqual(['s4', 's5', 's6']);
  expect(await audit.fetched(source.id)).toMatchObject({ sequence: 6 });
});

it.each([
  ['twice the same number', [1, 1]],
  ['backwards', [2, 1]],
])('in no order is not taken: %s', async (_, sequences) => {
  expect(await tell(sequences.map((sequence) => recordOf(sequence)))).toMatch(/no order/);
  expect(await known()).toEqual([]);
  expect(await audit.fetched(source.id)).toMatchObject({ log: null, sequence: 0 });
});

it('with numbers missing is on record with what is gone', async () => {
  await tell([recordOf(3), recordOf(4), recordOf(7)]);
  expect(await known()).toEqual([
    `records 1 to 2 of the delegate’s log ${log} are gone`,
    `records 5 to 6 of the delegate’s log ${log} are gone`,
    's3',
    's4',
    's7',
  ]);
});

it('from an earlier state of its log, or from another one, is on record, and nothing of it twice', async () => {
  const [one, two] = [recordOf(1), recordOf(2)];
  await tell([one, two]);
  await tell([one], { after: 0 });
  expect(await known()).toEqual(['s1', 's2', expect.stringMatching(/does not go on after record 2/)]);
  const other = randomUUID();
  await tell([recordOf(1)], { log: other, after: 0 });
  expect((await known()).slice(3)).toEqual([expect.stringMatching(/does not go on after record 1/), 's1']);
  expect(await audit.fetched(source.id)).toMatchObject({ log: other, sequence: 1 });
});

it('to two managers at once is put on record once', async () => {
  const records = [recordOf(1), recordOf(2)];
  const asked = await audit.fetched(source.id);
  const told = { log, after: 0, records, latest: 2 };
  await Promise.all(Array.from({ length: 5 }, () => audit.take(source, asked, told)));
  expect(await known()).toEqual(['s1', 's2']);
});

it('is not all there is where more is to come', async () => {
  await tell([recordOf(1)], { latest: 5 });
  expect((await audit.fetched(source.id)).fetchedAt).toBeNull();
});

it('is asked for by one manager in a while, of all delegates at once', async () => {
  const first = source.id;
  expect(await audit.claim([first], 60_000)).toEqual([first]);
  const { token } = await stack.api.ok('POST', `${ORG}/delegate-tokens`, { group: `g-${randomUUID()}` });
  const request = await enrolmentRequest(token, 'second');
  const { body } = await new Api(stack.manager?.url ?? '', token).request('POST', 'enrolments', request);
  const both = [first, body.delegate];
  const claims = await Promise.all(Array.from({ length: 5 }, () => audit.claim(both, 60_000)));
  expect(claims.flat()).toEqual([body.delegate]);
  expect(new Set(await audit.claim(both, 0))).toEqual(new Set(both));
  expect(await audit.claim([], 0)).toEqual([]);
  expect(await audit.claim([randomUUID()], 0)).toEqual([]);
});
