import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blobIdOf } from '../../../src/git/blob-id.js';
import { defaultLimits, type Limits } from '../../../src/git/limits.js';
import { type GitObject, hashObject, type ObjectType } from '../../../src/git/objects.js';
import { readPack } from '../../../src/git/pack-reader.js';
import { BareRepository } from '../support/bare.js';
import { chunksOf } from '../support/chunks.js';
import {
  blob,
  copy,
  deltaOf,
  encodeEntry,
  insert,
  onId,
  onOffset,
  packOf,
  seal,
  types,
} from '../support/packs.js';
import { failureFrom } from '../support/refusals.js';

interface Reading {
  limits?: Partial<Limits>;
  keep?: ObjectType[];
  cuts?: number[];
}

const ALL: ObjectType[] = ['commit', 'tree', 'blob', 'tag'];

const read = (
  pack: Buffer,
  { limits = {}, keep = ALL, cuts = [] }: Reading = {},
): Promise<Map<string, GitObject>> =>
  readPack(chunksOf(pack, cuts), {
    host: 'git.example.com',
    limits: { ...defaultLimits, ...limits },
    keep: (type) => keep.includes(type),
  });

async function refusalOf(pack: Buffer, reading: Reading = {}): Promise<string> {
  const failure = await failureFrom(read(pack, reading));
  expect(failure).toMatchObject({ code: 'GIT_ANSWER_INVALID', data: { host: 'git.example.com' } });
  return (failure.data as { reason: string }).reason;
}

async function excessOf(pack: Buffer, limits: Partial<Limits>, keep = ALL): Promise<unknown> {
  const failure = await failureFrom(read(pack, { limits, keep }));
  expect(failure.code).toBe('GIT_LIMIT_EXCEEDED');
  return (failure.data as { limit: string }).limit;
}

const textsOf = (objects: Map<string, GitObject>): string[] =>
  [...objects.values()].map(({ content }) => content.toString()).toSorted();

describe('a pack that git wrote', () => {
  let repository: BareRepository;
  let ids: string[];
  /** Ids by type, as git says. */
  let typed: [id: string, type: string][];
  beforeAll(() => {
    repository = new BareRepository();
    // Versions of a long file, which git packs as chains of deltas, and of everything else one.
    const lines = Array.from({ length: 400 }, (_, n) => `line-${n}: ${n * n}\n`);
    for (let version = 0; version < 12; version++) {
      lines[version * 7] = `changed-${version}: true\n`;
      repository.push('main', { 'long.yaml': lines.join(''), [`d/${version}.yaml`]: `v: ${version}\n` });
    }
    repository.push('main', {
      'large.bin': Buffer.from(Array.from({ length: 400_000 }, (_, n) => (n * 7_919) % 253)),
    });
    repository.git(['tag', '-a', '-m', 'First', 'v1', 'main']);
    typed = repository
      .git(['cat-file', '--batch-all-objects', '--batch-check=%(objectname) %(objecttype)'])
      .split('\n')
      .map((line) => line.split(' ') as [string, string]);
    ids = typed.map(([id]) => id);
  });
  afterAll(() => repository.remove());

  const pack = (...options: string[]): Buffer =>
    repository.bytes(['pack-objects', '--stdout', '-q', ...options], `${ids.join('\n')}\n`);
  const kinds: [string, string[]][] = [
    ['with deltas by offset', ['--delta-base-offset', '--window=20', '--depth=50']],
    ['with deltas by id', ['--window=20', '--depth=50']],
    ['without deltas', ['--window=0']],
    ['without compression', ['--compression=0', '--delta-base-offset']],
  ];

  it.each(kinds)('%s is read whole, every object with its id and its bytes', async (_, options) => {
    const objects = await read(pack(...options));
    expect([...objects.keys()].toSorted()).toEqual(ids.toSorted());
    for (const [id, { type, content }] of objects) {
      expect(hashObject(type, content)).toBe(id);
      expect(new Map(typed).get(id)).toBe(type);
    }
  });

  it('holds chains of deltas, so that the test above means something', async () => {
    const whole = pack('--delta-base-offset', '--window=20', '--depth=50');
    expect(await excessOf(whole, { deltaDepth: 2 })).toBe('length of a chain of deltas');
    expect(whole.length).toBeLessThan(pack('--window=0').length);
  });

  it('is read the same, however it is cut into chunks', async () => {
    const bytes = pack('--delta-base-offset');
    const wanted = [...(await read(bytes)).keys()];
    const cuts = fc.array(fc.nat(bytes.length), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(cuts, async (places) => {
        expect([...(await read(bytes, { cuts: places })).keys()]).toEqual(wanted);
      }),
      { numRuns: 15 },
    );
    const everyByte = packOf([blob('one'), blob('two')]);
    expect(textsOf(await read(everyByte, { cuts: [...everyByte.keys()] }))).toEqual(['one', 'two']);
  });

  it.each<[ObjectType[]]>([[['tree']], [['commit', 'tree']], [['blob']], [['tag']], [[]]])(
    'gives of its types only what was asked for: %j',
    async (keep) => {
      for (const [, options] of kinds) {
        const objects = await read(pack(...options), { keep });
        const wanted = typed.filter(([, type]) => keep.includes(type as ObjectType)).map(([id]) => id);
        expect([...objects.keys()].toSorted()).toEqual(wanted.toSorted());
      }
    },
  );

  it('that is damaged in any byte is refused', async () => {
    const bytes = pack('--delta-base-offset');
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ mask;
        const failure = await failureFrom(read(damaged));
        expect(['GIT_ANSWER_INVALID', 'GIT_LIMIT_EXCEEDED']).toContain(failure.code);
      }),
      { numRuns: 60 },
    );
  });
});

const base = 'a long enough base text';
const baseId = blobIdOf(Buffer.from(base));
const change = (word: string) => deltaOf(base.length, [copy(0, 7), insert(word)]);
/** A delta on the object that stands just before. */
const onPrevious = (entry: Parameters<typeof encodeEntry>[0], delta: Buffer) =>
  onOffset(encodeEntry(entry).length, delta);

describe('a pack by hand', () => {
  it('is read: whole objects, deltas by offset and by id', async () => {
    const first = blob(base);
    const objects = await read(
      packOf([first, onPrevious(first, change('one')), onId(baseId, change('two'))]),
    );
    expect(textsOf(objects)).toEqual([base, 'a long one', 'a long two']);
  });

  it('may have deltas before the object they are made from, and on each other', async () => {
    const second = blobIdOf(Buffer.from('a long one'));
    const onSecond = deltaOf('a long one'.length, [copy(0, 6), insert(' way')]);
    const entries = [onId(second, onSecond), onId(baseId, change('one')), blob(base)];
    expect(textsOf(await read(packOf(entries)))).toEqual([base, 'a long one', 'a long way']);
  });

  it('may have a chain of deltas as long as the limit, and no longer', async () => {
    const entries = [blob(base)];
    for (let depth = 0; depth < 5; depth++)
      entries.push(
        onPrevious(
          entries[depth] as (typeof entries)[0],
          deltaOf(base.length, [copy(0, base.length - 1), insert(String(depth))]),
        ),
      );
    expect(await read(packOf(entries), { limits: { deltaDepth: 5 } })).toHaveProperty('size', 6);
    expect(await excessOf(packOf(entries), { deltaDepth: 4 })).toBe('length of a chain of deltas');
    expect(await excessOf(packOf(entries), { deltaDepth: 4 }, ['tree'])).toBe('length of a chain of deltas');
  });

  it('may have version 3, be empty, or have one object twice', async () => {
    expect(textsOf(await read(packOf([blob('x')], { version: 3 })))).toEqual(['x']);
    expect((await read(packOf([]))).size).toBe(0);
    expect((await read(packOf([blob('x'), blob('x')]))).size).toBe(1);
  });

  it('may be compressed badly, in many small blocks', async () => {
    const content = Buffer.alloc(300_000, 'abc');
    for (const level of [0, 1, 9])
      expect(
        (await read(packOf([{ ...blob(content), stream: deflateSync(content, { level, memLevel: 1 }) }])))
          .size,
      ).toBe(1);
  });
});

describe('a hostile pack is refused', () => {
  const good = packOf([blob('one'), blob('two')]);
  const wrongSum = Buffer.from(good);
  wrongSum[good.length - 1] = (wrongSum[good.length - 1] ?? 0) ^ 1;
  const big = Buffer.alloc(1_000_000);
  const first = blob(base);

  it.each<[string, Buffer, string]>([
    ['with a wrong checksum', wrongSum, 'the checksum of the pack does not fit'],
    ['with garbage behind it', Buffer.concat([good, Buffer.from('x')]), 'something follows the pack'],
    ['with another pack behind it', Buffer.concat([good, good]), 'something follows the pack'],
    ['that is none', seal(Buffer.from('KCAP\0\0\0\x02\0\0\0\0')), 'there is no pack where one belongs'],
    [
      'that is a page',
      Buffer.from('<!doctype html><title>Sign in</title>'),
      'there is no pack where one belongs',
    ],
    ['that is empty', Buffer.alloc(0), 'the pack ends too early'],
    ['of version 1', packOf([blob('x')], { version: 1 }), 'the pack has version 1'],
    ['of version 4', packOf([blob('x')], { version: 4 }), 'the pack has version 4'],
    [
      'that says it has less than it has',
      packOf([blob('one'), blob('two')], { count: 1 }),
      'the checksum of the pack does not fit',
    ],
    ['with an object of type 0', packOf([{ ...blob('x'), type: 0 }]), 'the pack has an object of type 0'],
    ['with an object of type 5', packOf([{ ...blob('x'), type: 5 }]), 'the pack has an object of type 5'],
    [
      'with an object longer than it says',
      packOf([{ ...blob('12345'), size: 4 }]),
      'an object has another size than it says',
    ],
    [
      'with an object much longer than it says',
      packOf([{ ...blob(big), size: 10 }]),
      'an object is larger than it says',
    ],
    [
      'with an object shorter than it says',
      packOf([{ ...blob('12345'), size: 6 }]),
      'an object has another size than it says',
    ],
    [
      'with an empty object that says it is not',
      packOf([{ ...blob(''), size: 1 }]),
      'an object has another size than it says',
    ],
    [
      'with an object that is no zlib stream',
      packOf([{ ...blob('x'), stream: Buffer.alloc(50, 0xaa) }]),
      'an object cannot be inflated',
    ],
    [
      'with a zlib stream of a wrong sum',
      packOf([{ ...blob('x'), stream: Buffer.concat([deflateSync('x').subarray(0, -1), Buffer.from([9])]) }]),
      'an object cannot be inflated',
    ],
    [
      'with a delta on what is not there',
      packOf([onId('f'.repeat(40), change('x'))]),
      'a delta names a base that is not there',
    ],
    ['with a delta on itself', packOf([onOffset(0, change('x'))]), 'a delta names a base that is not there'],
    [
      'with a delta on what is before the pack',
      packOf([onOffset(5_000, change('x'))]),
      'a delta names a base that is not there',
    ],
    [
      'with a delta on the middle of another',
      packOf([first, onOffset(3, change('x'))]),
      'a delta names a base that is not there',
    ],
    [
      'with a delta for another base',
      packOf([first, onPrevious(first, deltaOf(5, [insert('x')]))]),
      'a delta does not fit its base',
    ],
    [
      'with a delta that lies about its size',
      packOf([first, onPrevious(first, deltaOf(base.length, [insert('x')], 9))]),
      'a delta does not fit its base',
    ],
    ['with a delta that is empty', packOf([first, onPrevious(first, Buffer.alloc(0))]), 'a delta is broken'],
  ])('%s', async (_, pack, reason) => {
    expect(await refusalOf(pack)).toBe(reason);
  });

  it('with deltas that go in a circle', async () => {
    // Two deltas that would make each other: no such ids can be found, so any two that are never made will do.
    const [one, two] = ['1'.repeat(40), '2'.repeat(40)];
    expect(await refusalOf(packOf([onId(one, change('x')), onId(two, change('y'))]))).toBe(
      'a delta names a base that is not there',
    );
    const self = onId(blobIdOf(Buffer.from('a long x')), deltaOf('a long x'.length, [copy(0, 8)]));
    expect(await refusalOf(packOf([self]))).toBe('a delta names a base that is not there');
  });

  it('that says it has more than it has', async () => {
    const more = packOf([blob('one')], { count: 2 });
    expect(await refusalOf(more)).toMatch(/^(the pack ends|an object|the pack has)/);
  });

  it('wherever it is cut off', async () => {
    const pack = packOf([first, onPrevious(first, change('one'))]);
    for (let end = 0; end < pack.length; end++)
      expect(await refusalOf(pack.subarray(0, end))).toMatch(/^(the pack|an object|there is no pack)/);
  });

  it('with sizes beyond all bounds, before memory is taken for them', async () => {
    const huge = Buffer.concat([Buffer.from([0xbf]), Buffer.alloc(30, 0xff), deflateSync('x')]);
    const header = Buffer.from('PACK\0\0\0\x02\0\0\0\x01', 'latin1');
    expect(await refusalOf(seal(Buffer.concat([header, huge])))).toBe(
      'the size of an object is beyond all bounds',
    );
    expect(await excessOf(packOf([{ ...blob('x'), size: 2 ** 40 }]), {})).toBe('bytes of one object');
    const delta = onPrevious(first, deltaOf(base.length, [insert('x')], 2 ** 40));
    expect(await excessOf(packOf([first, delta]), {})).toBe('bytes of one object');
  });

  it.each<[string, Buffer, Partial<Limits>]>([
    ['objects of one pack', packOf([blob('1'), blob('2'), blob('3')]), { packObjects: 2 }],
    ['objects of one pack', packOf([], { count: 4_000_000_000 }), {}],
    ['bytes of one object', packOf([blob('12345')]), { objectBytes: 4 }],
    [
      'bytes of one object',
      packOf([first, onPrevious(first, deltaOf(base.length, [copy(0, 20), copy(0, 20)]))]),
      { objectBytes: 30 },
    ],
    ['inflated bytes of one pack', packOf([blob('123'), blob('456')]), { inflatedBytes: 5 }],
    [
      'inflated bytes of one pack',
      packOf([first, onPrevious(first, deltaOf(base.length, [copy(0, 20), copy(0, 20)]))]),
      { inflatedBytes: 60 },
    ],
    ['bytes of objects in memory', packOf([blob('123'), blob('456')]), { keptBytes: 5 }],
    [
      'bytes of objects in memory',
      packOf([onId(baseId, change('1')), onId(baseId, change('2'))]),
      { keptBytes: 10 },
    ],
  ])('with more than the limit of %s', async (limit, pack, limits) => {
    expect(await excessOf(pack, limits)).toBe(limit);
  });

  it('whose dropped objects are counted as well', async () => {
    const pack = packOf([blob('x'.repeat(1_000)), blob('y'.repeat(1_000))]);
    expect(await excessOf(pack, { inflatedBytes: 1_500 }, ['tree'])).toBe('inflated bytes of one pack');
    expect((await read(pack, { keep: ['tree'], limits: { keptBytes: 10 } })).size).toBe(0);
  });

  it('at exactly the limits, it is not', async () => {
    const pack = packOf([blob('123'), blob('456')]);
    const limits = { packObjects: 2, objectBytes: 3, inflatedBytes: 6, keptBytes: 6, deltaDepth: 0 };
    expect((await read(pack, { limits })).size).toBe(2);
  });

  it('of any bytes, with nothing worse than a failure', async () => {
    const body = fc.tuple(
      fc.uint8Array({ maxLength: 120 }),
      fc.nat(4),
      fc.constantFrom(...Object.values(types)),
    );
    await fc.assert(
      fc.asyncProperty(body, async ([bytes, count, type]) => {
        const header = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');
        header.writeUInt32BE(count, 8);
        const pack = seal(Buffer.concat([header, Buffer.from([(type << 4) | 5]), Buffer.from(bytes)]));
        const failure = await failureFrom(read(pack));
        expect(['GIT_ANSWER_INVALID', 'GIT_LIMIT_EXCEEDED']).toContain(failure.code);
      }),
      { numRuns: 300 },
    );
  });
});
