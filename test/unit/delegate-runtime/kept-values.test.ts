import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { StoreReference } from '../../../src/envelope/secret-manager.js';
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
const soon = () => Date.now() + 60_000;

it('what was kept is known, after a restart too', () => {
  const [one, two] = [reference(), reference()];
  const kept = new KeptValues(folder);
  expect(kept.find(one.version)).toBeUndefined();
  kept.note(one.version, soon(), one);
  kept.note(two.version, soon(), two);
  expect(kept.find(one.version)).toEqual(one);
  const again = new KeptValues(folder);
  expect([again.find(one.version), again.find(two.version)]).toEqual([one, two]);
});

it('what has expired is forgotten', () => {
  const [old, fresh] = [reference(), reference()];
  const kept = new KeptValues(folder);
  kept.note(old.version, Date.now() - 1, old);
  kept.note(fresh.version, soon(), fresh);
  expect(kept.find(old.version)).toBeUndefined();
  expect(fs.readFileSync(path.join(folder, 'kept-values'), 'utf8')).not.toContain(old.version);
  expect(new KeptValues(folder).find(fresh.version)).toEqual(fresh);
});

it('a line that is damaged costs that line alone', () => {
  const one = reference();
  new KeptValues(folder).note(one.version, soon(), one);
  fs.appendFileSync(path.join(folder, 'kept-values'), '{"version":"x\n\n{}\n');
  expect(new KeptValues(folder).find(one.version)).toEqual(one);
});

it('is readable by its owner alone', () => {
  const one = reference();
  new KeptValues(folder).note(one.version, soon(), one);
  expect(fs.statSync(path.join(folder, 'kept-values')).mode & 0o777).toBe(0o600);
});
