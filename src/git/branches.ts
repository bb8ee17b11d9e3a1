// Branches and nothing else: full names, so that a tag is never taken for one.
import { Breath } from './breath.js';
import type { Branch, CommitId } from './git.js';
import { isReferenceName } from './reference-names.js';
import type { Session } from './session.js';
import { listReferences } from './upload-pack.js';

const PREFIX = 'refs/heads/';

/** The commit a branch points at; `null` when there is no such branch. */
export async function findBranch(session: Session, branch: Branch): Promise<CommitId | null> {
  const name = PREFIX + branch;
  const references = await listReferences(session, [name]);
  return references.find((reference) => reference.name === name)?.id ?? null;
}

/** All branches, and the one HEAD points at. */
export async function listBranches(
  session: Session,
): Promise<{ branches: Record<Branch, CommitId>; default: Branch | null }> {
  const references = await listReferences(session, ['HEAD', PREFIX]);
  const branches: Record<Branch, CommitId> = {};
  const breath = new Breath();
  for (const { name, id } of references) {
    if (breath.isDue) await breath.take();
    if (name.startsWith(PREFIX) && isReferenceName(name)) keepOwn(branches, name.slice(PREFIX.length), id);
  }
  const target = references.find(({ name }) => name === 'HEAD')?.target;
  const named = target?.startsWith(PREFIX) === true ? target.slice(PREFIX.length) : null;
  return { branches, default: named !== null && Object.hasOwn(branches, named) ? named : null };
}

/** A branch may be called __proto__. */
function keepOwn(branches: Record<Branch, CommitId>, name: Branch, id: CommitId): void {
  if (name === '__proto__')
    Object.defineProperty(branches, name, {
      value: id,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  else branches[name] = id;
}
