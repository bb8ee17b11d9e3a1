import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRepositoryUrl, type RepositoryUrlPolicy } from '../../../src/policy/repository-url.js';
import { failureOf } from '../support/refusals.js';
import { titled } from '../support/titles.js';

const strict: RepositoryUrlPolicy = { allowHttp: false, allowPrivate: false };
const lax: RepositoryUrlPolicy = { allowHttp: true, allowPrivate: true };

/** Why the URL is refused. */
function reasonOf(url: string, policy: RepositoryUrlPolicy = strict): string {
  const failure = failureOf(() => parseRepositoryUrl(url, policy));
  expect(failure.code).toBe('CONNECTOR_DENIED');
  return (failure.data as { reason: string }).reason;
}

describe('a repository URL', () => {
  it.each([
    'https://github.com/acme/shop.git',
    'https://github.com/acme/shop',
    'https://git.example.com:8443/scm/a/b.git',
    'https://GIT.example.com/A/b.git',
    'https://git.example.com/~me/a.git',
    'https://git.example.com/größe/a.git',
    'https://git.example.com/with%20space/a.git',
    'https://git.example.com/a@b/c.git',
    'https://git.example.com/a:b/c.git',
    'https://git.example.com/...a/..b/c..git',
    'https://git.example.com./a.git',
    'https://xn--bcher-kva.example/a.git',
    'https://8.8.8.8/a.git',
    'https://172.32.0.1/a.git',
    'https://[2606:4700::1111]/a.git',
    'https://localhost.example.com/a.git',
  ])('may be %s, and stays as it is', (url) => {
    expect(parseRepositoryUrl(url, strict)).toBe(url);
  });

  it.each([
    ['https://github.com/acme/shop/', 'https://github.com/acme/shop'],
    ['https://github.com/acme/shop.git///', 'https://github.com/acme/shop.git'],
  ])('%s is kept without the slashes at its end', (url, kept) => {
    expect(parseRepositoryUrl(url, strict)).toBe(kept);
  });

  const refused: [string, string[]][] = [
    [
      'it is not a URL',
      [
        '',
        'github.com/acme/shop',
        '/acme/shop.git',
        'git@github.com:acme/shop.git',
        'https://',
        'https://[::1/a',
      ],
    ],
    [
      'its scheme is not allowed',
      [
        'http://github.com/a.git',
        'ssh://git@github.com/a.git',
        'git://github.com/a.git',
        'file:///etc/passwd',
        'ftp://github.com/a',
        'ext::sh -c id',
        'javascript:alert(1)',
        'HTTP://github.com/a.git',
      ],
    ],
    [
      'it holds user-info',
      [
        'https://me@github.com/a.git',
        'https://me:pw@github.com/a.git',
        'https://:pw@github.com/a.git',
        'https://@github.com/a.git',
        'https://:@github.com/a.git',
        'https://github.com%2f@evil.example/a.git',
        'https://github.com\\@evil.example/a.git',
      ],
    ],
    [
      'it holds a query or a fragment',
      [
        'https://github.com/a.git?x=1',
        'https://github.com/a.git?',
        'https://github.com/a.git#main',
        'https://github.com/a.git#',
        'https://github.com?/a.git',
      ],
    ],
    [
      'it holds a space, a backslash or a control character',
      [
        'https://github.com/a b.git',
        ' https://github.com/a.git',
        'https://github.com/a.git\n',
        'https://github.com/a\t.git',
        'https://github.com/a\0.git',
        'https://github.com\\a.git',
        'https://git\nhub.com/a.git',
        'https://github.com/a\x7f.git',
      ],
    ],
    [
      'its path is not plain',
      [
        'https://github.com/../a.git',
        'https://github.com/a/..',
        'https://github.com/a/./b.git',
        'https://github.com/a/%2e%2e/b.git',
        'https://github.com/a/%2E./b.git',
        'https://github.com/a%2fb.git',
        'https://github.com/a%5Cb.git',
        'https://github.com/a%00.git',
      ],
    ],
    ['it names no repository', ['https://github.com', 'https://github.com/', 'https://github.com:443/']],
    ['it is longer than 1024 bytes', [`https://github.com/${'a'.repeat(1_006)}`]],
  ];

  it.each(titled(refused.flatMap(([reason, urls]) => urls.map((url) => [url, reason] as const))))(
    'may not be %s: %s',
    (_, reason, url) => {
      expect(reasonOf(url)).toBe(reason);
    },
  );

  it('may have 1,024 bytes and no more', () => {
    const url = (bytes: number) => `https://github.com/${'a'.repeat(bytes - 19)}`;
    expect(parseRepositoryUrl(url(1_024), strict)).toHaveLength(1_024);
    expect(reasonOf(url(1_025))).toBe('it is longer than 1024 bytes');
    expect(reasonOf(`https://github.com/${'é'.repeat(508)}`)).toBe('it is longer than 1024 bytes');
  });
});

describe('an address that is not public', () => {
  const addresses = [
    'localhost',
    'LOCALHOST',
    'localhost.',
    'git.localhost',
    '127.0.0.1',
    '127.0.0.1.',
    '127.1',
    '127.255.255.254',
    '0.0.0.0',
    '0',
    '10.0.0.1',
    '10.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '192.168.257',
    '169.254.169.254',
    '100.64.0.1',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.2.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '2130706433',
    '0x7f000001',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '017700000001',
    '0xa9fea9fe',
    '3232235777',
    '１２７.0.0.1',
    '127。0。0。1',
    '%31%32%37.0.0.1',
    '[::]',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[0000:0000:0000:0000:0000:0000:0000:0001]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[0:0:0:0:0:ffff:a00:1]',
    '[::FFFF:169.254.169.254]',
    '[::127.0.0.1]',
    '[64:ff9b::10.0.0.1]',
    '[64:ff9b:1::1]',
    '[100::1]',
    '[2001::1]',
    '[2001:db8::1]',
    '[2002:7f00:1::1]',
    '[3fff::1]',
    '[fc00::1]',
    '[fd12:3456::1]',
    '[fe80::1]',
    '[fec0::1]',
    '[ff02::1]',
    '[4000::1]',
  ];

  it.each(addresses)('is refused as %s', (host) => {
    expect(reasonOf(`https://${host}/a.git`)).toBe('its host is not a public address');
  });

  it.each(addresses)('may be %s where private addresses are allowed', (host) => {
    expect(parseRepositoryUrl(`https://${host}/a.git`, { ...strict, allowPrivate: true })).toBe(
      `https://${host}/a.git`,
    );
  });

  it('is refused in every spelling of a number', () => {
    const spell = fc.constantFrom<(n: number) => string>(
      String,
      (n) => `0x${n.toString(16)}`,
      (n) => `0${n.toString(8)}`,
    );
    const address = fc.tuple(
      fc.constantFrom(10, 127, 0, 224),
      fc.integer({ min: 0, max: 2 ** 24 - 1 }),
      spell,
      fc.boolean(),
    );
    fc.assert(
      fc.property(address, ([first, rest, write, isWhole]) => {
        const host = isWhole ? write(first * 2 ** 24 + rest) : `${write(first)}.${write(rest)}`;
        expect(reasonOf(`https://${host}/a.git`)).toBe('its host is not a public address');
      }),
    );
  });
});

describe('what is allowed', () => {
  it('is http where it is configured, with the other rules as they are', () => {
    expect(parseRepositoryUrl('http://127.0.0.1:7071/demo.git', lax)).toBe('http://127.0.0.1:7071/demo.git');
    expect(reasonOf('http://me:pw@127.0.0.1/a.git', lax)).toBe('it holds user-info');
    expect(reasonOf('http://127.0.0.1/a.git?x', lax)).toBe('it holds a query or a fragment');
    expect(reasonOf('ftp://127.0.0.1/a.git', lax)).toBe('its scheme is not allowed');
  });

  it('is not http because private addresses are, nor the other way round', () => {
    expect(reasonOf('http://github.com/a.git', { ...lax, allowHttp: false })).toBe(
      'its scheme is not allowed',
    );
    expect(reasonOf('http://10.0.0.1/a.git', { ...lax, allowPrivate: false })).toBe(
      'its host is not a public address',
    );
  });
});

it('a refusal never repeats what may be a credential', () => {
  for (const url of [
    'https://me:hunter2@github.com/a.git',
    'https://github.com/a.git?token=hunter2',
    'https://github.com/a.git#hunter2',
    'hunter2',
    'https://github.com/hunter2/../a.git',
  ]) {
    const failure = failureOf(() => parseRepositoryUrl(url, strict));
    expect(JSON.stringify([failure.message, failure.data, failure.hint])).not.toContain('hunter2');
  }
});
