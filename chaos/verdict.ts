// From outside: is everything that was acknowledged where it was promised, once? Knows the clients' journals, the API's answers
// and the repositories, and believes none of them alone.
import path from 'node:path';
import { blobIdOf } from './client.js';
import { type Commit, findDamage, listFiles, readHistory } from './history.js';
import type { Evidence, Sent, ShownOperation } from './journal.js';

export interface Problem {
  kind: 'open' | 'lost' | 'doubled' | 'unsound' | 'wrong';
  /** The operation, or the key, or the place it is about. */
  about: string;
  what: string;
}

export interface Verdict {
  operations: number;
  terminal: number;
  problems: Problem[];
}

/** `root` holds the bare repositories. */
export function judge(evidence: Evidence, root: string): Verdict {
  const shown = new Map(evidence.operations.map((one) => [one.id, one]));
  const acknowledged = new Set(evidence.sent.flatMap(({ operations }) => operations));
  const problems = evidence.sent.flatMap((sent) => judgeRequest(sent, shown));
  for (const { id } of evidence.operations)
    if (!acknowledged.has(id)) problems.push({ kind: 'doubled', about: id, what: 'nobody was told of it' });
  for (const { name, branches } of evidence.repositories) {
    const folder = path.join(root, `${name}.git`);
    const damage = findDamage(folder);
    if (damage !== undefined) problems.push({ kind: 'unsound', about: name, what: damage });
    for (const branch of branches) problems.push(...judgeBranch(evidence, { folder, name, branch }, shown));
  }
  const terminal = [...acknowledged].filter((id) => (shown.get(id)?.state ?? 'pending') !== 'pending');
  return { operations: acknowledged.size, terminal: terminal.length, problems };
}

export function closingLine({ operations, terminal, problems }: Verdict): string {
  const count = (kind: Problem['kind']): number =>
    new Set(problems.filter((one) => one.kind === kind).map(({ about }) => about)).size;
  const fsck = count('unsound') === 0 ? 'clean' : 'not clean';
  return `operations ${operations}, terminal ${terminal}, lost ${count('lost')}, doubled ${count('doubled')}, fsck ${fsck}`;
}

/** One request, one operation, which ended as it had to and kept what was sent. */
function judgeRequest(sent: Sent, shown: Map<string, ShownOperation>): Problem[] {
  const [id, ...others] = sent.operations;
  if (id === undefined)
    return [
      { kind: 'wrong', about: sent.key, what: `${sent.client} was never promised anything: ${sent.answer}` },
    ];
  if (others.length > 0)
    return [{ kind: 'doubled', about: id, what: `the same key also gave ${others.join(', ')}` }];
  const operation = shown.get(id);
  if (operation === undefined) return [{ kind: 'lost', about: id, what: 'the API does not know it' }];
  const { state, yaml, problem, waitsFor } = operation;
  if (yaml !== sent.yaml) return [{ kind: 'lost', about: id, what: 'its content is not what was sent' }];
  if (state === 'pending')
    return [{ kind: 'open', about: id, what: `it still waits for ${waitsFor ?? 'its turn'}` }];
  if (state === sent.expected) return [];
  const why = problem === null ? '' : ` (${problem.code}: ${problem.detail})`;
  return [{ kind: 'wrong', about: id, what: `it ended as ${state}${why}, and had to be ${sent.expected}` }];
}

interface Branch {
  folder: string;
  /** Of the repository. */
  name: string;
  branch: string;
}

function judgeBranch(evidence: Evidence, at: Branch, shown: Map<string, ShownOperation>): Problem[] {
  const history = readHistory(at.folder, at.branch);
  const sent = evidence.sent.filter(
    ({ repository, branch }) => repository === at.name && branch === at.branch,
  );
  const place = `${at.name} ${at.branch}`;
  const problems: Problem[] = history
    .filter(({ parents }) => parents > 1)
    .map(({ id }) => ({ kind: 'unsound', about: place, what: `${id} is a merge` }));
  const commits = new Map<string, Commit[]>();
  for (const commit of history)
    for (const id of commit.operations) commits.set(id, [...(commits.get(id) ?? []), commit]);
  for (const one of sent) problems.push(...judgeCommits(one, shown, commits));
  const known = new Set(sent.flatMap(({ operations }) => operations));
  for (const id of commits.keys())
    if (!known.has(id))
      problems.push({ kind: 'doubled', about: id, what: `${place} has a commit nobody asked for` });
  return [...problems, ...judgeFiles(evidence, at), ...judgeLast(sent, shown, at)];
}

/** What succeeded is one commit with what was sent; what did not is none. */
function judgeCommits(
  sent: Sent,
  shown: Map<string, ShownOperation>,
  commits: Map<string, Commit[]>,
): Problem[] {
  const id = sent.operations[0] ?? '';
  const operation = shown.get(id);
  if (operation === undefined || operation.state === 'pending') return [];
  const found = commits.get(id) ?? [];
  const ids = found.map((commit) => commit.id).join(', ');
  if (operation.state !== 'succeeded')
    return found.length === 0
      ? []
      : [
          {
            kind: 'doubled',
            about: id,
            what: `it ended as ${operation.state}, and is on the branch as ${ids}`,
          },
        ];
  if (found.length > 1) return [{ kind: 'doubled', about: id, what: `it is on the branch as ${ids}` }];
  const [commit] = found;
  if (commit === undefined) return [{ kind: 'lost', about: id, what: 'no commit of the branch is of it' }];
  const { path: file, commitId } = operation.git;
  if (commit.id !== commitId)
    return [
      {
        kind: 'lost',
        about: id,
        what: `it is on the branch as ${commit.id}, not as ${commitId ?? 'nothing'}`,
      },
    ];
  const blob = sent.yaml === null ? null : blobIdOf(sent.yaml);
  if (commit.changes.size === 1 && commit.changes.get(file) === blob) return [];
  return [{ kind: 'lost', about: id, what: `${commit.id} does not put what was sent at ${file}` }];
}

/** The API's entities and the files at the head are the same. */
function judgeFiles({ entities, repositories }: Evidence, { folder, name, branch }: Branch): Problem[] {
  const files = listFiles(folder, branch);
  files.delete('README.md');
  const scope = repositories.find((one) => one.name === name)?.scope;
  const problems: Problem[] = [];
  for (const { id, yaml, git } of entities.filter(
    (one) => one.scope === scope && one.git.branch === branch,
  )) {
    const blob = files.get(git.path);
    files.delete(git.path);
    if (blob === blobIdOf(yaml) && blob === git.blobId) continue;
    problems.push({ kind: 'lost', about: `${name} ${branch} ${id}`, what: `the API and ${git.path} differ` });
  }
  for (const file of files.keys())
    problems.push({ kind: 'lost', about: `${name} ${branch} ${file}`, what: 'the API has no such entity' });
  return problems;
}

/** Of an entity that only one client changes, the last change that client asked for is what is there. */
function judgeLast(sent: Sent[], shown: Map<string, ShownOperation>, { folder, branch }: Branch): Problem[] {
  const files = listFiles(folder, branch);
  const last = new Map<string, Sent>();
  for (const one of sent)
    if (one.isOwn && shown.get(one.operations[0] ?? '')?.state === 'succeeded') last.set(one.entity, one);
  return [...last.values()].flatMap(({ operations, yaml }): Problem[] => {
    const id = operations[0] as string;
    const file = shown.get(id)?.git.path ?? '';
    if ((files.get(file) ?? null) === (yaml === null ? null : blobIdOf(yaml))) return [];
    return [{ kind: 'lost', about: id, what: `${file} does not hold this, which came last` }];
  });
}
