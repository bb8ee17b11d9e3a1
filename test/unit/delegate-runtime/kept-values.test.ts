import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { StoreReference } from '../../../src/envelope/secret-manager.js';
import type { ValuePlace } from '../../../src/sealing/client-sealing.js';
import { KeptValues } from '../../../workers/runtime/kept-values.js';

let folder = '';
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-kept-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

const reference = (): StoreReference => ({
  format: 'sallyport-reference-1',
  version: randomUUID(),
  path: 'a/b',
  field: null,
  storeVersion: '3',
});
const placeOf = ({ version }: StoreReference, more: Partial<ValuePlace> = {}): ValuePlace => ({
  scope: 'accounts/a',
  secret: 's',
  version,
  managerScope: 'accounts/a',
  manager: 'kv',
  expiresAt: 4_000_000_000_000,
  ...more,
});

it('what was kept is known, after a restart too', () => {
  const [one, two] = [reference(), reference()];
  const kept = new KeptValues(folder);
  expect(kept.find(placeOf(one))).toBeUndefined();
  kept.note(placeOf(one), one);
  kept.note(placeOf(two), two);
  expect(kept.find(placeOf(one))).toEqual(one);
  const again = new KeptValues(folder);
  expect([again.find(placeOf(one)), again.find(placeOf(two))]).toEqual([one, two]);
});

it('what has expired is forgotten', () => {
  const [old, fresh] = [reference(), reference()];
  const past = { expiresAt: Date.now() - 1 };
  const kept = new KeptValues(folder);
  kept.note(placeOf(old, past), old);
  kept.note(placeOf(fresh), fresh);
  expect(kept.find(placeOf(old, past))).toBeUndefined();
  expect(fs.readFileSync(path.join(folder, 'kept-values'), 'utf8')).not.toContain(old.version);
  expect(new KeptValues(folder).find(placeOf(fresh))).toEqual(fresh);
});

it('a line that is damaged costs that line alone', () => {
  const one = reference();
  new KeptValues(folder).note(placeOf(one), one);
  fs.appendFileSync(path.join(folder, 'kept-values'), '{"version":"x\n\n{}\n');
  expect(new KeptValues(folder).find(placeOf(one))).toEqual(one);
});

it('is readable by its owner alone', () => {
  const one = reference();
  new KeptValues(folder).note(placeOf(one), one);
  expect(fs.statSync(path.join(folder, 'kept-values')).mode & 0o777).toBe(0o600);
});

it('is of one place alone, whoever else uses its version', () => {
  const one = reference();
  const kept = new KeptValues(folder);
  kept.note(placeOf(one), one);
  for (const more of [
    { secret: 't' },
    { manager: 'other' },
    { scope: 'accounts/b' },
    { expiresAt: 4_000_000_000_001 },
  ])
    expect(kept.find(placeOf(one, more))).toBeUndefined();
});
