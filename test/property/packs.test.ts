// Packs of every shape, read and written beside git: what one takes the other takes, with the same objects.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultLimits } from '../../src/git/limits.js';
import { type GitObject, hashObject, type ObjectType } from '../../src/git/objects.js';
import { readPack } from '../../src/git/pack-reader.js';
import { PackWriter } from '../../src/git/pack-writer.js';
import { encodePacket, FLUSH, PacketReader } from '../../src/git/pkt-line.js';
import { readSideBand } from '../../src/git/side-band.js';
import { Tree } from '../../src/git/tree.js';
import { Failure } from '../../src/kernel/failure.js';
import { BareRepository } from '../unit/support/bare.js';
import { chunksOf } from '../unit/support/chunks.js';
import { seal } from '../unit/support/packs.js';

const SEED = 20_261;
const HOST = 'git.example.com';
const ALL: ObjectType[] = ['commit', 'tree', 'blob', 'tag'];

let repository: BareRepository;
/** Every object of the repository. */
let ids: string[];
/** Packs of all of them, or of the last changes alone, by how git was told to make them. */
const packs = new Map<string, Buffer>();
/** Where their objects begin. */
const beginnings = new Map<string, number[]>();

beforeAll(() => {
  repository = new BareRepository();
  const lines = Array.from({ length: 300 }, (_, n) => `line-${n}: ${n * n}\n`);
  let before = '';
  for (let version = 0; version < 8; version++) {
    lines[version * 11] = `changed-${version}: true\n`;
    before = repository.head('main') ?? '';
    repository.push('main', { 'long.yaml': lines.join(''), [`d/e/${version}.yaml`]: `v: ${version}\n` });
  }
  repository.git(['tag', '-a', '-m', 'First', 'v1', 'main']);
  const listed = repository.git(['cat-file', '--batch-all-objects', '--batch-check=%(objectname)']);
  ids = listed.split('\n');
  const make = (...args: string[]) =>
    repository.bytes(['pack-objects', '-q', '--stdout', ...args], `${listed}\n`);
  packs.set('with deltas by id', make('--window=20', '--depth=50'));
  packs.set('with deltas by offset', make('--window=20', '--depth=50', '--delta-base-offset'));
  packs.set('without deltas', make('--window=0'));
  packs.set('not compressed', make('--compression=0', '--delta-base-offset'));
  for (const [name, pack] of packs) {
    indexByGit(pack);
    const shown = showIndex(path.join(repository.folder, 'tried.idx'));
    beginnings.set(
      name,
      shown.map(([offset]) => offset),
    );
  }
  const thin = ['pack-objects', '-q', '--stdout', '--thin', '--revs'];
  packs.set('of a difference', repository.bytes(thin, `main\n^${before}\n`));
});
afterAll(() => repository.remove());

const read = (chunks: AsyncIterable<Buffer>): Promise<Map<string, GitObject>> =>
  readPack(chunks, { host: HOST, limits: defaultLimits, keep: (type) => ALL.includes(type) });

/** Ids of what is read, in order; or that it is refused. Anything but a refusal is thrown. */
async function readIds(pack: Buffer, cuts: number[] = []): Promise<string[] | 'refused'> {
  try {
    const objects = await read(chunksOf(pack, cuts));
    const wrong = [...objects].find(([id, { type, content }]) => hashObject(type, content) !== id);
    if (wrong !== undefined) throw new Error(`${wrong[0]} is not the id of its content`);
    return [...objects.keys()].toSorted();
  } catch (error) {
    if (error instanceof Failure && /^GIT_(ANSWER_INVALID|LIMIT_EXCEEDED)$/.test(error.code))
      return 'refused';
    throw error;
  }
}

/** As git has it. */
function indexByGit(pack: Buffer): string[] | 'refused' {
  const file = path.join(repository.folder, 'tried.pack');
  const index = path.join(repository.folder, 'tried.idx');
  fs.rmSync(index, { force: true });
  fs.writeFileSync(file, pack);
  const env = { PATH: process.env.PATH, HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1' };
  const made = spawnSync('git', ['index-pack', '-o', index, file], { cwd: repository.folder, env });
  if (made.status !== 0) return 'refused';
  return [...new Set(showIndex(index).map(([, id]) => id))].toSorted();
}

/** Where each object of a pack begins, and its id. */
function showIndex(index: string): [offset: number, id: string][] {
  const shown = execFileSync('git', ['show-index'], { input: fs.readFileSync(index) }).toString();
  const lines = shown.split('\n').filter((line) => line !== '');
  return lines.map((line) => [Number(line.split(' ')[0]), line.split(' ')[1] ?? '']);
}

async function writePack(objects: GitObject[]): Promise<Buffer> {
  const writer = new PackWriter();
  for (const object of objects) await writer.add(hashObject(object.type, object.content), object);
  return writer.finish();
}

const cuts = fc.array(fc.nat(), { maxLength: 30 });
const kind = fc.constantFrom(
  'with deltas by id',
  'with deltas by offset',
  'without deltas',
  'not compressed',
);
const packOfKind = (name: string): Buffer => packs.get(name) as Buffer;

describe('A pack of git', () => {
  it('is read whole, wherever it is cut, on its own or in a channel', async () => {
    await fc.assert(
      fc.asyncProperty(kind, cuts, fc.integer({ min: 1, max: 5_000 }), async (name, places, size) => {
        const pack = packOfKind(name);
        expect(await readIds(pack, places)).toEqual(ids);
        const packets: Buffer[] = [];
        for (let at = 0; at < pack.length; at += size)
          packets.push(encodePacket(Buffer.concat([Buffer.from([1]), pack.subarray(at, at + size)])));
        const reader = new PacketReader(HOST, chunksOf(Buffer.concat([...packets, FLUSH]), places));
        expect([...(await read(readSideBand(HOST, reader))).keys()].toSorted()).toEqual(ids);
      }),
      { seed: SEED, numRuns: 40 },
    );
  });

  it('that leaves out the bases of its deltas is refused, as git refuses it', async () => {
    const thin = packOfKind('of a difference');
    expect(indexByGit(thin)).toBe('refused');
    expect(await readIds(thin)).toBe('refused');
  });

  it('with a changed byte is refused', async () => {
    await fc.assert(
      fc.asyncProperty(
        kind,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        cuts,
        async (name, at, mask, places) => {
          const pack = Buffer.from(packOfKind(name));
          const place = at % pack.length;
          pack[place] = (pack[place] ?? 0) ^ mask;
          expect(await readIds(pack, places)).toBe('refused');
        },
      ),
      { seed: SEED, numRuns: 150 },
    );
  });

  it('with changed bytes and a checksum that fits is taken when git takes it, with the same objects', async () => {
    const change = fc.tuple(fc.nat(), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(kind, fc.array(change, { minLength: 1, maxLength: 3 }), async (name, changes) => {
        const body = Buffer.from(packOfKind(name).subarray(0, -20));
        // Most places are where an object begins: its type, its size, its base.
        const begins = beginnings.get(name) ?? [];
        for (const [at, value] of changes) {
          const begin = begins[at % begins.length] ?? 0;
          body[value % 4 === 0 ? at % body.length : begin + (at % 3)] = value;
        }
        const pack = seal(body);
        expect(await readIds(pack)).toEqual(indexByGit(pack));
      }),
      { seed: SEED, numRuns: 250 },
    );
  });

  it('with bytes taken out or put in is taken when git takes it, with the same objects', async () => {
    await fc.assert(
      fc.asyncProperty(
        kind,
        fc.nat(),
        fc.nat(8),
        fc.uint8Array({ maxLength: 8 }),
        async (name, at, gone, bytes) => {
          const body = packOfKind(name).subarray(0, -20);
          const place = at % body.length;
          const pack = seal(Buffer.concat([body.subarray(0, place), bytes, body.subarray(place + gone)]));
          expect(await readIds(pack)).toEqual(indexByGit(pack));
        },
      ),
      { seed: SEED, numRuns: 150 },
    );
  });
});

describe('A pack of ours', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .tuple(fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.integer({ min: 1, max: 40_000 }))
      .map(([unit, times]) => Buffer.alloc(unit.length * times, unit)),
  );
  const blobs = fc.uniqueArray(bytes, {
    maxLength: 12,
    selector: (content) => Buffer.from(content).toString('latin1'),
  });

  it('is taken by git index-pack --strict and git unpack-objects --strict, with the same objects', async () => {
    await fc.assert(
      fc.asyncProperty(blobs, async (contents) => {
        const objects: GitObject[] = contents.map((content) => ({
          type: 'blob',
          content: Buffer.from(content),
        }));
        const items = objects.map(({ type, content }, n) => ({
          mode: '100644',
          name: `f${n}`,
          id: hashObject(type, content),
        }));
        const tree: GitObject = { type: 'tree', content: Tree.of(items).content };
        const pack = await writePack([...objects, tree]);
        const own = [...objects, tree].map(({ type, content }) => hashObject(type, content)).toSorted();
        expect(indexByGit(pack)).toEqual([...new Set(own)]);
        expect(await readIds(pack)).toEqual([...new Set(own)]);
        const taker = new BareRepository();
        try {
          taker.git(['unpack-objects', '-q', '--strict'], { input: pack });
          taker.git(['index-pack', '--strict', '--stdin'], { input: pack });
          expect(taker.content('tree', hashObject('tree', tree.content))).toEqual(tree.content);
        } finally {
          taker.remove();
        }
      }),
      { seed: SEED, numRuns: 25 },
    );
  });
});
