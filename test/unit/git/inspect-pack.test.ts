import { describe, expect, it } from 'vitest';
import { inspectPack } from '../../../src/git/inspect-pack.js';
import { defaultLimits } from '../../../src/git/limits.js';
import { BareRepository } from '../support/bare.js';
import { chunksOf } from '../support/chunks.js';
import { blob, copy, deltaOf, insert, onId, packOf, types } from '../support/packs.js';
import { failureFrom } from '../support/refusals.js';

const inspect = (pack: Buffer) => inspectPack(chunksOf(pack), defaultLimits);

describe('inspecting a pack', () => {
  it('tells what git put into it, by type', async () => {
    const repository = new BareRepository();
    try {
      for (const version of [1, 2, 3])
        repository.push('main', { 'd/long.yaml': `n: 1\n`.repeat(200) + version, 'a.yaml': 'a: 1\n' });
      repository.git(['tag', '-a', '-m', 'First', 'v1', 'main']);
      const pack = repository.bytes(['pack-objects', '--stdout', '-q', '--all', '--delta-base-offset']);
      expect(await inspect(pack)).toEqual({
        objects: 14,
        types: { commit: 3, tree: 6, blob: 4, tag: 1 },
        bytes: pack.length,
      });
    } finally {
      repository.remove();
    }
  });

  it('counts a delta without its base among the objects alone', async () => {
    const pack = packOf([blob('one'), onId('f'.repeat(40), deltaOf(9, [copy(0, 9), insert('x')]))]);
    expect(await inspect(pack)).toMatchObject({
      objects: 2,
      types: { commit: 0, tree: 0, blob: 1, tag: 0 },
    });
  });

  it.each([
    [
      'a tree that is none',
      types.tree,
      'not a tree',
      /^a tree ends inside an entry \(object [0-9a-f]{40}\)$/,
    ],
    [
      'a commit that is none',
      types.commit,
      'x',
      /^a commit does not begin with its tree \(object [0-9a-f]{40}\)$/,
    ],
  ])('refuses %s', async (_, type, content, reason) => {
    const failure = await failureFrom(inspect(packOf([{ type, content: Buffer.from(content) }])));
    expect(failure).toMatchObject({ code: 'GIT_ANSWER_INVALID', data: { host: 'the pack' } });
    expect((failure.data as { reason: string }).reason).toMatch(reason);
  });

  it('refuses a broken pack and one beyond the limits', async () => {
    expect((await failureFrom(inspect(Buffer.from('PACK')))).code).toBe('GIT_ANSWER_INVALID');
    const limits = { ...defaultLimits, objectBytes: 2 };
    const failure = await failureFrom(inspectPack(chunksOf(packOf([blob('one')])), limits));
    expect(failure.code).toBe('GIT_LIMIT_EXCEEDED');
  });
});
