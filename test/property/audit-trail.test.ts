// Whatever is done to an exported trail, its verification finds it, as long as somebody remembers where it ended.
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { GENESIS, type Head, type Link, readLink, writeLink } from '../../src/trail/link.js';
import type { Finding } from '../../src/trail/verifier.js';
import { hashOf, verifyLines } from '../../src/trail/verify.js';

const SEED = 20_267;
const TAMPERINGS = 10_000;

const linked = (account: string, texts: string[], { position, hash }: Head = GENESIS): Link[] => {
  let previous = hash;
  return texts.map((entry, at) => {
    const bare = { account, position: position + at + 1, previous, entry };
    previous = hashOf(bare);
    return { ...bare, hash: previous };
  });
};
const headOf = (links: Link[]): Head => {
  const { position, hash } = links.at(-1) ?? GENESIS;
  return { position, hash };
};
const linesOf = (links: Link[]): string[] => links.map(writeLink);
const entry = (at: number): string => JSON.stringify({ at, action: 'connector.put', name: `ä\n${at % 7}` });

const own = linked(
  'accounts/a',
  Array.from({ length: 40 }, (_, at) => entry(at)),
);
const other = linked(
  'accounts/b',
  Array.from({ length: 40 }, (_, at) => entry(at)),
);
const head = headOf(own);

const kindsOf = async (lines: string[], witnesses: Head[] = [head]): Promise<Finding['kind'][]> =>
  (await verifyLines(lines, { account: 'accounts/a', witnesses })).findings.map(({ kind }) => kind);

type Tampering = (links: Link[]) => string[];

const at = fc.nat({ max: own.length - 1 });
/** Another text of the same form. */
const digits = fc.constantFrom(...Array.from({ length: 16 }, () => randomBytes(32).toString('hex')));

/** Everything after it linked anew, as somebody does who can write what he likes. */
const relinked = (links: Link[], from: number): Link[] => [
  ...links.slice(0, from),
  ...linked(
    'accounts/a',
    links.slice(from).map((link) => link.entry),
    headOf(links.slice(0, from)),
  ),
];

const edit = fc
  .record({
    at,
    field: fc.constantFrom('account', 'position', 'previous', 'hash', 'entry'),
    digits,
    rehashes: fc.constantFrom('no', 'one', 'all'),
  })
  .map(
    ({ at: place, field, digits: text, rehashes }): Tampering =>
      (links) => {
        const link = links[place] as Link;
        const changed = {
          ...link,
          [field]: {
            account: 'accounts/c',
            position: link.position + 1,
            previous: text,
            hash: text,
            entry: `${link.entry} `,
          }[field],
        } as Link;
        const edited = links.with(
          place,
          rehashes === 'one' ? { ...changed, hash: hashOf(changed) } : changed,
        );
        return linesOf(rehashes === 'all' && field === 'entry' ? relinked(edited, place) : edited);
      },
  );

const drop = fc.record({ from: at, count: fc.integer({ min: 1, max: 5 }), relinks: fc.boolean() }).map(
  ({ from, count, relinks }): Tampering =>
    (links) => {
      const left = links.toSpliced(from, count);
      return linesOf(relinks ? relinked(left, Math.min(from, left.length)) : left);
    },
);

const swap = fc
  .tuple(at, at, fc.boolean())
  .filter(([one, two]) => one !== two)
  .map(
    ([one, two, relinks]): Tampering =>
      (links) => {
        const swapped = links.with(one, links[two] as Link).with(two, links[one] as Link);
        return linesOf(relinks ? relinked(swapped, Math.min(one, two)) : swapped);
      },
  );

const truncate = fc.integer({ min: 1, max: own.length }).map(
  (count): Tampering =>
    (links) =>
      linesOf(links.slice(0, -count)),
);

const splice = fc
  .record({ at, from: at, count: fc.integer({ min: 1, max: 5 }), isOwn: fc.boolean(), relinks: fc.boolean() })
  .map(
    ({ at: place, from, count, isOwn, relinks }): Tampering =>
      (links) => {
        const taken = (isOwn ? links : other).slice(from, from + count);
        const spliced = [...links.slice(0, place), ...taken, ...links.slice(place)];
        return linesOf(relinks ? relinked(spliced, place) : spliced);
      },
  );

const exchange = fc.record({ from: at, count: fc.integer({ min: 1, max: own.length }) }).map(
  ({ from, count }): Tampering =>
    (links) =>
      linesOf([...links.slice(0, from), ...other.slice(from, from + count), ...links.slice(from + count)]),
);

const flip = fc.record({ at, byte: fc.nat(), bit: fc.nat({ max: 6 }) }).map(
  ({ at: place, byte, bit }): Tampering =>
    (links) => {
      const lines = linesOf(links);
      const bytes = Buffer.from(lines[place] as string);
      const where = byte % bytes.length;
      bytes[where] = (bytes[where] as number) ^ (1 << bit);
      return lines.with(place, bytes.toString('utf8'));
    },
);

it('a trail that nobody touched is found to be whole, wherever it was looked at before', async () => {
  const before = own.map(({ position, hash }) => ({ position, hash }));
  const verdict = await verifyLines(linesOf(own), { account: 'accounts/a', witnesses: [GENESIS, ...before] });
  expect(verdict).toMatchObject({ account: 'accounts/a', entries: own.length, head, findings: [], count: 0 });
  const rest = own.slice(17);
  expect(await verifyLines(linesOf(rest), { after: headOf(own.slice(0, 17)) })).toMatchObject({
    count: 0,
    head,
  });
  expect(await verifyLines([], {})).toMatchObject({ count: 0, entries: 0, head: GENESIS });
});

it(`${TAMPERINGS} tamperings of every kind are all found`, async () => {
  const missed: string[][] = [];
  const counts = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.oneof(edit, drop, swap, truncate, splice, exchange, flip), async (tamper) => {
      const lines = tamper(own);
      // A flipped bit may be one that JSON does not tell from another.
      if (linesOf(own).join('\n') === lines.map((line) => writeBack(line)).join('\n')) return;
      // What goes on after the end that was seen is what a trail does.
      if (lines.slice(0, own.length).join('\n') === linesOf(own).join('\n')) return;
      const kinds = await kindsOf(lines);
      if (kinds.length === 0) missed.push(lines);
      for (const kind of new Set(kinds)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }),
    { seed: SEED, numRuns: TAMPERINGS },
  );
  expect(missed).toEqual([]);
  const kinds = [
    'unreadable',
    'foreign',
    'missing',
    'misplaced',
    'unlinked',
    'edited',
    'rewritten',
    'truncated',
  ];
  expect([...counts.keys()].toSorted()).toEqual(kinds.toSorted());
});

const writeBack = (line: string): string => {
  const link = readLink(line);
  return link === undefined ? line : writeLink(link);
};

describe('what is found is named', () => {
  const verdictOf = async (lines: string[]) =>
    (await verifyLines(lines, { account: 'accounts/a', witnesses: [head] })).findings;
  const lines = linesOf(own);

  it.each<[string, string[], Partial<Finding>[]]>([
    [
      'an entry that was edited',
      linesOf(own.with(4, { ...(own[4] as Link), entry: '{}' })),
      [{ position: 5, line: 5, kind: 'edited' }],
    ],
    [
      'an entry that was left out',
      lines.toSpliced(4, 1),
      [{ position: 6, line: 5, kind: 'missing', problem: 'entry 5 is missing' }],
    ],
    [
      'several',
      lines.toSpliced(4, 3),
      [{ position: 8, line: 5, kind: 'missing', problem: 'entries 5 to 7 are missing' }],
    ],
    [
      'two that changed places',
      lines.with(4, lines[5] as string).with(5, lines[4] as string),
      [
        { position: 6, line: 5, kind: 'missing' },
        { position: 5, line: 6, kind: 'misplaced' },
        { position: 7, line: 7, kind: 'missing' },
      ],
    ],
    ['the end that is gone', lines.slice(0, 30), [{ position: 40, line: null, kind: 'truncated' }]],
    ['everything that is gone', [], [{ position: 40, line: null, kind: 'truncated' }]],
    [
      'a line that is none',
      lines.with(39, 'x'),
      [
        { position: null, line: 40, kind: 'unreadable' },
        { position: 40, kind: 'truncated' },
      ],
    ],
    [
      'an entry of another trail',
      lines.with(4, linesOf(other)[4] as string),
      [
        { position: 5, kind: 'foreign' },
        { position: 5, kind: 'unlinked' },
        { position: 6, kind: 'unlinked' },
      ],
    ],
    [
      'a trail that was made anew',
      linesOf(relinked(own, 3).map((link) => link))
        .slice(0, 3)
        .concat(linesOf(relinked(own.with(3, { ...(own[3] as Link), entry: '{}' }), 3)).slice(3)),
      [{ position: 40, line: 40, kind: 'rewritten' }],
    ],
  ])('%s', async (_, tampered, findings) => {
    expect(await verdictOf(tampered)).toMatchObject(findings);
  });

  it('however much that is, in bounded memory', async () => {
    const verdict = await verifyLines(
      Array.from({ length: 1_000 }, () => 'x'),
      {},
    );
    expect(verdict).toMatchObject({ count: 1_000, entries: 0 });
    expect(verdict.findings).toHaveLength(100);
  });
});

describe('at speed', () => {
  const COUNT = 100_000;
  let many: string[] = [];
  beforeAll(() => {
    const text = JSON.stringify({
      at: new Date(0).toISOString(),
      actor: { kind: 'token', id: 'x'.repeat(36), name: 'ci' },
      action: 'entity.save',
      scope: 'accounts/a/orgs/o',
      target: 'entities/pipeline/build',
      outcome: 'done',
      data: {
        operation: 'x'.repeat(36),
        connector: 'github',
        branch: 'main',
        path: 'o/p/pipelines/build.yaml',
      },
    });
    many = linesOf(
      linked(
        'accounts/a',
        Array.from({ length: COUNT }, () => text),
      ),
    );
  });

  it('50,000 entries take less than a second of one processor', async () => {
    const before = process.cpuUsage();
    const verdict = await verifyLines(many, {});
    const { user, system } = process.cpuUsage(before);
    expect(verdict).toMatchObject({ count: 0, entries: COUNT });
    expect((user + system) / 1e6 / (COUNT / 50_000)).toBeLessThan(1);
  });
});
