import { describe, expect, it } from 'vitest';
import { parseDocument } from '../../../src/entities/document-rules.js';
import { assertFits, compileSchema } from '../../../src/entities/json-schema.js';
import { failureOf } from '../support/refusals.js';

let revision = 0;
const kind = (schema: object, id = 'pipeline') => ({ id, schema, revision: String(revision++) });
const fit = (yaml: string, schema: object): void =>
  assertFits(parseDocument(Buffer.from(yaml)), kind(schema));

interface Problem {
  path: string;
  problem: string;
  line: number;
  column: number;
}

function problemsOf(yaml: string, schema: object): Problem[] {
  const failure = failureOf(() => fit(yaml, schema));
  expect(failure.code).toBe('ENTITY_INVALID');
  return (failure.data as unknown as { problems: Problem[] }).problems;
}

const strict = { type: 'object', properties: { a: { type: 'integer' } }, additionalProperties: false };

describe('a document that does not fit', () => {
  it.each<[string, object, Problem]>([
    ['a: x\n', strict, { path: '/a', problem: 'must be integer', line: 1, column: 4 }],
    [
      'a: 1\n\nother: 2\n',
      strict,
      { path: '', problem: 'must not have property "other"', line: 3, column: 1 },
    ],
    [
      'x:\n  y:\n    a: 1\n    b: 2\n',
      { properties: { x: { properties: { y: strict } } } },
      { path: '/x/y', problem: 'must not have property "b"', line: 4, column: 5 },
    ],
    [
      'b: 1\n',
      { required: ['a'] },
      { path: '', problem: "must have required property 'a'", line: 1, column: 1 },
    ],
    [
      'list:\n  - a\n  - 5\n',
      { properties: { list: { items: { type: 'string' } } } },
      { path: '/list/1', problem: 'must be string', line: 3, column: 5 },
    ],
    [
      '"a/b":\n  "c~d": 1\n',
      { properties: { 'a/b': { properties: { 'c~d': { type: 'string' } } } } },
      { path: '/a~1b/c~0d', problem: 'must be string', line: 2, column: 10 },
    ],
    [
      '1: x\n',
      { properties: { 1: { type: 'integer' } } },
      { path: '/1', problem: 'must be integer', line: 1, column: 4 },
    ],
    [
      '~: x\n',
      { properties: { '': { type: 'integer' } } },
      { path: '/', problem: 'must be integer', line: 1, column: 4 },
    ],
    [
      'a:\n',
      { properties: { a: { type: 'string' } } },
      { path: '/a', problem: 'must be string', line: 1, column: 3 },
    ],
    [
      'a: &x {b: 1}\nc: *x\n',
      { properties: { c: { properties: { b: { type: 'string' } } } } },
      { path: '/c/b', problem: 'must be string', line: 2, column: 4 },
    ],
  ])('%j is told the place of the problem', (yaml, schema, problem) => {
    expect(problemsOf(yaml, schema)).toEqual([problem]);
  });

  it('is told all its problems, up to twenty', () => {
    const yaml = (n: number) => Array.from({ length: n }, (_, i) => `k${i}: 1\n`).join('');
    expect(problemsOf(yaml(3), strict)).toHaveLength(3);
    expect(problemsOf(yaml(30), strict)).toHaveLength(20);
  });

  it('names its kind', () => {
    const failure = failureOf(() => assertFits(parseDocument(Buffer.from('b: 1')), kind(strict, 'template')));
    expect(failure.message).toBe(
      'The document breaks the schema of kind template: line 1, column 1: the root must not have property "b"',
    );
  });
});

describe('names that objects have by nature', () => {
  it.each(['constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf'])(
    '%s is a property like any other',
    (name) => {
      const schema = JSON.parse(`{"properties": {"${name}": {"type": "integer"}}}`) as object;
      expect(() => fit(`${name}: 1\n`, schema)).not.toThrow();
      expect(() => fit('a: 1\n', schema)).not.toThrow();
      expect(problemsOf(`a: 1\n${name}: x\n`, schema)).toEqual([
        { path: `/${name}`, problem: 'must be integer', line: 2, column: name.length + 3 },
      ]);
    },
  );

  it.each(['__proto__', 'constructor', 'toString'])(
    '%s is an additional property where it is not named',
    (name) => {
      expect(problemsOf(`a: 1\n${name}: {polluted: true}\n`, strict)).toEqual([
        { path: '', problem: `must not have property "${name}"`, line: 2, column: 1 },
      ]);
    },
  );

  it.each(['__proto__', 'constructor', 'toString'])(
    '%s is missing where it is required and absent',
    (name) => {
      expect(problemsOf('a: 1\n', { required: [name] })).toHaveLength(1);
    },
  );

  it('__proto__ alone is passed over in the properties of a schema, as ajv does', () => {
    const schema = JSON.parse('{"properties": {"__proto__": {"type": "integer"}}}') as object;
    expect(() => fit('__proto__: x\n', schema)).not.toThrow();
    expect(() => fit('__proto__: {a: 1}\n', { propertyNames: { minLength: 3 } })).not.toThrow();
    expect(problemsOf('__proto__: {a: 1}\n', { patternProperties: { proto: { type: 'integer' } } })).toEqual([
      { path: '/__proto__', problem: 'must be integer', line: 1, column: 12 },
    ]);
  });

  it('pollute nothing', () => {
    fit('__proto__: {polluted: 1}\nconstructor: {prototype: {polluted: 1}}\n', {});
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('a document that fits', () => {
  it('is taken, with all that the schema leaves open', () => {
    expect(() => fit('a: 1\nb: [x, {c: ~}]\n', { properties: { a: { const: 1 } } })).not.toThrow();
  });

  it('is taken with as many aliases as a document may have', () => {
    const yaml = `a: &x 1\nb: [${Array(100).fill('*x').join(', ')}]\n`;
    expect(() =>
      fit(yaml, { properties: { b: { items: { type: 'integer' }, minItems: 100 } } }),
    ).not.toThrow();
  });

  it('is not held to formats', () => {
    expect(() => fit('a: not a date\n', { properties: { a: { format: 'date' } } })).not.toThrow();
  });

  it('changes nothing: defaults are not filled in, types are not converted', () => {
    expect(() => fit('a: "1"\n', { properties: { a: { type: 'string' }, b: { default: 5 } } })).not.toThrow();
    expect(problemsOf('a: "1"\n', strict)).toHaveLength(1);
    expect(problemsOf('a: 1\n', { properties: { b: { default: 5 } }, required: ['b'] })).toHaveLength(1);
  });
});

describe('a schema', () => {
  it.each<[string, object]>([
    ['says nothing', {}],
    ['is of 2020-12', { $schema: 'https://json-schema.org/draft/2020-12/schema', prefixItems: [{}] }],
    ['has keywords of its own', { 'x-ui': { order: 1 } }],
    ['refers to itself', { $defs: { n: { properties: { n: { $ref: '#/$defs/n' } } } }, $ref: '#/$defs/n' }],
  ])('is usable that %s', (_, schema) => {
    expect(() => compileSchema(schema)).not.toThrow();
  });

  it.each<[string, unknown, string]>([
    ['null', null, 'The schema is not an object'],
    ['a list', [], 'The schema is not an object'],
    ['a text', '{}', 'The schema is not an object'],
    ['true', true, 'The schema is not an object'],
    ['nothing', undefined, 'The schema is not an object'],
    ['asynchronous', { $async: true }, 'The schema must not be asynchronous'],
    ['of an unknown type', { type: 'text' }, 'The schema is not usable: '],
    ['of a broken pattern', { pattern: '(' }, 'The schema is not usable: '],
    [
      'with a reference to elsewhere',
      { $ref: 'https://evil.example/schema.json' },
      "The schema is not usable: can't resolve reference",
    ],
    [
      'with a reference to a file',
      { $ref: 'file:///etc/passwd' },
      "The schema is not usable: can't resolve reference",
    ],
    [
      'with a reference to nothing',
      { $ref: '#/$defs/none' },
      "The schema is not usable: can't resolve reference",
    ],
    [
      'of another draft',
      { $schema: 'http://json-schema.org/draft-04/schema#' },
      'The schema is not usable: no schema with key',
    ],
  ])('is not usable that is %s', (_, schema, problem) => {
    const failure = failureOf(() => compileSchema(schema));
    expect(failure.code).toBe('KIND_INVALID');
    expect(failure.message).toContain(problem);
  });

  it('of one kind never stands for another of the same $id', () => {
    const one = { $id: 'https://x.example/s', type: 'object', required: ['a'] };
    const other = { $id: 'https://x.example/s', type: 'object', required: ['b'] };
    expect(() => fit('a: 1\n', one)).not.toThrow();
    expect(() => fit('b: 1\n', other)).not.toThrow();
    expect(problemsOf('a: 1\n', other)).toHaveLength(1);
  });

  it('is compiled anew when its revision changes, and only then', () => {
    const parsed = parseDocument(Buffer.from('a: x\n'));
    assertFits(parsed, { id: 'k', schema: {}, revision: 'one' });
    expect(() => assertFits(parsed, { id: 'k', schema: strict, revision: 'one' })).not.toThrow();
    expect(() => assertFits(parsed, { id: 'k', schema: strict, revision: 'two' })).toThrow('must be integer');
  });
});
