import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AuditEntry, AuditFile, type AuditLimits } from '../../../workers/runtime/audit-file.js';
import { failureFrom } from '../support/refusals.js';

let folder = '';
let file = '';
const opened: AuditFile[] = [];
const losses: [number, number][] = [];
const open = (limits: Partial<AuditLimits> = {}): AuditFile => {
  const audit = new AuditFile(folder, (from, to) => losses.push([from, to]), limits);
  opened.push(audit);
  return audit;
};

beforeEach(() => {
  folder = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-audit-')), 'data');
  file = path.join(folder, 'audit.log');
});
afterEach(async () => {
  for (const audit of opened.splice(0)) await audit.close();
  losses.splice(0);
  fs.rmSync(path.dirname(folder), { recursive: true, force: true });
});

const entryOf = (secret: string): AuditEntry => ({
  task: randomUUID(),
  taskName: 'git.head',
  scope: 'accounts/a',
  secret,
  version: randomUUID(),
  keyId: 'k1',
  storeVersion: null,
  managerScope: null,
  manager: null,
  purpose: null,
  outcome: 'opened',
  code: null,
});
const append = async (audit: AuditFile, ...secrets: string[]): Promise<void> => {
  for (const secret of secrets) await audit.append(entryOf(secret));
};
/** Some entries in turn, each with a piece of its own where pieces are that small. */
const many = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `s${from + index}`);
const linesOf = (): string[] => fs.readFileSync(file, 'utf8').split('\n').filter(Boolean);
const tellAll = async (audit: AuditFile, after = 0, log: string | null = null, max = 1_000) => {
  const { records, ...rest } = await audit.tell({ log, after, max });
  return { ...rest, told: records.map(({ sequence, secret }) => `${sequence} ${secret}`) };
};

describe('a file of records', () => {
  it('has each on disk before it says so, under the next number', async () => {
    const audit = open();
    await append(audit, 'one', 'two');
    const [head, one, two, ...more] = linesOf().map((line) => JSON.parse(line));
    expect(head).toMatchObject({ format: 'sallyport-audit-1', from: 1 });
    expect([one.sequence, one.secret, two.sequence, two.secret]).toEqual([1, 'one', 2, 'two']);
    expect(more).toEqual([]);
  });

  it('is its owner’s alone', async () => {
    await append(open(), 'one');
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    expect(fs.readdirSync(folder)).toEqual(['audit.log']);
  });

  it('counts on after a restart, in the same log', async () => {
    await append(open(), 'one');
    const { log } = await tellAll(open());
    const again = open();
    await append(again, 'two');
    expect(await tellAll(again)).toEqual({ log, after: 0, latest: 2, told: ['1 one', '2 two'] });
  });

  it('numbers what comes at once in a row', async () => {
    const audit = open();
    await Promise.all(many(1, 50).map((secret) => append(audit, secret)));
    expect((await tellAll(audit)).told).toEqual(many(1, 50).map((secret, index) => `${index + 1} ${secret}`));
    expect((await tellAll(open())).told).toHaveLength(50);
  });

  it('tells what follows a number, so many at once', async () => {
    const audit = open();
    await append(audit, ...many(1, 5));
    const { log } = await tellAll(audit);
    expect((await tellAll(audit, 2, log)).told).toEqual(['3 s3', '4 s4', '5 s5']);
    expect(await tellAll(audit, 2, log, 2)).toEqual({ log, after: 2, latest: 5, told: ['3 s3', '4 s4'] });
    expect((await tellAll(audit, 5, log)).told).toEqual([]);
  });

  it.each([
    ['of another log', 1, randomUUID()],
    ['that is of no log', 1, null],
    ['that is not there yet', 9, 'same'],
  ])('tells all from the start after a number %s', async (_, after, log) => {
    const audit = open();
    await append(audit, 'one', 'two');
    const own = (await tellAll(audit)).log;
    expect(await tellAll(audit, after, log === 'same' ? own : log)).toMatchObject({
      after: 0,
      told: ['1 one', '2 two'],
    });
  });
});

describe('what is wrong with the file', () => {
  it.each(['{"sequence":2,"id":"', '{"sequence":2}', ' '])(
    'a last line that was cut off goes, and its number is free: %s',
    async (torn) => {
      await append(open(), 'one');
      fs.appendFileSync(file, torn);
      const again = open();
      await append(again, 'two');
      expect((await tellAll(again)).told).toEqual(['1 one', '2 two']);
      expect(linesOf()).toHaveLength(3);
    },
  );

  it('a line that was damaged in the middle costs that line alone, and its number tells of it', async () => {
    await append(open(), 'one', 'two', 'three');
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('"two"', '"two'));
    const again = open();
    await append(again, 'four');
    expect((await tellAll(again)).told).toEqual(['1 one', '3 three', '4 four']);
  });

  it('another writer is noticed before the next record', async () => {
    const [one, other] = [open(), open()];
    await append(one, 'one');
    await append(other, 'two');
    await append(one, 'three');
    expect((await tellAll(other)).told).toEqual(['1 one', '2 two', '3 three']);
  });

  it('what was taken away is followed by another log', async () => {
    const audit = open();
    await append(audit, 'one');
    const { log } = await tellAll(audit);
    fs.rmSync(file);
    await append(audit, 'two');
    const { log: next, told } = await tellAll(audit);
    expect(told).toEqual(['1 two']);
    expect(next).not.toBe(log);
  });

  it.each<[string, () => void, RegExp]>([
    ['a folder', () => fs.mkdirSync(file), /EISDIR|directory/],
    ['a link', () => fs.symlinkSync('/dev/null', file), /ELOOP/],
    ['open to others', () => fs.writeFileSync(file, '', { mode: 0o644 }), /its mode is 644/],
    ['something else', () => fs.writeFileSync(file, 'hello\n', { mode: 0o600 }), /not what this version/],
  ])(
    'nothing is put on record where it is %s, and all is well once that is mended',
    async (_, spoil, reason) => {
      const audit = open();
      fs.mkdirSync(folder);
      spoil();
      const failure = { code: 'SECRET_AUDIT_UNWRITABLE', message: expect.stringMatching(reason) };
      expect(await failureFrom(audit.append(entryOf('one')))).toMatchObject(failure);
      expect(await failureFrom(audit.prepare())).toMatchObject(failure);
      fs.rmSync(file, { recursive: true });
      await append(audit, 'two');
      expect((await tellAll(audit)).told).toEqual(['1 two']);
    },
  );

  it('one that is spoiled while it is in use takes no record', async () => {
    const audit = open();
    await append(audit, 'one');
    fs.renameSync(file, `${file}.away`);
    fs.mkdirSync(file);
    expect(await failureFrom(audit.append(entryOf('two')))).toMatchObject({
      code: 'SECRET_AUDIT_UNWRITABLE',
    });
    fs.rmdirSync(file);
    fs.renameSync(`${file}.away`, file);
    await append(audit, 'three');
    expect((await tellAll(audit)).told).toEqual(['1 one', '2 three']);
  });
});

describe('a file that has grown', () => {
  const small = { pieceBytes: 600, piecesKept: 2, piecesMax: 4 };

  it('goes on in another piece of the same log, and tells of all', async () => {
    const audit = open(small);
    await append(audit, ...many(1, 6));
    expect(fs.readdirSync(folder).length).toBeGreaterThan(2);
    const { log, told } = await tellAll(open(small));
    await append(audit, 's7');
    const again = open(small);
    let [after, all] = [0, [] as string[]];
    for (let page = await tellAll(again, after, log, 2); page.told.length > 0; ) {
      all = [...all, ...page.told];
      after = Number(page.told.at(-1)?.split(' ')[0]);
      page = await tellAll(again, after, log, 2);
    }
    expect(told.length).toBeGreaterThan(0);
    expect(all).toEqual(many(1, 7).map((secret, index) => `${index + 1} ${secret}`));
  });

  it('goes on where it was cut off between two pieces', async () => {
    await append(open(), ...many(1, 3));
    const { log } = await tellAll(open());
    fs.renameSync(file, `${file}.1`);
    const again = open();
    await append(again, 's4');
    expect(await tellAll(again, 3, log)).toEqual({ log, after: 3, latest: 4, told: ['4 s4'] });
    expect((await tellAll(open(), 2, log)).told).toEqual(['3 s3']);
  });

  it('keeps what no manager has, until there is far too much; then what goes is told', async () => {
    const audit = open(small);
    await append(audit, ...many(1, 4));
    expect(losses).toEqual([]);
    await append(audit, ...many(5, 40));
    expect(fs.readdirSync(folder).length).toBeLessThanOrEqual(small.piecesMax + 1);
    expect(losses[0]?.[0]).toBe(1);
    const { told } = await tellAll(open(small));
    expect(Number(told[0]?.split(' ')[0])).toBe((losses.at(-1)?.[1] ?? 0) + 1);
  });

  it('lets go of old pieces that its manager has, and of no newer ones', async () => {
    const audit = open(small);
    await append(audit, ...many(1, 4));
    const { log, latest } = await tellAll(audit);
    await audit.tell({ log, after: latest, max: 1 });
    await append(audit, ...many(5, 8));
    expect(losses).toEqual([]);
    expect(fs.existsSync(`${file}.1`)).toBe(false);
    expect(fs.readdirSync(folder).length).toBeGreaterThanOrEqual(small.piecesKept + 1);
    expect((await tellAll(open(small), 4, log)).told[0]).toBe('5 s5');
  });

  it('does not let go of more because a manager claims to have what is not there', async () => {
    const audit = open({ ...small, piecesMax: 100 });
    await append(audit, ...many(1, 3));
    const { log } = await tellAll(audit);
    await audit.tell({ log, after: 1_000, max: 1 });
    await append(audit, ...many(4, 12));
    expect(fs.existsSync(`${file}.1`)).toBe(true);
  });
});
