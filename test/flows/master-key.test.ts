// Rotating the master key while managers run: nobody ever meets a secret that cannot be opened, and what would make it so is refused.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Envelope } from '../../src/envelope/envelope.js';
import { SecretsRepository } from '../../src/secrets/secrets.repository.js';
import { Storage } from '../../src/storage/database.js';
import { eventually } from '../support/api.js';
import { sql } from '../support/database.js';
import {
  activeKey,
  did,
  doubtfulHeads,
  forgetSupersededWraps,
  keepSaving,
  keyFileOf,
  keysOf,
  masterKey,
  OtherManager,
  payloads,
  rotate,
  wrappedBy,
} from '../support/master-keys.js';
import { startManager } from '../support/processes.js';
import { Stack } from '../support/stack.js';

const direct = { connector: 'direct', branch: 'main' };

describe('two managers with key files of their own', () => {
  let stack: Stack;
  let other: OtherManager;
  let first = '';
  let second = '';
  beforeAll(async () => {
    stack = await Stack.start('real', { delegates: 0 });
    for (let n = 0; n < 120; n++)
      await stack.api.ok('PUT', `accounts/demo/secrets/many-${n}`, {
        manager: 'builtin',
        value: `value ${n}`,
      });
    // A version that is no longer the current one is a secret as well.
    await stack.api.ok('PUT', 'accounts/demo/secrets/many-0', { manager: 'builtin', value: 'another' });
    other = new OtherManager(stack);
    await other.start();
    first = await activeKey(stack);
  });
  afterAll(async () => {
    await other.process.kill();
    await stack.stop();
  });

  it('stage a key that wraps nothing, once', async () => {
    expect(await did(stack, ['stage'])).toMatch(/^Staged \S+\. Nothing is sealed with it yet/);
    const keys = keysOf(keyFileOf(stack));
    expect(keys.map(({ state }) => state)).toEqual(['active', 'staged']);
    second = keys[1]?.id ?? '';
    expect(await did(stack, ['stage'])).toContain(`${second} is staged already`);
    expect(keysOf(keyFileOf(stack))).toEqual(keys);
    expect(fs.statSync(keyFileOf(stack)).mode & 0o777).toBe(0o600);
    await stack.api.ok('PUT', 'accounts/demo/secrets/after-stage', { manager: 'builtin', value: 'x' });
    expect(await wrappedBy(stack)).toEqual({ [first]: 123 + 1 });
  });

  it('do not promote it while one of them lacks it, and say which', async () => {
    const { code, stderr } = await masterKey(stack, ['promote']);
    expect(code).toBe(1);
    expect(stderr).toContain(`managers run that do not have it: `);
    expect(stderr).toMatch(new RegExp(`have it: [^,\\n]+:${other.process.pid}\\nCopy the key file to them`));
    expect(await activeKey(stack)).toBe(first);
    expect(await did(stack, ['status'])).toMatch(
      new RegExp(`manager \\S+:${other.process.pid}  runs  LACKS ${second}\\n`),
    );
  });

  it('promote it, rewrap and retire the one before while saves go on and none fails', async () => {
    const before = await payloads(stack);
    const steady = keepSaving([stack.api, other.api]);
    other.copy();
    expect(await did(stack, ['promote'])).toMatch(new RegExp(`^${second} is the active key`));
    expect(await activeKey(stack)).toBe(second);
    expect(keysOf(keyFileOf(stack)).map(({ id, state }) => `${id} ${state}`)).toEqual([
      `${first} decrypt-only`,
      `${second} active`,
    ]);
    await other.api.ok('PUT', 'accounts/demo/secrets/after-promote', { manager: 'builtin', value: 'x' });
    expect((await wrappedBy(stack))[second]).toBeGreaterThan(0);
    // The managers do it by themselves; the command waits for the rest and does no harm beside them.
    await did(stack, ['rewrap']);
    expect(await wrappedBy(stack)).toEqual({ [second]: 125 });
    expect((await payloads(stack)).filter(({ secret_id }) => secret_id !== 'after-promote')).toEqual(before);

    const refused = await masterKey(stack, ['retire', first]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(
      /Cannot retire \S+: 123 superseded wrap\(s\) \(accounts\/demo\/secrets\/\S+, .*…\) depend on it/,
    );
    expect(await doubtfulHeads(stack)).toEqual([]);
    await forgetSupersededWraps(stack);
    expect(await did(stack, ['retire', first])).toContain(`Retired ${first}`);
    expect(keysOf(keyFileOf(stack)).map(({ id }) => id)).toEqual([second]);
    other.copy();

    const answers = await steady.stop();
    expect(answers.length).toBeGreaterThan(5);
    expect(answers.filter(({ status }) => status !== 201).map(({ text }) => text)).toEqual([]);
  });

  it('start and open everything with the new key alone', async () => {
    await stack.manager?.kill('SIGTERM');
    await other.process.kill('SIGTERM');
    await stack.startManager();
    await other.start();
    for (const api of [stack.api, other.api]) {
      const saved = await api.save('afterwards', `name: ${api.url}\n`, direct);
      expect(saved.status, saved.text).toBeLessThan(202);
    }
    expect(await did(stack, ['status'])).toMatch(
      new RegExp(
        `^${second}  active    since \\S+  needed by 124 secret version\\(s\\), the managers’ own keys`,
      ),
    );
  });
});

describe('a key that something depends on', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start('embedded', { delegates: 0 });
  });
  afterAll(() => stack.stop());

  it('is not retired while it is the active one', async () => {
    const { code, stderr } = await masterKey(stack, ['retire', await activeKey(stack)]);
    expect(code).toBe(1);
    expect(stderr).toContain('it is the active key\nPromote another key first');
  });

  it('is not retired under a name that no key has', async () => {
    const { code, stderr } = await masterKey(stack, ['retire', 'unknown']);
    expect(code).toBe(1);
    expect(stderr).toContain('Cannot retire unknown: neither database nor key file has it');
  });

  it('keeps the next rotation waiting while it is retained', async () => {
    const first = await activeKey(stack);
    await stack.manager?.kill('SIGTERM');
    const second = await rotate(stack);
    await did(stack, ['stage']);
    const early = await masterKey(stack, ['promote']);
    expect(early.code).toBe(1);
    expect(early.stderr).toMatch(
      new RegExp(
        `${first}, the key before the active one, is retained, and 1 secret version\\(s\\), the managers’ own keys \\(accounts/demo/secrets/git-direct\\) still depend on it`,
      ),
    );
    await did(stack, ['rewrap']);
    await forgetSupersededWraps(stack);
    const { stderr } = await masterKey(stack, ['promote']);
    expect(stderr).toContain(`Run npm run -s master-key -- retire ${first} first`);
    await did(stack, ['retire', first]);
    await did(stack, ['promote']);
    expect(await activeKey(stack)).not.toBe(second);
    await did(stack, ['rewrap']);
    await forgetSupersededWraps(stack);
    await did(stack, ['retire', second]);
  });

  it('is the same for two who promote at once, whichever key each of them staged', async () => {
    const first = await activeKey(stack);
    const files = ['a', 'b'].map((name) => `${keyFileOf(stack)}.${name}`);
    for (const file of files) {
      fs.copyFileSync(keyFileOf(stack), file);
      fs.chmodSync(file, 0o600);
      await did(stack, ['stage'], { file });
    }
    const staged = files.map((file) => keysOf(file).find(({ state }) => state === 'staged')?.id);
    const ends = await Promise.all(files.map((file) => masterKey(stack, ['promote'], { file })));
    expect(ends.filter(({ code }) => code === 0)).toHaveLength(1);
    const won = ends.findIndex(({ code }) => code === 0);
    expect(await activeKey(stack)).toBe(staged[won]);
    expect(ends[1 - won]?.stderr).toContain(`it lacks key ${staged[won]}`);
    // The one who lost holds a file that no manager may start with.
    fs.copyFileSync(files[won] as string, keyFileOf(stack));
    const again = await Promise.all([did(stack, ['rewrap']), did(stack, ['rewrap'])]);
    expect(again.join()).toContain('2 of 2 rewrapped');
    expect(Object.keys(await wrappedBy(stack))).toEqual([staged[won]]);
    expect(
      await sql(stack.databaseUrl, `select 1 from superseded_wrap where stored->>'keyId' = $1`, [first]),
    ).toHaveLength(1);
    await forgetSupersededWraps(stack);
    await did(stack, ['retire', first]);
  });

  it('takes no secret any more that was sealed with it before it was retired', async () => {
    const [row] = await sql<{ stored: Envelope }>(stack.databaseUrl, 'select stored from secret_version');
    const storage = new Storage(stack.databaseUrl);
    const stored = { ...(row?.stored as Envelope), version: randomUUID(), keyId: 'retired' };
    const late = { scope: 'accounts/demo', id: 'late', kind: 'text', keptBy: null, stored } as const;
    try {
      const putting = storage.transact((tx) => new SecretsRepository(storage).put(tx, late));
      await expect(putting).rejects.toMatchObject({ code: 'MASTER_KEY_RETIRED', disposition: 'retry' });
      expect(await sql(stack.databaseUrl, `select 1 from secret where id = 'late'`)).toEqual([]);
    } finally {
      await storage.close();
    }
  });

  it('cannot be deleted behind the command’s back', async () => {
    const key = await activeKey(stack);
    await expect(sql(stack.databaseUrl, 'delete from master_key where id = $1', [key])).rejects.toThrow(
      'violates foreign key constraint',
    );
  });
});

describe('a manager that was asleep while a key was promoted', () => {
  let stack: Stack;
  let other: OtherManager;
  beforeAll(async () => {
    stack = await Stack.start('real', { delegates: 0 });
    other = new OtherManager(stack);
    await other.start();
  });
  afterAll(async () => {
    await other.process.kill();
    await stack.stop();
  });

  it('lets what needs the key wait, says so, and goes on once the file is there', async () => {
    await did(stack, ['stage']);
    process.kill(other.process.pid, 'SIGSTOP');
    await eventually(
      async () => (await masterKey(stack, ['promote'])).code === 0,
      'the sleeper to be forgotten',
      60_000,
    );
    await did(stack, ['rewrap']);
    await stack.manager?.kill('SIGTERM');
    process.kill(other.process.pid, 'SIGCONT');
    await eventually(async () => /it lacks key/.test(other.process.output()), 'the manager to notice');
    expect((await other.api.ok('GET', 'health')).masterKeys).toMatchObject({
      up: false,
      why: expect.stringContaining('it lacks key'),
    });

    const saved = await other.api.save('asleep', 'name: asleep\n', direct, { prefer: 'wait=1' });
    expect(saved.status, saved.text).toBe(202);
    const path = `accounts/demo/operations/${saved.body.id}`;
    await eventually(async () => {
      const { waitsFor } = await other.api.ok('GET', path);
      return JSON.stringify(waitsFor ?? '').includes('is not in the key file of this manager');
    }, 'the save to say what it waits for');
    const put = await other.api.request('PUT', 'accounts/demo/secrets/asleep', {
      manager: 'builtin',
      value: 'x',
    });
    expect(put.body).toMatchObject({ status: 503, code: 'MASTER_KEY_MISSING' });

    other.copy();
    expect(await other.api.ended(saved.body.id)).toMatchObject({ state: 'succeeded' });
    await eventually(
      async () => /master keys are as they should be/.test(other.process.output()),
      'the manager to say that all is well',
    );
  });
});

describe('a key file', () => {
  let stack: Stack;
  let old = '';
  beforeAll(async () => {
    stack = await Stack.start('embedded', { delegates: 0 });
    old = fs.readFileSync(keyFileOf(stack), 'utf8');
    await did(stack, ['stage']);
    await did(stack, ['promote']);
    await did(stack, ['rewrap']);
  });
  afterAll(() => stack.stop());

  const said = () => stack.manager?.output() ?? '';
  const save = async (name: string) => {
    const saved = await stack.api.save('file', `name: ${name}\n`, direct);
    expect(saved.status, saved.text).toBeLessThan(202);
  };

  it('that is set back to an old copy is noticed, and takes nothing from the manager that runs', async () => {
    const good = fs.readFileSync(keyFileOf(stack));
    fs.writeFileSync(keyFileOf(stack), old);
    await eventually(async () => said().includes('from before a rotation'), 'the manager to notice');
    await save('set back');
    const refused = await masterKey(stack, ['stage']);
    expect(refused.stderr).toContain('from before a rotation');
    const outcome = await startManager({ env: stack.managerEnvironment() }).then(
      () => 'started',
      (error: Error) => error.message,
    );
    expect(outcome).toContain(
      `it lacks key ${await activeKey(stack)}, with which this database's secrets were made`,
    );
    expect(outcome).toContain('KEY_FILE_UNUSABLE');
    fs.writeFileSync(keyFileOf(stack), good);
  });

  it.each<[string, (good: string) => string]>([
    ['half copied', (good) => good.slice(0, good.length / 2)],
    ['empty', () => ''],
    ['of another key under the same name', (good) => good.replace(/"key":"[^"]{8}/g, '"key":"AAAAAAAA')],
  ])('that is %s takes nothing from the manager that runs', async (_, damage) => {
    const good = fs.readFileSync(keyFileOf(stack), 'utf8');
    const before = said().length;
    fs.writeFileSync(keyFileOf(stack), damage(good));
    await eventually(async () => said().slice(before).includes('KEY_FILE_UNUSABLE'), 'the manager to notice');
    await save(damage.toString());
    await stack.api.ok('PUT', 'accounts/demo/secrets/meanwhile', { manager: 'builtin', value: 'x' });
    fs.writeFileSync(keyFileOf(stack), good);
    await eventually(
      async () => said().slice(before).includes('master keys are as they should be'),
      'the manager to see it whole again',
    );
  });

  it('of another database is refused at the start', async () => {
    const file = `${keyFileOf(stack)}.other`;
    const env = { ...stack.managerEnvironment(), SALLYPORT_MASTER_KEY_FILE: file };
    await expect(startManager({ env })).rejects.toThrow(
      /it is another database's file, or one from before a rotation/,
    );
    expect((await masterKey(stack, ['stage'], { file })).code).toBe(1);
  });

  it('is never printed, whatever is asked', async () => {
    const { keys } = JSON.parse(fs.readFileSync(keyFileOf(stack), 'utf8')) as { keys: { key: string }[] };
    const all = [];
    for (const args of [['status'], ['stage'], ['promote'], ['rewrap'], ['retire', 'x'], ['show'], []])
      all.push(await masterKey(stack, args));
    const text = all.map(({ stdout, stderr }) => stdout + stderr).join('') + said();
    expect(all.slice(5).map(({ code }) => code)).toEqual([1, 1]);
    expect(text).toContain('Usage: npm run -s master-key -- status');
    for (const { key } of keys) expect(text).not.toContain(key);
  });
});

describe('wraps that were swapped', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start('embedded', { delegates: 0 });
    for (const id of ['one', 'two', 'three'])
      await stack.api.ok('PUT', `accounts/demo/secrets/${id}`, { manager: 'builtin', value: id });
  });
  afterAll(() => stack.stop());

  it('are not rewrapped but named, and the others are', async () => {
    await stack.manager?.kill('SIGTERM');
    const read = async () =>
      sql<{ secret_id: string; stored: Record<string, unknown> }>(
        stack.databaseUrl,
        `select secret_id, stored from secret_version where secret_id in ('one', 'two') order by secret_id`,
      );
    const [one, two] = await read();
    const set = (id: string, stored: unknown) =>
      sql(stack.databaseUrl, 'update secret_version set stored = $2 where secret_id = $1', [id, stored]);
    await set('one', { ...one?.stored, wrap: two?.stored.wrap });
    await set('two', { ...two?.stored, wrap: one?.stored.wrap });
    const swapped = await read();
    const first = await activeKey(stack);
    const second = await rotate(stack);
    const { code, stdout, stderr } = await masterKey(stack, ['rewrap']);
    expect(code).toBe(1);
    expect(stdout).toContain('3 of 5 rewrapped, 2 not');
    for (const id of ['one', 'two']) expect(stderr).toContain(`accounts/demo/secrets/${id} version`);
    expect(stderr).toContain('it was changed, or was made for another place');
    expect(await read()).toEqual(swapped);
    expect(await wrappedBy(stack)).toEqual({ [first]: 2, [second]: 3 });
  });
});
