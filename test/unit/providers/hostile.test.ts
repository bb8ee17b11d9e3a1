// Whatever arrives, a codec answers with an event or says that it is malformed, in time, and changes nothing else.
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { codecs } from '../../../src/providers/codecs.js';
import { Provider } from '../../../src/providers/provider.js';
import { type HookHeaders, MalformedHook } from '../../../src/providers/webhook.js';
import { bytesOf, deliveries, secretsOf, verdictOn } from '../support/deliveries.js';

const ObjectId = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/);
const Short = z.string().min(1).max(2_048);
const repo = z.strictObject({
  hostRepoId: Short.optional(),
  fullName: Short.optional(),
  cloneUrls: z.array(Short).max(16),
});
const RefChange = z
  .strictObject({
    ref: Short.regex(/^refs\/[^\s~^:?*[\\]+$/),
    type: z.enum(['branch', 'tag', 'other']),
    before: ObjectId.nullable(),
    after: ObjectId.nullable(),
    forced: z.boolean().nullable(),
  })
  .refine(({ ref, type }) => (type === 'branch') === ref.startsWith('refs/heads/'));
const HookEvent = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ping'), repo }),
  z.strictObject({
    kind: z.literal('refs'),
    repo,
    changes: z.union([z.literal('unknown'), z.array(RefChange).min(1).max(5_000)]),
  }),
  z.strictObject({
    kind: z.literal('pull'),
    repo,
    number: z.int().positive(),
    state: z.enum(['open', 'merged', 'closed']),
    head: Short,
    base: Short,
    mergeSha: ObjectId.optional(),
  }),
  z.strictObject({ kind: z.literal('ignored'), repo, why: z.string().regex(/^[ -~’]{1,400}$/) }),
]);

function surviveParsing(host: Provider, raw: Buffer, headers: HookHeaders): void {
  expect(codecs[host].deliveryId(headers, raw)).toMatch(/^[\x21-\x7e]{1,200}$/);
  expect(HookEvent.safeParse(eventOf(host, raw, headers)).error?.issues).toBeUndefined();
}

/** What is malformed is an ignored event here, with what is said of it. */
function eventOf(host: Provider, raw: Buffer, headers: HookHeaders): unknown {
  try {
    return codecs[host].parse(raw, headers);
  } catch (error) {
    if (!(error instanceof MalformedHook)) throw error;
    return { kind: 'ignored', why: error.message, repo: { cloneUrls: [] } };
  }
}

const prototypes = [Object.prototype, Array.prototype, String.prototype, Buffer.prototype];
const keys = (): number[] => prototypes.map((one) => Reflect.ownKeys(one).length);
const before = keys();
afterEach(() => {
  if (keys().join() !== before.join() || 'polluted' in {}) throw new Error('A prototype is another');
});

/** Every place in a value: how to reach it, as a list of keys. */
function placesIn(value: unknown, path: string[] = []): string[][] {
  const inner = value !== null && typeof value === 'object' ? Object.entries(value) : [];
  return [path, ...inner.flatMap(([key, one]) => placesIn(one, [...path, key]))];
}

/** The value as JSON, with this text in that place. */
function withText(value: unknown, [key, ...rest]: string[], text: string): string {
  if (key === undefined) return text;
  const entries = Object.entries(value as object).map(([name, one]) => [
    name,
    name === key ? withText(one, rest, text) : JSON.stringify(one),
  ]);
  if (Array.isArray(value)) return `[${entries.map(([, one]) => one).join()}]`;
  return `{${entries.map(([name, one]) => `${JSON.stringify(name)}:${one}`).join()}}`;
}

const nasty = fc.constantFrom(
  '{"__proto__":{"polluted":1,"ref":"refs/heads/x","id":1,"changes":[]}}',
  '{"constructor":{"prototype":{"polluted":1}},"toString":1,"hasOwnProperty":null}',
  '{"length":1e9,"0":{}}',
  '[]',
  '[null]',
  '[[[[[[]]]]]]',
  '{}',
  'null',
  'true',
  '-0',
  '1e400',
  '9007199254740993',
  '""',
  '"\\u0000"',
  '"\\ud800"',
  '"__proto__"',
  '"constructor"',
  `"${'0'.repeat(40)}"`,
  `"refs/heads/${'x'.repeat(5_000)}"`,
  `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
  `[${'{},'.repeat(6_000)}{}]`,
);
const anyText = fc.oneof({ weight: 1, arbitrary: nasty }, { weight: 1, arbitrary: fc.json({ maxDepth: 3 }) });
const anyDelivery = fc.constantFrom(...deliveries);
const places = new Map(deliveries.map((one) => [one, placesIn(one.body)]));
const anyPlace = anyDelivery.chain((delivery) =>
  fc.constantFrom(...(places.get(delivery) ?? [])).map((place) => ({ delivery, place })),
);

describe('any value in any place of a delivery', () => {
  it('gives an event or is malformed', () => {
    fc.assert(
      fc.property(anyPlace, anyText, ({ delivery: { host, headers, body }, place }, text) => {
        surviveParsing(host, Buffer.from(withText(body, place, text)), headers);
      }),
      { numRuns: 3_000 },
    );
  });

  it('may be any of the fields, each with each of the worst values', () => {
    const texts = new Set(fc.sample(nasty, { numRuns: 400, seed: 6 }));
    const seen = new Set<string>();
    expect(texts.size).toBeGreaterThan(15);
    for (const { host, headers, body } of deliveries)
      for (const place of placesIn(body).filter((path) => path.length < 5)) {
        const where = `${host} ${place.join('.').replace(/\.\d+/g, '')}`;
        if (seen.has(where) || /(user|sender|owner|_url)\b/.test(where)) continue;
        seen.add(where);
        for (const text of texts)
          if (text.length < 6_000) surviveParsing(host, Buffer.from(withText(body, place, text)), headers);
      }
  });

  it('may stand beside what is read, also as the prototype', () => {
    for (const { host, headers, body, golden } of deliveries) {
      const text = `{"__proto__":{"repository":{"id":666},"ref":"refs/heads/evil","polluted":1},${JSON.stringify(body).slice(1)}`;
      const raw = Buffer.from(text.replace(/,\}$/, '}'));
      expect(codecs[host].parse(raw, headers)).toEqual(golden.event);
    }
  });
});

describe('any bytes and headers', () => {
  const names = [...new Set(deliveries.flatMap(({ headers }) => Object.keys(headers)))];
  const anyValue = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc.array(fc.string({ maxLength: 20 }), { maxLength: 3 }),
    fc.constantFrom(...new Set(deliveries.flatMap(({ headers }) => Object.values(headers)))),
  );
  const anyHeaders = fc.dictionary(
    fc.oneof(
      fc.constantFrom(...names, 'authorization', 'webhook-id', 'webhook-timestamp', 'webhook-signature'),
      fc.constantFrom('__proto__', 'constructor', 'toString'),
    ),
    anyValue,
    { maxKeys: 12 },
  );
  const anyBody = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text)),
    anyDelivery.map(({ body }) => bytesOf(body)),
  );
  const verdicts = ['ok', 'missing', 'bad', 'stale'];

  it('give a verdict that is never ok, and an event or a malformed body', () => {
    const secrets = secretsOf('none of those', 'd4a1f0c2b3');
    fc.assert(
      fc.property(fc.constantFrom(...Provider.options), anyHeaders, anyBody, (host, headers, raw) => {
        const verdict = verdictOn(host, raw, headers, secrets, new Date(0));
        expect(verdicts.slice(1)).toContain(verdict);
        surviveParsing(host, raw, headers);
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('4 MiB', () => {
  const SIZE = 4 * 1024 * 1024;
  const filled = (start: string, filling: string, end = ''): Buffer => {
    const raw = Buffer.alloc(SIZE, filling);
    raw.write(start);
    raw.write(end, SIZE - end.length);
    return raw;
  };
  const form = { 'content-type': 'application/x-www-form-urlencoded', 'x-github-event': 'push' };
  const bodies: [string, Provider, HookHeaders, Buffer][] = [
    ['brackets', 'github', { 'x-github-event': 'push' }, filled('[', '[')],
    ['fields of a form', 'github', form, filled('a', '&a=')],
    ['one field of a form', 'github', form, filled('payload=', 'a')],
    ['plus signs in a form', 'github', form, filled('payload=', '+')],
    [
      'a ref',
      'generic',
      {},
      filled('{"changes":[{"before":null,"after":null,"ref":"refs/heads/', 'x', '"}]}'),
    ],
    [
      'an id',
      'gitea',
      { 'x-gitea-event': 'push' },
      filled('{"ref":"refs/heads/a","before":"a","after":"', '0', '"}'),
    ],
    ['an event', 'azure', {}, filled('{"eventType":"', 'x', '"}')],
    [
      'changes',
      'gitlab',
      { 'x-gitlab-event': 'System Hook' },
      filled('{"event_name":"repository_update","changes":[', '{},', '0]}'),
    ],
    [
      'URLs',
      'bitbucket-dc',
      { 'x-event-key': 'diagnostics:ping' },
      filled('{"repository":{"links":{"clone":[', '{},', '0]}}}'),
    ],
  ];

  it.each(bodies)('of %s are read in time', (_what, host, headers, raw) => {
    const start = performance.now();
    surviveParsing(host, raw, headers);
    verdictOn(host, raw, headers, secretsOf('a', 'b'));
    expect(performance.now() - start).toBeLessThan(4_000);
  });
});
