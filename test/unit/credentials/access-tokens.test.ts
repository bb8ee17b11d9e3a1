import { afterAll, expect, it } from 'vitest';
import { AccessTokens } from '../../../src/credentials/access-tokens.js';
import { Secret } from '../../../src/kernel/secret.js';

const tokens = new AccessTokens();
afterAll(() => tokens.close());
const keep = (key: string): void =>
  tokens.keep(key, { token: new Secret(Buffer.from(`token of ${key}`)), expiresAt: Date.now() + 3_600_000 });
const isKnown = (key: string): boolean => {
  const found = tokens.find(key);
  found?.wipe();
  return found !== undefined;
};

it('those that are used stay where there are too many', () => {
  const keys = Array.from({ length: 4_096 }, (_, at) => `key ${at}`);
  for (const key of keys) keep(key);
  expect(isKnown('key 0')).toBe(true);
  keep('one more');
  expect(['key 0', 'key 1', 'key 2', 'one more'].map(isKnown)).toEqual([true, false, true, true]);
});
