// What is recorded of delegates, as a fact of the database: whatever order words and wishes come in.
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import type { PresenceClaims } from '../../src/contract/presence.js';
import { DelegatesRepository } from '../../src/delegates/delegates.repository.js';
import { GroupsRepository } from '../../src/delegates/groups.repository.js';
import { ScopesRepository } from '../../src/scopes/scopes.repository.js';
import { Storage } from '../../src/storage/database.js';
import type { DelegateState } from '../../src/storage/schema.js';
import { newId } from '../support/redis-users.js';
import { createDatabase } from '../support/stack.js';

const scope = 'accounts/demo';
const ROUNDS = 40;
const self = {
  name: 'd',
  version: '0.1.0',
  contract: 1,
  contractOldest: 1,
  tags: [],
  tasksMax: 1,
  capabilities: { nativeGit: false, gitAllowed: null },
};

describe.each([
  ['embedded', 'embeddedPostgres'],
  ['real', 'realPostgres'],
] as const)('on the %s PostgreSQL', (_, server) => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let storage: Storage;
  let delegates: DelegatesRepository;
  let groupId: string;
  let id: string;
  beforeAll(async () => {
    database = await createDatabase(inject(server));
    storage = new Storage(database.url);
    await storage.migrate();
    delegates = new DelegatesRepository(storage);
    const groups = new GroupsRepository(storage);
    await new ScopesRepository(storage).put(scope, 'demo');
    groupId = (await storage.transact((tx) => groups.ensure(tx, scope, 'local'))).id;
  });
  afterAll(async () => {
    await storage.close();
    await database.drop();
  });
  beforeEach(async () => {
    id = await enrol();
  });

  const enrol = (): Promise<string> => {
    const fresh = newId('d');
    const keys = { identityKey: fresh, sealingKey: fresh, passwordHash: null };
    return storage.transact((tx) =>
      delegates.enrol(tx, { id: fresh, groupId, self: { ...self, name: fresh }, ...keys }),
    );
  };
  const say = (said: PresenceClaims['said'], process: string, saidAt: number, running = 0): Promise<void> =>
    delegates.heard(
      { delegate: id, said, process, saidAt },
      { self, running, lastFault: null, wantsGroupKeys: null },
    );
  const found = async () => {
    const { said, process, running, alive } = (await delegates.find(id)) ?? {};
    return { said, process, running, alive };
  };

  it('an older word says nothing after a newer one, nor the same one again', async () => {
    await say('hello', 'first', 100);
    await say('heartbeat', 'first', 300, 3);
    await say('heartbeat', 'first', 200, 2);
    await say('goodbye', 'first', 300);
    expect(await found()).toEqual({ said: 'heartbeat', process: 'first', running: 3, alive: true });
    await say('goodbye', 'first', 400);
    await say('heartbeat', 'first', 350, 1);
    expect(await found()).toMatchObject({ said: 'goodbye', alive: false });
  });

  it('the end of an earlier process is not the end of the next one', async () => {
    await say('hello', 'first', 100);
    await say('hello', 'second', 200);
    await say('goodbye', 'first', 300);
    await say('draining', 'first', 310);
    await say('heartbeat', 'first', 320, 5);
    expect(await found()).toEqual({ said: 'hello', process: 'second', running: 0, alive: true });
    await say('heartbeat', 'second', 250, 1);
    await say('hello', 'first', 150);
    expect(await found()).toEqual({ said: 'heartbeat', process: 'second', running: 1, alive: true });
  });

  it('the newest word stands, whichever of many comes first', async () => {
    await say('hello', 'first', 1);
    for (let round = 1; round <= ROUNDS; round += 1) {
      const base = round * 100;
      const words = [1, 2, 3, 4, 5, 6].map((n) => say('heartbeat', 'first', base + n, n));
      await Promise.all(words);
      expect(await found()).toMatchObject({ running: 6 });
    }
  });

  it('who is revoked stays so, whatever else is wanted at the same moment', async () => {
    const set = (id: string, state: DelegateState) =>
      storage.transact((tx) => delegates.setState(tx, { scope, id, state }));
    for (let round = 0; round < ROUNDS; round += 1) {
      const one = await enrol();
      const wishes = (['enabled', 'disabled', 'draining', 'enabled'] as const).map(
        (state) => () => set(one, state),
      );
      wishes.splice(round % (wishes.length + 1), 0, () => set(one, 'revoked'));
      const ended = await Promise.allSettled(wishes.map((wish) => wish()));
      expect(ended[round % wishes.length]?.status).toBe('fulfilled');
      const refusals = ended.flatMap((outcome) =>
        outcome.status === 'rejected' ? [outcome.reason.code] : [],
      );
      expect(refusals.filter((code) => code !== 'NOT_FOUND')).toEqual([]);
      expect((await delegates.find(one))?.state).toBe('revoked');
      await expect(set(one, 'enabled')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
  });
});
