import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeKey, openKeyFile, readKeyFile, replaceKeys } from '../../../src/envelope/key-file.js';
import { failureOf } from '../support/refusals.js';

let folder = '';
let file = '';

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-keys-'));
  file = path.join(folder, 'master-key.json');
});

afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

interface Entry {
  id: string;
  created: string;
  state: string;
  key: string;
}

const idOf = (key: Buffer): string =>
  createHash('sha256').update('sallyport key id').update(key).digest('base64url').slice(0, 16);

function entry(more: Partial<Entry> = {}, key = randomBytes(32)): Entry {
  const created = '2026-01-01T00:00:00.000Z';
  return { id: idOf(key), created, state: 'active', key: key.toString('base64url'), ...more };
}

const write = (content: unknown, mode = 0o600): void => {
  fs.writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  fs.chmodSync(file, mode);
};
const writeKeys = (...keys: unknown[]): void => write({ format: 'sallyport-keys-1', keys });
const open = (createIfMissing = false) => openKeyFile(file, { createIfMissing });

/** Why the file is not used. Nothing of its keys may be told. */
function refusalOf(createIfMissing = false): string {
  const failure = failureOf(() => open(createIfMissing));
  expect(failure).toMatchObject({ code: 'KEY_FILE_UNUSABLE', data: { file } });
  return (failure.data as { reason: string }).reason;
}

describe('a key file that is missing', () => {
  it('is an error where it has to be there, and is not made', () => {
    expect(refusalOf()).toBe('it does not exist');
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  it('is made where it may be: one active key, for its owner alone', () => {
    const ring = open(true);
    const content = JSON.parse(fs.readFileSync(file, 'utf8')) as { format: string; keys: Entry[] };
    expect(content.format).toBe('sallyport-keys-1');
    expect(content.keys).toHaveLength(1);
    expect(content.keys[0]).toMatchObject({ id: ring.active.id, state: 'active' });
    expect(Buffer.from(content.keys[0]?.key ?? '', 'base64url')).toHaveLength(32);
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    expect(fs.readdirSync(folder)).toEqual(['master-key.json']);
  });

  it('is made with its folders', () => {
    file = path.join(folder, 'not/yet/there.json');
    expect(open(true).active.id).toHaveLength(16);
  });

  it('is made with another key every time', () => {
    const first = open(true).active.id;
    fs.rmSync(file);
    expect(open(true).active.id).not.toBe(first);
  });

  it('cannot be made below a file', () => {
    write('');
    file = path.join(file, 'below.json');
    expect(refusalOf(true)).toMatch(/^it cannot be looked at: ENOTDIR/);
  });

  it('is made once by several processes that start at the same time', async () => {
    const module = pathToFileURL(path.resolve('dist/src/envelope/key-file.js')).href;
    const script = `
      import { openKeyFile } from ${JSON.stringify(module)};
      // As close together as processes can be: all go on when the clock says so.
      const until = Number(process.argv[2]);
      while (Date.now() < until);
      console.log(openKeyFile(process.argv[1], { createIfMissing: true }).active.id);`;
    const start = promisify(execFile);
    const until = String(Date.now() + 700);
    const runs = [1, 2, 3, 4].map(() =>
      start(process.execPath, ['--input-type=module', '-e', script, file, until]),
    );
    const ids = (await Promise.all(runs)).map(({ stdout }) => stdout.trim());
    expect(new Set(ids)).toEqual(new Set([open().active.id]));
    expect(fs.readdirSync(folder)).toEqual(['master-key.json']);
  });

  it('that somebody else makes meanwhile is used as it is', () => {
    const theirs = entry();
    const mkdir = fs.mkdirSync;
    // Between the look and the making, another process is done.
    fs.mkdirSync = ((...given: Parameters<typeof mkdir>) => {
      writeKeys(theirs);
      return mkdir(...given);
    }) as typeof mkdir;
    try {
      expect(open(true).active.id).toBe(theirs.id);
    } finally {
      fs.mkdirSync = mkdir;
    }
    expect(fs.readdirSync(folder)).toEqual(['master-key.json']);
  });
});

describe('a key file', () => {
  it('gives its active key, and finds all by their ids', () => {
    const [old, now] = [entry({ state: 'decrypt-only' }), entry()];
    writeKeys(old, now);
    const ring = open();
    expect(ring.active.id).toBe(now.id);
    for (const { id, key } of [old, now]) expect(ring.find(id)?.export().toString('base64url')).toBe(key);
    expect(ring.find('another')).toBeUndefined();
    expect(ring.find('__proto__')).toBeUndefined();
  });

  it('is opened again as it was made', () => {
    const { active } = open(true);
    const again = open(true);
    expect(again.active.id).toBe(active.id);
    expect(again.active.key.equals(active.key)).toBe(true);
  });

  it.each(['600', '400'])('may have mode %s', (mode) => {
    writeKeys(entry());
    fs.chmodSync(file, mode);
    expect(open().active.id).toHaveLength(16);
  });

  it.each(['640', '604', '660', '644', '666', '610', '601', '777'])('may not have mode %s', (mode) => {
    writeKeys(entry());
    fs.chmodSync(file, mode);
    expect(refusalOf()).toBe(`its mode is ${mode}, not 600`);
    expect(refusalOf(true)).toBe(`its mode is ${mode}, not 600`);
  });

  it('may not belong to somebody else', () => {
    writeKeys(entry());
    const { getuid } = process;
    process.getuid = () => (getuid?.() ?? 0) + 1;
    try {
      expect(refusalOf()).toBe('it belongs to another user');
    } finally {
      Object.assign(process, { getuid });
    }
  });

  it('may not be a link, wherever it leads', () => {
    const target = path.join(folder, 'target.json');
    fs.symlinkSync(target, file);
    expect(refusalOf(true)).toBe('it is not a regular file');
    writeKeys(entry());
    expect(refusalOf(true)).toBe('it is not a regular file');
  });

  it('may not be a folder', () => {
    fs.mkdirSync(file, { mode: 0o700 });
    expect(refusalOf(true)).toBe('it is not a regular file');
  });
});

describe('a staged key', () => {
  it('is found, and is not what new secrets are sealed with', () => {
    const [now, next] = [entry(), entry({ state: 'staged' })];
    writeKeys(next, now);
    expect(open().active.id).toBe(now.id);
    expect(open().find(next.id)?.export().toString('base64url')).toBe(next.key);
    expect(open().ids).toEqual([next.id, now.id]);
  });

  it('has no second beside it', () => {
    writeKeys(entry(), entry({ state: 'staged' }), entry({ state: 'staged' }));
    expect(refusalOf()).toBe('it has more than one staged key');
  });

  it('is not enough', () => {
    writeKeys(entry({ state: 'staged' }));
    expect(refusalOf()).toBe('it does not have exactly one active key');
  });
});

describe('replacing the keys of a file', () => {
  it('leaves one whole file, for its owner alone', () => {
    open(true);
    const keys = [...readKeyFile(file).keys, makeKey('staged')];
    replaceKeys(file, keys);
    expect(readKeyFile(file).keys).toEqual(keys);
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    expect(fs.readdirSync(folder)).toEqual(['master-key.json']);
  });

  it('leaves the file as it was where the new keys would not do', () => {
    open(true);
    const before = fs.readFileSync(file, 'utf8');
    for (const keys of [[], [makeKey('staged')], [makeKey('active'), makeKey('active')]])
      expect(failureOf(() => replaceKeys(file, keys)).code).toBe('KEY_FILE_UNUSABLE');
    expect(fs.readFileSync(file, 'utf8')).toBe(before);
    expect(fs.readdirSync(folder)).toEqual(['master-key.json']);
  });

  it('leaves the file as it was where the new one cannot be written', () => {
    open(true);
    const before = fs.readFileSync(file, 'utf8');
    const { fsyncSync } = fs;
    fs.fsyncSync = () => {
      throw new Error('ENOSPC: no space left on device');
    };
    try {
      expect(failureOf(() => replaceKeys(file, [makeKey('active')])).message).toContain('ENOSPC');
    } finally {
      fs.fsyncSync = fsyncSync;
    }
    expect(fs.readFileSync(file, 'utf8')).toBe(before);
    expect(fs.readdirSync(folder)).toEqual(['master-key.json']);
  });
});

describe('the content of a key file', () => {
  const [one, two] = [entry(), entry()];
  const key = randomBytes(32);
  const shapes: [string, unknown][] = [
    ['another format', { format: 'sallyport-keys-2', keys: [one] }],
    ['no format', { keys: [one] }],
    ['no keys', { format: 'sallyport-keys-1', keys: [] }],
    ['more than it may', { format: 'sallyport-keys-1', keys: [one], more: 1 }],
    ['a key with more than it may', { format: 'sallyport-keys-1', keys: [{ ...one, more: 1 }] }],
    ['a key without its bytes', { format: 'sallyport-keys-1', keys: [{ ...one, key: undefined }] }],
    ['a key of an unknown state', { format: 'sallyport-keys-1', keys: [{ ...one, state: 'retired' }] }],
    ['a list', [one]],
    ['null', null],
  ];
  it.each(shapes)('is refused with %s', (_, content) => {
    write(content);
    expect(refusalOf()).toBe('it is not a sallyport-keys-1 file');
  });

  it.each(['', 'key', '{"format": "sallyport-keys-1"', '\ufeff{}'])(
    'is refused where it is no JSON: %j',
    (content) => {
      write(content);
      expect(refusalOf()).toBe('it is not JSON');
    },
  );

  it.each<[string, Entry[]]>([
    ['two active keys', [one, two]],
    ['no active key', [{ ...one, state: 'decrypt-only' }]],
    ['the same key active twice', [one, one]],
  ])('is refused with %s', (_, keys) => {
    writeKeys(...keys);
    expect(refusalOf()).toBe('it does not have exactly one active key');
  });

  it('is refused with an id that is not that of its key', () => {
    writeKeys({ ...one, id: two.id });
    expect(refusalOf()).toBe(`key ${two.id} is not the key of that id`);
    writeKeys(one, { ...two, state: 'decrypt-only', key: one.key });
    expect(refusalOf()).toBe(`key ${two.id} is not the key of that id`);
  });

  it.each([0, 16, 31, 33, 64])('is refused with a key of %i bytes', (length) => {
    const odd = randomBytes(length);
    writeKeys(entry({}, odd));
    expect(refusalOf()).toBe(`key ${idOf(odd)} does not have 32 bytes`);
  });

  it('is never told in a refusal', () => {
    const secret = key.toString('base64url');
    for (const content of [`not JSON ${secret}`, { format: 'x', keys: [entry({}, key)] }]) {
      write(content);
      const failure = failureOf(() => open());
      expect(JSON.stringify([failure.message, failure.toWire(), failure.stack])).not.toContain(secret);
      expect(failure.cause).toBeUndefined();
    }
  });
});
