// Reads a pack as the engine would, for diagnosis: the same reader under the same limits, and a look into every commit and tree.
import { Breath } from './breath.js';
import { refuseAnswer } from './host-answer.js';
import type { Limits } from './limits.js';
import { decodeCommit, type GitObject, MalformedObject, type ObjectType } from './objects.js';
import { readPack } from './pack-reader.js';
import { Tree } from './tree.js';

export interface PackContents {
  /** Objects the pack has. */
  objects: number;
  /** Of these, those whose type is known: a delta on a blob that is not in the pack has none. */
  types: Record<ObjectType, number>;
  /** Bytes of the pack itself. */
  bytes: number;
}

/** Who failures say the pack is from. */
const SOURCE = 'the pack';

/**
 * What the pack holds. Blobs are inflated and dropped, as when a host sends them unasked.
 * @throws Failure GIT_ANSWER_INVALID for a broken pack, commit or tree, GIT_LIMIT_EXCEEDED for too much of it.
 */
export async function inspectPack(chunks: AsyncIterable<Buffer>, limits: Limits): Promise<PackContents> {
  const contents: PackContents = { objects: 0, types: { commit: 0, tree: 0, blob: 0, tag: 0 }, bytes: 0 };
  const kept = await readPack(count(chunks, contents), {
    host: SOURCE,
    limits,
    keep: (type) => type !== 'blob',
    onEntry: () => contents.objects++,
    onObject: (type) => contents.types[type]++,
  });
  const breath = new Breath();
  for (const [id, object] of kept) await requireSound(id, object, breath);
  return contents;
}

async function* count(chunks: AsyncIterable<Buffer>, contents: PackContents): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    contents.bytes += chunk.length;
    yield chunk;
  }
}

async function requireSound(id: string, { type, content }: GitObject, breath: Breath): Promise<void> {
  try {
    if (type === 'commit') decodeCommit(content);
    if (type === 'tree') await Tree.read(content, breath);
    await breath.take();
  } catch (error) {
    if (error instanceof MalformedObject) throw refuseAnswer(SOURCE, `${error.message} (object ${id})`);
    throw error;
  }
}
