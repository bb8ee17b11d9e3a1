// Branches and nothing else: full names, so that a tag is never taken for one.
import type { Branch, CommitId } from './git.js';
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
  const branches = references.filter(({ name }) => name.startsWith(PREFIX));
  const target = references.find(({ name }) => name === 'HEAD')?.target ?? null;
  return {
    // fromEntries makes own properties: a branch may be called __proto__.
    branches: Object.fromEntries(branches.map(({ name, id }) => [name.slice(PREFIX.length), id])),
    default: target?.startsWith(PREFIX) === true ? target.slice(PREFIX.length) : null,
  };
}
