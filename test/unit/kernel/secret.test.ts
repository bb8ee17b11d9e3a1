import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redact } from '../../../src/kernel/redact.js';
import { Secret } from '../../../src/kernel/secret.js';

const value = 'correct-horse-battery';
const printings: [string, (secret: Secret) => unknown][] = [
  ['toString', (secret) => secret.toString()],
  ['a template', (secret) => `${secret as unknown as string}`],
  ['concatenation', (secret) => `value: ${secret as unknown as string}`],
  ['String', String],
  ['JSON', (secret) => JSON.stringify({ secret, list: [secret] })],
  ['inspect', (secret) => inspect(secret, { depth: 10, showHidden: true })],
  ['inspect of what holds it', (secret) => inspect({ deep: [{ secret }] }, { depth: 10 })],
  ['spreading', (secret) => JSON.stringify({ ...(secret as object) })],
  [
    'its properties',
    (secret) => JSON.stringify([Object.entries(secret), Reflect.ownKeys(secret).map(String)]),
  ],
  ['a clone', (secret) => inspect(structuredClone(secret))],
  ['an error', (secret) => new Error(`with ${secret as unknown as string}`).message],
];

describe('a secret', () => {
  it.each(printings)('cannot be printed by %s', (_, print) => {
    const secret = new Secret(Buffer.from(value));
    const printed = String(print(secret));
    for (const form of [value, Buffer.from(value).toString('base64'), Buffer.from(value).join(',')])
      expect(printed).not.toContain(form);
    secret.wipe();
  });

  it.each(['toString', 'a template', 'inspect', 'JSON'])('shows by %s that something is hidden', (name) => {
    const print = printings.find(([one]) => one === name)?.[1];
    const secret = new Secret(Buffer.from(value));
    expect(print?.(secret)).toContain('******');
    secret.wipe();
  });

  it('lends its bytes for one call and gives back what the call made of them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
        const secret = new Secret(bytes.slice());
        expect(secret.use((lent) => Uint8Array.from(lent))).toEqual(bytes);
        secret.wipe();
      }),
    );
  });

  it('is only the part of the memory it was given', () => {
    const memory = Buffer.from('before-value-after');
    const secret = new Secret(memory.subarray(7, 12));
    expect(secret.use((bytes) => bytes.toString())).toBe('value');
    secret.wipe();
    expect(memory.toString()).toBe('before-\0\0\0\0\0-after');
  });

  it('is struck out of every message until it is wiped', () => {
    const secret = new Secret(Buffer.from(value));
    expect(redact(`the token ${value} is old`)).toBe('the token ****** is old');
    secret.wipe();
    expect(redact(`the token ${value} is old`)).toBe(`the token ${value} is old`);
  });

  it('overwrites its bytes when it is wiped, those it was made from too, also twice', () => {
    const bytes = Buffer.from(value);
    const secret = new Secret(bytes);
    secret.wipe();
    secret.wipe();
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    expect(secret.use((lent) => lent.every((byte) => byte === 0))).toBe(true);
  });

  it('is wiped alone: another one of the same value stays', () => {
    const [one, other] = [new Secret(Buffer.from(value)), new Secret(Buffer.from(value))];
    one.wipe();
    expect(redact(value)).toBe('******');
    expect(other.use(String)).toBe(value);
    other.wipe();
  });
});
