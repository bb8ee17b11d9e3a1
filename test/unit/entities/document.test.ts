// The validator runs the compiled worker: `npm run build` comes before `npm test`.
import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DocumentValidator, documentBytesMax } from '../../../src/entities/document.js';
import { failureFrom } from '../support/refusals.js';

let validator: DocumentValidator;
const anything = { id: 'pipeline', schema: {}, revision: 'anything' };
const validate = (yaml: string, schema?: object): Promise<void> =>
  validator.validate(
    Buffer.from(yaml),
    schema === undefined ? anything : { id: 'pipeline', schema, revision: JSON.stringify(schema) },
  );

beforeAll(async () => {
  validator = new DocumentValidator();
  await validate('warm: true\n');
});

afterAll(async () => {
  await validator.close();
});

/** What a call gave, and how long it took in milliseconds. */
async function timed<T>(work: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const began = performance.now();
  const result = await work();
  return { result, ms: performance.now() - began };
}

/** As slow to parse as a document may be made: half a million entries. */
const slowDocument = (): string => `a: [${'1,'.repeat(documentBytesMax / 2 - 4)}]\n`;

describe('a document', () => {
  it('that keeps all rules is taken', async () => {
    await expect(validate('a: 1\n', { properties: { a: { type: 'integer' } } })).resolves.toBeUndefined();
  });

  it('that breaks a rule is refused with its place', async () => {
    expect(await failureFrom(validate('a: 1\nb: 2\na: 3\n'))).toMatchObject({
      code: 'YAML_REFUSED',
      data: { problem: 'key "a" stands twice in one mapping', line: 3, column: 1 },
    });
  });

  it('that breaks its schema is refused with its places', async () => {
    const schema = { properties: { a: { type: 'integer' } }, additionalProperties: false };
    expect(await failureFrom(validate('a: x\nb: 1\n', schema))).toMatchObject({
      code: 'ENTITY_INVALID',
      data: { kind: 'pipeline', problems: [{ line: 2 }, { line: 1 }] },
    });
  });

  it('may have 1 MiB and no more', async () => {
    const text = (bytes: number) => `a: ${'x'.repeat(bytes - 4)}\n`;
    await expect(validate(text(documentBytesMax))).resolves.toBeUndefined();
    expect(await failureFrom(validate(text(documentBytesMax + 1)))).toMatchObject({
      code: 'YAML_REFUSED',
      data: { problem: 'the document is longer than 1048576 bytes' },
    });
  });

  it('keeps its bytes: the caller’s are not taken away', async () => {
    const yaml = Buffer.from('a: 1\n');
    await validator.validate(yaml, anything);
    expect(yaml.toString()).toBe('a: 1\n');
  });

  it('of a kind whose schema is not usable is the kind’s fault', async () => {
    expect(await failureFrom(validate('a: 1\n', { type: 'nonsense' }))).toMatchObject({
      code: 'KIND_INVALID',
    });
  });

  it('is judged for itself, however many come at once', async () => {
    const texts = Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? `a: ${n}\n` : `a: ${n}\na: ${n}\n`));
    const verdicts = await Promise.allSettled(texts.map((text) => validate(text)));
    expect(verdicts.map(({ status }) => status)).toEqual(
      texts.map((_, n) => (n % 2 === 0 ? 'fulfilled' : 'rejected')),
    );
  });
});

describe('the deadline', () => {
  it('holds for a document that is slow to parse, and the next one is served', async () => {
    const { result, ms } = await timed(() =>
      Promise.allSettled([validate(slowDocument()), validate('a: 1\n')]),
    );
    expect(result[0]).toMatchObject({
      status: 'rejected',
      reason: { code: 'YAML_REFUSED', data: { problem: 'the document takes too long to validate' } },
    });
    expect(result[1].status).toBe('fulfilled');
    expect(ms).toBeLessThan(12_000);
    await expect(validate('a: 2\n')).resolves.toBeUndefined();
  });

  it('holds for a pattern of a kind that never ends', async () => {
    const schema = { properties: { a: { pattern: '^(a+)+$' } } };
    const { result, ms } = await timed(() => failureFrom(validate(`a: ${'a'.repeat(60)}!\n`, schema)));
    expect(result).toMatchObject({
      code: 'YAML_REFUSED',
      data: { problem: 'the document takes too long to validate' },
    });
    expect(ms).toBeGreaterThan(900);
    expect(ms).toBeLessThan(12_000);
    await expect(validate(`a: ${'a'.repeat(60)}\n`, schema)).resolves.toBeUndefined();
  });

  it('is of the time that a document takes itself, not of what others take of the machine', async () => {
    const lines = (count: number) => Array.from({ length: count }, (_, n) => `k${n}: [&a${n} 1]\n`).join('');
    const { ms } = await timed(() => validate(lines(2_000)));
    const document = lines(Math.ceil((2_000 * 400) / ms));
    const burners = Array.from({ length: 12 }, () => spawn(process.execPath, ['-e', 'for (;;);']));
    try {
      await expect(validate(document)).resolves.toBeUndefined();
    } finally {
      for (const burner of burners) burner.kill('SIGKILL');
    }
  });

  it('holds for each of many, two at a time, while the main thread stays free', async () => {
    const schema = { properties: { a: { pattern: '^(a+)+$' } } };
    // By its own time: by the clock it also stands still for whatever else is at work on the machine.
    const before = process.threadCpuUsage();
    const verdicts = await Promise.all(
      [1, 2, 3].map(() => failureFrom(validate(`a: ${'a'.repeat(60)}!\n`, schema))),
    );
    const { user, system } = process.threadCpuUsage(before);
    expect(verdicts.map(({ code }) => code)).toEqual(['YAML_REFUSED', 'YAML_REFUSED', 'YAML_REFUSED']);
    expect((user + system) / 1_000).toBeLessThan(500);
  });
});

describe('many documents', () => {
  const validateAll = (texts: string[], kind = anything) =>
    validator.validateAll(
      texts.map((text) => ({ yaml: Buffer.from(text), meant: null })),
      kind,
    );
  const never = { id: 'pipeline', schema: { properties: { a: { pattern: '^(a+)+$' } } }, revision: 'never' };

  it('hold up no single one that somebody waits for', async () => {
    const text = Array.from({ length: 40 }, (_, n) => `k${n}: [&a${n} 1]\n`).join('');
    const all = timed(() => validateAll(Array.from({ length: 1_000 }, () => text)));
    const one = await timed(() => validate('a: 1\n'));
    expect(one.ms).toBeLessThan((await all).ms / 2);
  });

  it('are each judged for themselves, in their order', async () => {
    const texts = Array.from({ length: 500 }, (_, n) => `a: ${n}\n${n % 7 === 3 ? 'a: 1\n' : ''}`);
    const verdicts = await validateAll(texts);
    expect(verdicts.map((verdict) => verdict?.code ?? null)).toEqual(
      texts.map((_, n) => (n % 7 === 3 ? 'YAML_REFUSED' : null)),
    );
    expect(verdicts[3]).toMatchObject({ data: { line: 2, column: 1 } });
    expect(await validateAll([])).toEqual([]);
  });

  it('may be long, and empty', async () => {
    const long = `a: ${'x'.repeat(documentBytesMax - 4)}\n`;
    const verdicts = await validateAll([long, '', long, 'a: 1\n', '']);
    expect(verdicts.map((verdict) => verdict?.code ?? null)).toEqual([
      null,
      'YAML_REFUSED',
      null,
      null,
      'YAML_REFUSED',
    ]);
  });

  it('do not suffer from one that never ends', async () => {
    const texts = Array.from({ length: 20 }, (_, n) => (n === 11 ? `a: ${'a'.repeat(60)}!\n` : `a: a\n`));
    const { result, ms } = await timed(() => validateAll(texts, never));
    expect(result.map((verdict) => verdict?.data ?? null)).toEqual(
      texts.map((_, n) =>
        n === 11 ? { problem: 'the document takes too long to validate', line: 1, column: 1 } : null,
      ),
    );
    // Once for all of them, and once for each by itself.
    expect(ms).toBeGreaterThan(1_900);
    expect(ms).toBeLessThan(24_000);
  });

  it('are each held against the entity that they are meant to be', async () => {
    const kind = { ...anything, identity: { id: '/name' } };
    const meant = (id: string) => ({
      yaml: Buffer.from('name: one\n'),
      meant: { scope: 'accounts/acme', id },
    });
    const verdicts = await validator.validateAll([meant('one'), meant('two')], kind);
    expect(verdicts.map((verdict) => verdict?.code ?? null)).toEqual([null, 'ENTITY_IDENTITY_MISMATCH']);
  });

  it('keep their bytes', async () => {
    const documents = [Buffer.from('a: 1\n'), Buffer.from('b: 1\n')];
    await validator.validateAll(
      documents.map((yaml) => ({ yaml, meant: null })),
      anything,
    );
    expect(documents.map(String)).toEqual(['a: 1\n', 'b: 1\n']);
  });
});

describe('a kind’s schema', () => {
  it('that is usable is taken', async () => {
    await expect(validator.checkSchema({ type: 'object' })).resolves.toBeUndefined();
  });

  it.each([
    ['not an object', [], 'The schema is not an object'],
    ['not usable', { type: 'text' }, 'The schema is not usable: '],
    ['too long', { description: 'x'.repeat(262_144) }, 'The schema is longer than 262144 bytes'],
  ])('that is %s is refused', async (_, schema, problem) => {
    const failure = await failureFrom(validator.checkSchema(schema));
    expect(failure.code).toBe('KIND_INVALID');
    expect(failure.message).toContain(problem);
  });

  it('that is nested beyond all bounds is refused, and the next one is served', async () => {
    let schema: object = {};
    for (let level = 0; level < 5_000; level++) schema = { not: schema };
    expect(await failureFrom(validator.checkSchema(schema))).toMatchObject({ code: 'KIND_INVALID' });
    await expect(validator.checkSchema({})).resolves.toBeUndefined();
  });
});
