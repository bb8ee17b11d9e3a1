import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ExchangedTokens } from '../../../workers/runtime/exchanged.js';

let folder = '';
let exchanged: ExchangedTokens;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-exchanged-'));
  exchanged = new ExchangedTokens(folder);
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

it('one refresh token is exchanged by one task after the other, whatever becomes of the one before', async () => {
  const told: string[] = [];
  const first = Promise.withResolvers<void>();
  const begun = exchanged.inTurn('one', async () => {
    told.push('first');
    await first.promise;
    throw new Error('not this time');
  });
  const second = exchanged.inTurn('one', async () => told.push('second'));
  const third = exchanged.inTurn('one', async () => told.push('third'));
  await exchanged.inTurn('other', async () => told.push('other'));
  expect(told).toEqual(['first', 'other']);
  first.resolve();
  await expect(begun).rejects.toThrow('not this time');
  await Promise.all([second, third]);
  expect(told).toEqual(['first', 'other', 'second', 'third']);
  await exchanged.inTurn('one', async () => told.push('again'));
  expect(told.at(-1)).toBe('again');
});
