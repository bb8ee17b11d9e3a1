import { describe, expect, it } from 'vitest';
import { sayOf } from '../../../web/data/wrong.js';
import { readSchema, schemaProblemsOf, writeSchema } from '../../../web/entities/schema-text.js';

const schema = { type: 'object', properties: { image: { type: 'text' }, 'a/b': { minimum: 'x' } } };
const text = writeSchema(schema);
const lineOf = (word: string): number => text.split('\n').findIndex((line) => line.includes(word)) + 1;

describe('the text of a schema', () => {
  it.each([
    ['JSON', text],
    ['YAML', 'type: object\nproperties:\n  image: { type: text }\n  a/b: { minimum: x }\n'],
  ])('is read from %s', (_, written) => {
    expect(readSchema(written)).toEqual({ schema });
  });

  it.each([
    ['what cannot be read', '{"type": "object",\n "properties": {', 2],
    ['what is no object', '- type\n', 1],
    ['nothing', '', 1],
  ])('says where %s is wrong', (_, written, line) => {
    const read = readSchema(written);
    expect('problems' in read && read.problems[0]?.line).toBe(line);
  });

  it('shows what the manager refuses at its places, each once', () => {
    const detail =
      'The schema is not usable: schema is invalid: data/properties/image/type must be equal to one of the allowed values, ' +
      'data/properties/image/type must be array, data/properties/a~1b/minimum must be number';
    expect(schemaProblemsOf(detail, text)).toEqual([
      {
        line: lineOf('"text"'),
        column: expect.any(Number),
        message: 'must be equal to one of the allowed values, or must be array',
      },
      { line: lineOf('"minimum"'), column: expect.any(Number), message: 'must be number' },
    ]);
  });

  it('shows a reference that leads nowhere where it stands, and all else at the first line', () => {
    const written = writeSchema({ properties: { image: { $ref: '#/none' } } });
    const detail = "The schema is not usable: can't resolve reference #/none from id #";
    expect(schemaProblemsOf(detail, written)).toMatchObject([{ line: 4, message: detail }]);
    expect(schemaProblemsOf('The schema takes too long', written)).toMatchObject([{ line: 1, column: 1 }]);
  });
});

describe('what is wrong with a field', () => {
  const detail = 'branches.0: holds .., pathTemplate: x; files.1.pattern: does not hold {id}; Invalid';
  it.each([
    ['branches', 'It holds .., pathTemplate: x'],
    ['files.1.pattern', 'It does not hold {id}'],
    ['files.0', undefined],
    ['file', undefined],
  ])('is what was said of %s', (field, said) => {
    expect(sayOf(detail, field)).toBe(said);
  });
});
