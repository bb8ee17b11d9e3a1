import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { redact, redactDeep, registerSecret } from '../../../src/kernel/redact.js';
import { character } from '../support/texts.js';
import { titled } from '../support/titles.js';

const forgets: (() => void)[] = [];
const register = (value: string): void => void forgets.push(registerSecret(value));

afterEach(() => {
  for (const forget of forgets.splice(0)) forget();
});

const encodings: Record<string, (value: string) => string> = {
  'as it is': (value) => value,
  'in a URL': encodeURIComponent,
  'in base64': (value) => Buffer.from(value).toString('base64'),
  'in base64url': (value) => Buffer.from(value).toString('base64url'),
  'in JSON': (value) => JSON.stringify(value).slice(1, -1),
};

// An asterisk of the mask could complete a secret that holds one.
const secret = fc
  .string({ unit: character, minLength: 4, maxLength: 60 })
  .filter((value) => value.isWellFormed() && !value.includes('*'));

describe('a registered secret', () => {
  it.each(Object.entries(encodings))('never survives %s, whatever stands around it', (_, encode) => {
    fc.assert(
      fc.property(secret, fc.string(), fc.string(), fc.boolean(), (value, before, after, twice) => {
        const forget = registerSecret(value);
        const form = encode(value);
        const clean = redact(before + form + (twice ? form : '') + after);
        forget();
        expect(clean).not.toContain(form);
        expect(clean).toContain('******');
      }),
      { numRuns: 300 },
    );
  });

  it('never survives in any depth of a value, nor as the name of a property', () => {
    fc.assert(
      fc.property(secret, fc.json(), (value, json) => {
        const forget = registerSecret(value);
        const clean = redactDeep({
          [value]: [{ a: value, rest: JSON.parse(json) as unknown }, `<${value}>`],
        });
        forget();
        expect(JSON.stringify(clean)).not.toContain(encodings['in JSON']?.(value));
      }),
    );
  });

  it('goes as a whole where another one is a part of it, whichever was first', () => {
    for (const [first, second] of [
      ['horse', 'correct-horse-battery'],
      ['correct-horse-battery', 'horse'],
    ] as const) {
      register(first);
      register(second);
      expect(redact('it was correct-horse-battery')).toBe('it was ******');
      for (const forget of forgets.splice(0)) forget();
    }
  });

  it('may hold what a pattern would take for a command', () => {
    register('$&.*+?^(x)[y]\\');
    expect(redact('a $&.*+?^(x)[y]\\ b')).toBe('a ****** b');
  });

  it('is struck out until it is forgotten, and as long as anybody knows it', () => {
    const one = registerSecret('correct-horse');
    const other = registerSecret('correct-horse');
    one();
    expect(redact('correct-horse')).toBe('******');
    one();
    expect(redact('correct-horse')).toBe('******');
    other();
    expect(redact('correct-horse')).toBe('correct-horse');
  });

  it.each(['', 'a', 'abc'])(
    'of fewer than four characters (%j) would strike out half of every text',
    (value) => {
      register(value);
      expect(redact('abc a b c')).toBe('abc a b c');
    },
  );
});

describe('what looks like a secret', () => {
  it.each(
    titled([
      ['https://me:pw@git.example.com/a.git', 'https://******@git.example.com/a.git'],
      ['see HTTPS://token@host/x, or ssh://git@host/y', 'see HTTPS://******@host/x, or ssh://******@host/y'],
      ['https://me:p@ss@word@host/a', 'https://******@host/a'],
      [`https://${'u'.repeat(5_000)}:pw@host/`, 'https://******@host/'],
      ['postgres://user:pw@db:5432/name', 'postgres://******@db:5432/name'],
      ['git+ssh://me@host/', 'git+ssh://******@host/'],
      ['Authorization: Basic dXNlcjpwdw==', 'Authorization: Basic ******'],
      ['authorization=bearer abc.def.ghi, then', 'authorization=bearer ******, then'],
      ['Authorization: token abc', 'Authorization: token ******'],
      ['Authorization: abc', 'Authorization: ******'],
      ['Authorization: tokenabc', 'Authorization: ******'],
      ['Authorization: Negotiate YII==', 'Authorization: Negotiate ******'],
      ['Proxy-Authorization: Basic abc\nHost: x', 'Proxy-Authorization: Basic ******\nHost: x'],
      ['{"authorization":"Bearer abc","a":1}', '{"authorization":"Bearer ******","a":1}'],
      [`Authorization: Bearer ${'t'.repeat(10_000)}`, 'Authorization: Bearer ******'],
      ['/x?access_token=abc&b=1', '/x?access_token=******&b=1'],
      ['/x?a=1&private_token=abc', '/x?a=1&private_token=******'],
      [
        '/x?token=abc&password=def&secret=ghi&key=j',
        '/x?token=******&password=******&secret=******&key=******',
      ],
      [`/x?TOKEN=${'t'.repeat(10_000)}`, '/x?TOKEN=******'],
    ]),
  )('is struck out: %s', (_, clean, text) => {
    expect(redact(text)).toBe(clean);
  });

  it.each([
    'https://git.example.com/a@b/c.git',
    'mail ada@example.com',
    'token=abc is no parameter',
    'the authorization failed',
    '/x?tokens=5&keyed=6',
    'a://b and c@d',
  ])('is not: %s', (text) => {
    expect(redact(text)).toBe(text);
  });

  it('is found in a long hostile text without delay', () => {
    const texts = ['a://'.repeat(50_000), 'authorization:'.repeat(20_000), `a://${'@'.repeat(200_000)}`];
    const began = performance.now();
    for (const text of texts) redact(text);
    expect(performance.now() - began).toBeLessThan(1_000);
  });
});

describe('redactDeep', () => {
  it('strikes out what is called authorization, whatever it is', () => {
    expect(
      redactDeep({ headers: { Authorization: 'abc', 'proxy-authorization': ['x'], accept: '*' } }),
    ).toEqual({
      headers: { Authorization: '******', 'proxy-authorization': '******', accept: '*' },
    });
  });

  it.each([null, undefined, 5, true, 'text', [], {}, [{ a: [1, null] }]])('leaves %j as it is', (value) => {
    expect(redactDeep(value)).toEqual(value);
  });

  it('does not mistake a property called __proto__', () => {
    const clean = redactDeep(JSON.parse('{"__proto__": {"polluted": true}}'));
    expect(Object.hasOwn(clean as object, '__proto__')).toBe(true);
    expect((clean as { polluted?: boolean }).polluted).toBeUndefined();
  });
});
