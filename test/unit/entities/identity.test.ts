import { describe, expect, it } from 'vitest';
import { parseDocument } from '../../../src/entities/document-rules.js';
import { assertIsMeant, type Identity } from '../../../src/entities/identity.js';
import { failureOf } from '../support/refusals.js';

const all: Identity = { id: '/metadata/name', org: '/owner/0', project: '/a~1b~0c' };
const project = 'accounts/acme/orgs/eu/projects/web';
const check = (yaml: string, scope = project, identity = all): void =>
  assertIsMeant(parseDocument(Buffer.from(yaml)), identity, { scope, id: 'build' });

describe('a document that is meant to be an entity', () => {
  it.each<[string, string, string?]>([
    ['names it', 'metadata: {name: build}\nowner: [eu]\na/b~c: web\n'],
    ['names it in quotes', 'metadata: {name: "bu\\x69ld"}\n'],
    ['says nothing', 'other: 1\n'],
    ['says null', 'metadata: {name: }\n'],
    ['has something else where the way leads', 'metadata: [name]\nowner: eu\n'],
    ['names no more than there is', 'metadata: {name: build}\n', 'accounts/acme'],
  ])('%s', (_, yaml, scope) => {
    expect(() => check(yaml, scope)).not.toThrow();
  });

  it('is taken by what is written, not by what a number of it would be', () => {
    const meant = { scope: project, id: '007' };
    expect(() =>
      assertIsMeant(parseDocument(Buffer.from('name: 007\n')), { id: '/name' }, meant),
    ).not.toThrow();
  });

  it.each<[string, string, string | undefined, object]>([
    [
      'names another one',
      'metadata:\n  name: test\n',
      undefined,
      { field: 'id', pointer: '/metadata/name', expected: 'build', found: 'test', line: 2, column: 9 },
    ],
    ['names it in other letters', 'metadata: {name: Build}\n', undefined, { found: 'Build' }],
    ['names another organisation', 'owner: [us]\n', undefined, { field: 'org', expected: 'eu', found: 'us' }],
    ['names another project', 'a/b~c: api\n', undefined, { field: 'project', expected: 'web', found: 'api' }],
    ['names an organisation where there is none', 'owner: [eu]\n', 'accounts/acme', { expected: null }],
    ['has a mapping there', 'metadata: {name: {a: 1}}\n', undefined, { found: 'a mapping' }],
    ['has a sequence there', 'metadata: {name: [build]}\n', undefined, { found: 'a sequence' }],
    [
      'has an alias to another name there',
      'x: &n test\nmetadata: {name: *n}\n',
      undefined,
      { found: 'test' },
    ],
    [
      'has a long text there',
      `metadata: {name: ${'x'.repeat(999)}}\n`,
      undefined,
      { found: 'x'.repeat(200) },
    ],
  ])('and %s is refused with the place', (_, yaml, scope, data) => {
    const failure = failureOf(() => check(yaml, scope));
    expect(failure.code).toBe('ENTITY_IDENTITY_MISMATCH');
    expect(failure.data).toMatchObject(data);
  });
});
