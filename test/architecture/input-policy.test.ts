// Tries every number of docs/reference/input-policy.md: the least and the most are accepted, one less and one more are not.
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { bodyBytesMax } from '../../src/api/body-parsers.js';
import { parseJson } from '../../src/api/json.js';
import { PAGE_DEFAULT } from '../../src/api/parameters.js';
import { documentBytesMax } from '../../src/entities/document.js';
import { aliasNodesMax, depthMax, keysMax, parseDocument } from '../../src/entities/document-rules.js';
import { plaintextBytesMax } from '../../src/envelope/envelope.js';
import { BranchName } from '../../src/policy/branches.js';
import { Identifier } from '../../src/policy/identifiers.js';
import { KnownHosts } from '../../src/policy/known-hosts.js';
import { PathTemplate, RepositoryPath } from '../../src/policy/paths.js';
import { PullBody, PullTitle, Reviewers } from '../../src/policy/pull-requests.js';
import { parseRepositoryUrl } from '../../src/policy/repository-url.js';
import {
  CommitMessage,
  DisplayName,
  GroupName,
  IdempotencyKey,
  JsonPointer,
  PageLimit,
  PersonEmail,
  PersonName,
  SecretValue,
  Username,
} from '../../src/policy/text.js';
import { constantOf, plain, readText, tableRows, toNumber } from './pages.js';

const PAGE = readText('docs/reference/input-policy.md');

/** Whether something of this size is accepted; or the most that is, where trying is not possible. */
type Probe = ((size: number) => boolean) | number;

const fits = (schema: z.ZodType, make = (size: number) => 'a'.repeat(size)): Probe => {
  return (size) => schema.safeParse(make(size)).success;
};
const isFine = (use: () => unknown): boolean => {
  try {
    use();
    return true;
  } catch {
    return false;
  }
};
const parses = (make: (size: number) => string): Probe => {
  return (size) => isFine(() => parseDocument(Buffer.from(make(size))));
};

const strict = { allowHttp: false, allowPrivate: false };
const HOST_KEY =
  'git.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAmmK0OIG8oJ5nvQ6G1tx1QVQVZ3eGaI2QF6wcEWRQSS ';
const URL_STEM = 'https://git.example/';
const DOCUMENT = 'src/entities/document.ts';
const SERVER = 'src/api/http-server.ts';

const probes: Record<string, Probe> = {
  'identifier of an account, organisation, project, kind, entity, connector or secret': fits(Identifier),
  'delegate group': fits(GroupName),
  'display name': fits(DisplayName),
  'user name of a credential': fits(Username),
  path: (bytes) => fitsPath(pathOf(bytes)),
  'part of a path': (bytes) => fitsPath(`${'a'.repeat(bytes)}/b.yaml`),
  'path template': fits(PathTemplate, (size) =>
    `{id}${'/a'.repeat(size)}`.slice(0, size - 5).concat('.yaml'),
  ),
  branch: fits(BranchName),
  'repository URL': (bytes) => isFine(() => parseRepositoryUrl(URL_STEM.padEnd(bytes, 'a'), strict)),
  'known hosts of a connector': fits(KnownHosts, (bytes) => HOST_KEY.padEnd(bytes, 'a')),
  document: documentBytesMax,
  'depth of a document': parses((levels) => `${'{a: '.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`),
  'keys of a document': parses((keys) => Array.from({ length: keys }, (_, i) => `k${i}: 1\n`).join('')),
  'nodes that aliases expand to': parses((nodes) => `a: &x 1\nb: [${Array(nodes).fill('*x').join(', ')}]\n`),
  'time to parse and validate': constantOf(DOCUMENT, 'DEADLINE_MS') / 1000,
  'schema of a kind': constantOf(DOCUMENT, 'SCHEMA_BYTES_MAX'),
  'JSON pointer of an identity': fits(JsonPointer, (size) => '/'.padEnd(size, 'a').slice(0, size)),
  'problems reported of a document': constantOf('src/entities/json-schema.ts', 'PROBLEMS_MAX'),
  'commit message': fits(CommitMessage),
  'name of an author': fits(PersonName),
  'e-mail address of an author': fits(PersonEmail),
  'title of a pull request': fits(PullTitle),
  'body of a pull request': fits(PullBody),
  'reviewers of a pull request': (count) =>
    Reviewers.safeParse(Array.from({ length: count }, (_, at) => `r${at}`)).success,
  body: bodyBytesMax,
  'depth of a JSON body': (levels) =>
    isFine(() => parseJson(Buffer.from('['.repeat(levels).padEnd(2 * levels, ']')))),
  'address and header fields': constantOf(SERVER, 'HEADERS_BYTES_MAX'),
  'time for the header to arrive': constantOf(SERVER, 'HEADERS_MS_MAX') / 1000,
  'time for all of a request to arrive': constantOf(SERVER, 'REQUEST_MS_MAX') / 1000,
  'Idempotency-Key': fits(IdempotencyKey),
  'limit of a page': fits(PageLimit, String),
  'value of a secret': fits(SecretValue),
};

const fitsPath = (path: string): boolean => RepositoryPath.safeParse(path).success;

/** Whether both ends are accepted and nothing beyond them; a limit without a least size has one end. */
function tryRange(probe: Probe | undefined, { min, max }: { min: number; max: number }) {
  if (typeof probe !== 'function') return { min, max: probe, isTight: true };
  const isOpen = min === 0 || (probe(min) && !probe(min - 1));
  return { min, max, isTight: isOpen && probe(max) && !probe(max + 1) };
}

/** A path of so many bytes, with parts of at most 255. */
function pathOf(bytes: number): string {
  const tail = '/a.yaml';
  return 'a'
    .repeat(bytes - tail.length)
    .replace(/.{100}/g, `${'a'.repeat(99)}/`)
    .replace(/\/$/, 'a')
    .concat(tail);
}

describe('the page of the input policy', () => {
  const limits = tableRows(PAGE).filter(({ columns }) => columns[0] === 'what');
  const named = limits.map(({ cells: [what = '', size = ''] }) => ({ what: what.replaceAll('`', ''), size }));

  it('has a probe for every limit, and a limit for every probe', () => {
    expect(named.map(({ what }) => what)).toEqual(Object.keys(probes));
  });

  it.each(named)('$what: $size', ({ what, size }) => {
    const [, least = '0', most = ''] = /^(?:up to|([\d,]+) to) ([\d,]+) [a-z]+$/.exec(size) ?? [];
    const range = { min: toNumber(least), max: toNumber(most) };
    expect(tryRange(probes[what], range)).toEqual({ ...range, isTight: true });
  });

  it('tells the numbers that stand in the text', () => {
    expect(PAGE).toContain(
      `remembered for ${constantOf('src/sync/operations.repository.ts', 'KEY_DAYS')} days`,
    );
    expect(PAGE).toContain(`${PAGE_DEFAULT} when absent`);
    expect(named.find(({ what }) => what === 'value of a secret')?.size).toContain(
      plaintextBytesMax.toLocaleString('en'),
    );
  });

  it('tells the limits of documents as the code has them', () => {
    const told = ['depth of a document', 'keys of a document', 'nodes that aliases expand to'].map((what) =>
      toNumber(/[\d,]+/.exec(named.find((limit) => limit.what === what)?.size ?? '')?.[0] ?? ''),
    );
    expect(told).toEqual([depthMax, keysMax, aliasNodesMax]);
  });

  it('names codes that exist', () => {
    const codes = tableRows(PAGE)
      .filter(({ columns }) => columns[1] === 'code')
      .flatMap(({ cells }) => [...(cells[1] ?? '').matchAll(/`([A-Z_]+)`/g)].map(([, code]) => code));
    const known = tableRows(readText('docs/reference/errors.md')).map(({ cells }) => plain(cells[0]));
    expect(codes.length).toBeGreaterThan(5);
    expect(codes.filter((code) => !known.includes(code ?? ''))).toEqual([]);
  });
});

describe('what the page says is refused', () => {
  it.each([
    ['a part . or ..', ['./a.yaml', 'a/../b.yaml']],
    ['a part that ends in a dot or a space', ['a./b.yaml', 'a /b.yaml']],
    ['a colon', ['a:b.yaml']],
    ['a Windows device', ['con.yaml', 'aux.yaml', 'lpt1/a.yaml']],
    ['.git in any spelling', ['.git/a.yaml', '.GIT/a.yaml', 'git~1/a.yaml', '.g\u200cit/a.yaml']],
    ['a backslash or control character', ['a\\b.yaml', 'a\u0007.yaml', 'a\u009b.yaml']],
    ['another ending', ['a.YAML', 'a.json', 'yaml']],
  ])('paths: %s', (_rule, paths) => {
    expect(paths.filter(fitsPath)).toEqual([]);
  });

  it('branches', () => {
    const names = ['HEAD', '@', '0'.repeat(40), 'f'.repeat(64), '-x', 'a..b', 'a b', 'a/', 'x.lock'];
    expect(names.filter((name) => BranchName.safeParse(name).success)).toEqual([]);
  });

  it('repository URLs', () => {
    const urls = [
      'http://git.example/a',
      'ssh://git.example/a',
      'https://user@git.example/a',
      'https://git.example/a?b',
      'https://git.example/a#b',
      'https://git.example/a b',
      'https://git.example/a/../b',
      'https://git.example/a/%2e%2e/b',
      'https://git.example/',
      'https://127.0.0.1/a',
      'https://[::1]/a',
      'https://localhost/a',
    ];
    expect(urls.filter((url) => isFine(() => parseRepositoryUrl(url, strict)))).toEqual([]);
    expect(parseRepositoryUrl('https://git.example/a/', strict)).toBe('https://git.example/a');
  });

  it('documents', () => {
    const texts = [
      '- a',
      'a: 1\n---\nb: 2',
      'a: "\u0000"',
      'a: "\\ud800"',
      '1: a\n"1": b',
      'a: !!binary aGk=',
      'a: !own b',
      '? [a]\n: b',
      'a: &x [*x]',
    ];
    expect(texts.filter((text) => isFine(() => parseDocument(Buffer.from(text))))).toEqual([]);
    expect(isFine(() => parseDocument(Buffer.from('\ufeffx: &a {b: 1}\r\ny:\r\n  <<: *a # kept\r\n')))).toBe(
      true,
    );
  });

  it('authors and secrets', () => {
    const people = ['a <b>', 'a\n', 'a.', ' a', '"a"', "'a", 'a\\', 'a;'];
    expect(people.filter((person) => PersonName.safeParse(person).success)).toEqual([]);
    const values = ['a\nb', 'a\r', 'a\0'];
    expect(values.filter((value) => SecretValue.safeParse(value).success)).toEqual([]);
  });
});
