import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CommitMessage,
  DisplayName,
  IdempotencyKey,
  PageLimit,
  PersonEmail,
  PersonName,
  SecretValue,
  Username,
} from '../../../src/policy/text.js';
import { problemsOf } from '../support/refusals.js';
import { anyText } from '../support/texts.js';
import { titled, titledValues } from '../support/titles.js';

const KIB = 1024;
/** C0 and C1 but tab and line ends. */
const controls = Array.from({ length: 0xa0 }, (_, code) => String.fromCharCode(code)).filter((text) =>
  /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/.test(text),
);

describe('a commit message', () => {
  it.each(
    titledValues([
      'a',
      'Save pipeline',
      '  indented\n\nbody\n',
      'with\ttab and\r\nwindows line ends\r\n',
      '--amend',
      '-m x',
      '# no comment',
      'größe 👍',
      'bell in words: \\a',
      'x'.repeat(64 * KIB),
    ]),
  )('may be %s, and stays as it is', (_, message) => {
    expect(CommitMessage.parse(message)).toBe(message);
  });

  it.each(
    titled([
      ['', 'does not have 1 byte to 64 KiB'],
      [' \n\t\r\n', 'does not have 1 byte to 64 KiB'],
      ['x'.repeat(64 * KIB + 1), 'does not have 1 byte to 64 KiB'],
      ['é'.repeat(32 * KIB + 1), 'does not have 1 byte to 64 KiB'],
      ['a\ud800', 'holds half a surrogate pair'],
      ['a\0b', 'holds a control character'],
      ['\x1b[2J gone', 'holds a control character'],
      ['\u009b2J gone', 'holds a control character'],
    ]),
  )('may not be %s: it %s', (_, problem, message) => {
    expect(problemsOf(CommitMessage, message)).toEqual([problem]);
  });

  it('holds none of the control characters a terminal obeys', () => {
    for (const control of controls) expect(problemsOf(CommitMessage, `a${control}b`)).toHaveLength(1);
  });

  it('is counted in bytes', () => {
    expect(CommitMessage.parse('é'.repeat(32 * KIB))).toHaveLength(32 * KIB);
  });
});

describe.each([
  ['name', PersonName],
  ['e-mail address', PersonEmail],
] as const)('the %s of a person', (_, schema) => {
  it.each(
    titledValues([
      'Ada',
      'Ada Lovelace',
      'ada@example.com',
      'Größe 👍',
      'a',
      "O'Hara",
      'A. B',
      'x'.repeat(KIB),
    ]),
  )('may be %s', (_, text) => {
    expect(schema.parse(text)).toBe(text);
  });

  it.each(
    titled([
      ['', 'does not have 1 byte to 1 KiB'],
      ['  ', 'does not have 1 byte to 1 KiB'],
      ['x'.repeat(KIB + 1), 'does not have 1 byte to 1 KiB'],
      ['é'.repeat(KIB / 2 + 1), 'does not have 1 byte to 1 KiB'],
      ['a<b', 'holds < > or a control character'],
      ['a>b', 'holds < > or a control character'],
      ['a\nb', 'holds < > or a control character'],
      ['a\rb', 'holds < > or a control character'],
      ['a\0b', 'holds < > or a control character'],
      ['a\tb', 'holds < > or a control character'],
      ['a\x1bb', 'holds < > or a control character'],
      ['a\u0085b', 'holds < > or a control character'],
      ['a\udc00', 'holds < > or a control character'],
      ['Ada\nparent 0123', 'holds < > or a control character'],
      [' a', 'begins or ends with a space or punctuation'],
      ['a ', 'begins or ends with a space or punctuation'],
    ]),
  )('may not be %s: it %s', (_, problem, text) => {
    expect(problemsOf(schema, text)).toContain(problem);
  });

  it.each(['.', ',', ':', ';', '"', "'", '\\', ' '])('neither begins nor ends with %s', (mark) => {
    const problem = 'begins or ends with a space or punctuation';
    expect(problemsOf(schema, `${mark}a`)).toEqual([problem]);
    expect(problemsOf(schema, `a${mark}`)).toEqual([problem]);
    expect(problemsOf(schema, `a${mark}b`)).toEqual([]);
  });

  it('never breaks the line of a commit it stands in', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        if (!schema.safeParse(text).success) return;
        expect(`author ${text} <a> 0 +0000`).toMatch(/^author [^<>\n\r\0]+ <a> 0 \+0000$/);
        expect(Buffer.from(text).toString()).toBe(text);
      }),
      { numRuns: 300 },
    );
  });
});

describe('an idempotency key', () => {
  it.each(titledValues(['a', '!', '~', '"quoted"', 'a,b', '0'.repeat(255), crypto.randomUUID()]))(
    'may be %s',
    (_, key) => {
      expect(IdempotencyKey.parse(key)).toBe(key);
    },
  );

  it.each(titledValues(['', ' ', 'a b', 'a\t', 'a\n', 'é', '\x7f', 'a\0', 'k'.repeat(256)]))(
    'may not be %s',
    (_, key) => {
      expect(problemsOf(IdempotencyKey, key)).toEqual(['does not have 1 to 255 visible ASCII characters']);
    },
  );
});

describe('the limit of a page', () => {
  it.each(
    titled([
      ['1', 1],
      ['10', 10],
      ['999', 999],
      ['1000', 1_000],
    ]),
  )('may be %s', (_, limit, text) => {
    expect(PageLimit.parse(text)).toBe(limit);
  });

  it.each(
    titledValues([
      '',
      '0',
      '00',
      '01',
      '1001',
      '9999',
      '10000',
      '-1',
      '+1',
      '1.0',
      '1e2',
      '0x10',
      ' 1',
      '1\n',
      '٣',
      'all',
    ]),
  )('may not be %s', (_, text) => {
    expect(problemsOf(PageLimit, text)).toEqual(['is not a whole number from 1 to 1000']);
  });

  it.each([5, null, ['1']])('is a text, not %j', (value) => {
    expect(problemsOf(PageLimit, value)).toHaveLength(1);
  });
});

describe('the value of a secret', () => {
  it.each(titledValues(['a', ' spaces count ', 'tab\tand \x1b', 'größe', 'a:b@c/d', 'x'.repeat(64 * KIB)]))(
    'may be %s, and stays as it is',
    (_, value) => {
      expect(SecretValue.parse(value)).toBe(value);
    },
  );

  it.each(
    titled([
      ['', 'does not have 1 byte to 64 KiB'],
      ['x'.repeat(64 * KIB + 1), 'does not have 1 byte to 64 KiB'],
      ['é'.repeat(32 * KIB + 1), 'does not have 1 byte to 64 KiB'],
      ['a\n', 'holds a line end, a NUL or half a surrogate pair'],
      ['a\r', 'holds a line end, a NUL or half a surrogate pair'],
      ['a\r\nHost: evil', 'holds a line end, a NUL or half a surrogate pair'],
      ['a\0', 'holds a line end, a NUL or half a surrogate pair'],
      ['\ud800', 'holds a line end, a NUL or half a surrogate pair'],
    ]),
  )('may not be %s: it %s', (_, problem, value) => {
    expect(problemsOf(SecretValue, value)).toEqual([problem]);
  });
});

describe('a user name', () => {
  it.each(titledValues(['git', 'x-access-token', 'me@example.com', 'größe', 'a b', '0'.repeat(256)]))(
    'may be %s',
    (_, name) => {
      expect(Username.parse(name)).toBe(name);
    },
  );

  it.each(titledValues(['', 'a:b', ':', 'a\n', 'a\0', 'a\x7f', '\ud800', 'u'.repeat(257)]))(
    'may not be %s',
    (_, name) => {
      expect(problemsOf(Username, name)).toHaveLength(1);
    },
  );
});

describe('a display name', () => {
  it.each(
    titledValues([
      'A',
      'Größe & Co <b>',
      '{{7*7}}',
      '${x}',
      "'; drop table",
      '../..',
      '👩‍👩‍👧',
      'x'.repeat(256),
    ]),
  )('may be any text, and stays as it is: %s', (_, name) => {
    expect(DisplayName.parse(name)).toBe(name);
  });

  it.each(titledValues(['', 'x'.repeat(257), 'a\nb', 'a\0', '\x1b[0m', 'a\u0085', '\udfff']))(
    'may not be %s',
    (_, name) => {
      expect(problemsOf(DisplayName, name)).toHaveLength(1);
    },
  );
});
