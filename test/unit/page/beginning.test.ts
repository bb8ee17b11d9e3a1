import { describe, expect, it } from 'vitest';
import { agoOf } from '../../../web/data/time.js';
import { beginningOf } from '../../../web/entities/beginning.js';

describe('the beginning of a document', () => {
  it('has all that its kind requires, with what is known of it', () => {
    const properties = {
      image: { type: 'string' },
      replicas: { type: 'integer', minimum: 1 },
      tier: { enum: ['web', 'batch'] },
      apiVersion: { const: 'v1' },
      limits: { type: 'object' },
      'a: b': { default: [1] },
      note: { type: 'string' },
    };
    const required = Object.keys(properties).filter((key) => key !== 'note');
    expect(beginningOf({ required, properties })).toBe(
      'image: \nreplicas: 1\ntier: "web"\napiVersion: "v1"\nlimits: {}\n"a: b": [1]\n',
    );
  });

  it.each([{}, { properties: { name: {} } }])('is empty where nothing is required: %j', (schema) => {
    expect(beginningOf(schema)).toBe('');
  });

  it('names what the schema says no more of', () => {
    expect(beginningOf({ required: ['name'] })).toBe('name: \n');
  });
});

describe('how long ago', () => {
  it.each([
    [-2, 'just now'],
    [-40, '40 sec ago'],
    [-130, '2 min ago'],
    [3_700, 'in 1 hr'],
    [90_000, 'tomorrow'],
  ])('%d s reads as part of a sentence', (seconds, words) => {
    const now = Date.parse('2026-01-02T03:04:05Z');
    expect(agoOf(new Date(now + seconds * 1_000).toISOString(), now)).toBe(words);
  });
});
