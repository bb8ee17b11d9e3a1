// A key file that changes under a running process: new keys arrive, and nothing that was read once is lost.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeKey, readKeyFile, replaceKeys } from '../../../src/envelope/key-file.js';
import { LiveKeyRing } from '../../../src/envelope/live-key-ring.js';
import { failureOf } from '../support/refusals.js';

let folder = '';
let file = '';
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-live-'));
  file = path.join(folder, 'master-key.json');
});
afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

const open = () => new LiveKeyRing(file, { createIfMissing: true });

/** Adds a staged key to the file, as another process would. */
function stage(): string {
  const fresh = makeKey('staged');
  replaceKeys(file, [...readKeyFile(file).keys, fresh]);
  return fresh.id;
}

describe('a live key ring', () => {
  it('finds a key that came into the file, without being told', () => {
    const ring = open();
    const before = ring.labelled;
    const staged = stage();
    expect(ring.find(staged)?.export().toString('base64url')).toBe(readKeyFile(file).keys[1]?.key);
    expect(ring.labelled).toBe(before);
    expect(ring.refresh()).toEqual({ ids: [before, staged], fault: undefined });
  });

  it('finds nothing of a name that no key has', () => {
    const ring = open();
    expect(ring.find('unknown')).toBeUndefined();
    expect(ring.find('__proto__')).toBeUndefined();
  });

  it('is not made of a file that cannot be used', () => {
    fs.writeFileSync(file, '{}', { mode: 0o600 });
    expect(failureOf(open).code).toBe('KEY_FILE_UNUSABLE');
    fs.rmSync(file);
    expect(failureOf(() => new LiveKeyRing(file, { createIfMissing: false })).code).toBe('KEY_FILE_UNUSABLE');
  });

  const damages: [string, () => void, RegExp][] = [
    ['is torn', () => fs.truncateSync(file, 100), /it is not JSON/],
    ['is empty', () => fs.truncateSync(file), /it is not JSON/],
    ['is gone', () => fs.rmSync(file), /it does not exist/],
    ['may be read by others', () => fs.chmodSync(file, 0o640), /its mode is 640/],
    ['is a folder', () => fs.rmSync(file) ?? fs.mkdirSync(file), /it is not a regular file/],
  ];
  it.each(damages)(
    'keeps its keys where the file %s, says why, and reads it once it is whole',
    (_, damage, reason) => {
      const ring = open();
      const staged = stage();
      const ids = ring.refresh().ids;
      const good = fs.readFileSync(file);
      damage();
      const { ids: usable, fault } = ring.refresh();
      expect(usable).toEqual([]);
      expect(fault?.message).toMatch(reason);
      for (const id of ids) expect(ring.find(id)).toBeDefined();
      fs.rmSync(file, { recursive: true, force: true });
      fs.writeFileSync(file, good, { mode: 0o600 });
      expect(ring.refresh()).toEqual({ ids, fault: undefined });
      expect(ids).toContain(staged);
    },
  );

  it('keeps what an old copy of the file lacks, and says that the file lacks it', () => {
    const ring = open();
    const old = fs.readFileSync(file);
    const staged = stage();
    ring.refresh();
    fs.writeFileSync(file, old);
    expect(ring.refresh().ids).not.toContain(staged);
    expect(ring.find(staged)).toBeDefined();
  });

  it('lets go of a key that is in the file no more and that nobody needs', () => {
    const ring = open();
    const staged = stage();
    ring.refresh();
    replaceKeys(file, readKeyFile(file).keys.slice(0, 1));
    ring.keep([staged]);
    expect(ring.find(staged)).toBeDefined();
    ring.refresh();
    ring.keep([]);
    expect(ring.find(staged)).toBeUndefined();
    expect(ring.find(ring.labelled)).toBeDefined();
  });
});
