// Packs whose deltas stand on objects that the receiver has already.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultLimits } from '../../../src/git/limits.js';
import { type GitObject, hashObject, type ObjectType } from '../../../src/git/objects.js';
import { type PackOptions, readPack } from '../../../src/git/pack-reader.js';
import { BareRepository } from '../support/bare.js';
import { chunksOf } from '../support/chunks.js';
import { copy, deltaOf, insert, onId, packOf } from '../support/packs.js';
import { failureFrom } from '../support/refusals.js';

const ALL: ObjectType[] = ['commit', 'tree', 'blob', 'tag'];
const TREES: ObjectType[] = ['commit', 'tree'];
type Known = PackOptions['known'];

const read = (pack: Buffer, keep = ALL, known?: Known): Promise<Map<string, GitObject>> =>
  readPack(chunksOf(pack), {
    host: 'git.example.com',
    limits: defaultLimits,
    keep: (type) => keep.includes(type),
    ...(known === undefined ? {} : { known }),
  });

describe('a thin pack', () => {
  let repository: BareRepository;
  beforeAll(() => {
    repository = new BareRepository();
    const files = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`d/${n}.yaml`, `n: ${n}\n`]));
    const lines = Array.from({ length: 300 }, (_, n) => `line-${n}: ${n * n}\n`);
    for (let version = 0; version < 8; version++) {
      lines[version * 7] = `changed-${version}: true\n`;
      files[`d/${version}.yaml`] = `version: ${version}\n`;
      repository.push('main', { ...files, 'long.yaml': lines.join('') });
    }
  });
  afterAll(() => repository.remove());

  const pack = (revisions: string, ...options: string[]): Buffer =>
    repository.bytes(['pack-objects', '--stdout', '-q', '--revs', '--window=20', ...options], revisions);
  const thin = (...options: string[]): Buffer => pack('main\n^main~5\n', '--thin', ...options);
  const knownOf = async (keep: ObjectType[]): Promise<NonNullable<Known>> => {
    const older = await read(pack('main~5\n'), keep);
    return (id) => older.get(id);
  };
  const idsOf = (keep: ObjectType[]): string[] =>
    repository
      .git(['rev-list', '--objects', '--no-object-names', 'main', '^main~5'])
      .split('\n')
      .filter((id) => keep.includes(repository.git(['cat-file', '-t', id]) as ObjectType))
      .toSorted();

  it.each([[['--delta-base-offset']], [[]]])('is completed with what is known (%j)', async (options) => {
    const objects = await read(thin(...options), ALL, await knownOf(ALL));
    expect([...objects.keys()].toSorted()).toEqual(idsOf(ALL));
    for (const [id, { type, content }] of objects) expect(hashObject(type, content)).toBe(id);
  });

  it('is refused where nothing is known, so that the test above means something', async () => {
    const failure = await failureFrom(read(thin()));
    expect(failure).toMatchObject({
      code: 'GIT_ANSWER_INVALID',
      data: { reason: 'a delta names a base that is not there' },
    });
    expect([...(await read(thin(), TREES)).keys()].length).toBeLessThan(idsOf(TREES).length);
  });

  it.each([[TREES], [ALL]])('loses nothing of the trees where %j are known', async (known) => {
    const objects = await read(thin(), TREES, await knownOf(known));
    expect([...objects.keys()].toSorted()).toEqual(idsOf(TREES));
  });

  it('is refused when a delta does not fit what is known', async () => {
    const delta = deltaOf(9, [copy(0, 9), insert('x')]);
    const failure = await failureFrom(
      read(packOf([onId('f'.repeat(40), delta)]), ALL, () => ({
        type: 'blob',
        content: Buffer.from('short'),
      })),
    );
    expect(failure.data).toMatchObject({ reason: 'a delta does not fit its base' });
  });
});
