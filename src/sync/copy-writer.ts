// Brings a planned part of a refresh into the copy: reads what is not known yet, judges every document by itself, and writes
// copies, problems and events.
import { Injectable } from '@nestjs/common';
import { type Connector, ConnectorsRepository } from '../connectors/connectors.repository.js';
import { CopiesRepository } from '../entities/copies.repository.js';
import { DocumentValidator, documentBytesMax } from '../entities/document.js';
import { InlineRepository } from '../entities/inline.repository.js';
import type { Kind } from '../entities/kinds.repository.js';
import { EventsRepository, type NewEvent } from '../events/events.repository.js';
import { blobIdOf } from '../git/blob-id.js';
import type { BlobId, CommitId, Git } from '../git/git.js';
import { Failure, type WireFailure } from '../kernel/failure.js';
import type { Scope } from '../scopes/scope.js';
import { ScopesRepository } from '../scopes/scopes.repository.js';
import type { Session } from '../storage/database.js';
import { FileProblemsRepository } from './file-problems.repository.js';
import { JudgeAhead } from './judge-ahead.js';
import { Reconsideration } from './reconsideration.js';
import { recordPart } from './recorded.js';
import { type Action, barred, nameOf, type Report } from './refresh-plan.js';
import { ofCopy } from './told.js';
import type { Named } from './tracked-files.js';
import type { ConnectorKey } from './tracking.repository.js';
import { WayLost } from './way.js';

type Write = Extract<Action, { do: 'write' }>;

export interface WrittenPart {
  /** In order of their paths. */
  actions: Action[];
  /** By path, what the writes of it write. */
  documents: Map<string, Judged>;
  commit: CommitId;
  /** What was looked at: problems of before are over. */
  paths: string[];
}

interface Judged {
  yaml: Buffer;
  invalid: WireFailure | null;
}

interface Order {
  key: ConnectorKey;
  connector: Connector;
  branch: string;
  /** What subscribers are told that it was; `git` for a push. */
  cause?: 'import';
  /** Whether what comes to light at the last moment is a problem of the file. */
  isTracked?: boolean;
}

interface Part {
  connector: Connector;
  kinds: ReadonlyMap<string, Kind>;
  target: CommitId;
  actions: Action[];
  /** Documents that came along, by blob id. */
  contents: Map<BlobId, Uint8Array>;
  /** What is known of some of them. */
  ahead?: JudgeAhead | undefined;
  paths: string[];
}

@Injectable()
export class CopyWriter {
  constructor(
    private readonly copies: CopiesRepository,
    private readonly inlines: InlineRepository,
    private readonly problems: FileProblemsRepository,
    private readonly reconsideration: Reconsideration,
    private readonly scopes: ScopesRepository,
    private readonly documents: DocumentValidator,
    private readonly events: EventsRepository,
    private readonly connectors: ConnectorsRepository,
  ) {}

  judgeAhead(kinds: ReadonlyMap<string, Kind>): JudgeAhead {
    return new JudgeAhead(this.documents, kinds);
  }

  /** Reads and judges; what cannot be taken becomes a report. */
  async prepare(
    git: Git,
    { connector, kinds, target, actions, contents, ahead, paths }: Part,
  ): Promise<WrittenPart> {
    const writes = actions.filter((action) => action.do === 'write');
    const scopes = await this.scopes.existing([...new Set(writes.map(({ named }) => named.scope))]);
    const fit = writes.filter(({ named }) => kinds.has(named.kind) && scopes.has(named.scope));
    const bytes = await this.#read(git, { repository: connector.url, target, contents }, fit);
    const documents = await this.#judge(fit, bytes, { kinds, ahead });
    const judged = actions.map((action): Action => {
      if (action.do !== 'write' || documents.has(action.path)) return action;
      const problem = whatIsMissing(action.named, kinds, scopes);
      if (problem === undefined) return reportOf(action, tooLong());
      return reportOf(action, new Failure('FILE_UNFIT', { path: action.path, problem }) as Failure);
    });
    return { actions: judged, documents, commit: target, paths };
  }

  /**
   * @returns what was not written, since its entity has come to be inline since the part was judged
   * @throws CONNECTOR_BUSY where the connector has another URL by now; WayLost where a file of the way was in the shadow of an inline
   *   entity that is none any more
   */
  async write(tx: Session, order: Order, part: WrittenPart): Promise<Report[]> {
    const { documents, commit, paths } = part;
    const late = await this.#findLate(tx, part.actions, order);
    const actions = part.actions
      .flatMap((action) => late.get(action.path) ?? action)
      .filter((action) => order.isTracked === true || !late.has(action.path));
    const { key, connector, branch } = order;
    const place = { repository: connector.url, branch };
    await this.connectors.holdAt(tx, connector);
    const told: NewEvent[] = [];
    const more = { commitId: commit, connector: connector.id, cause: order.cause ?? 'git' };
    await this.problems.clear(tx, key, branch, paths);
    for (const action of actions) {
      const judged = documents.get(action.path);
      told.push(...tell(action, judged, { branch, more }));
      if (action.do === 'report' && action.kept !== undefined && action.verdict === 'invalid')
        await this.copies.mark(tx, action.kept, place, action.failure.toWire());
    }
    const gone = actions.flatMap((action) => (action.do === 'delete' ? action.copy : []));
    await this.copies.delete(tx, gone, place);
    const writes = actions.filter((action) => action.do === 'write');
    await this.copies.write(
      tx,
      writes.map((action) => toRow(action, documents.get(action.path) as Judged, { order, commit })),
    );
    const reports = actions.filter((action) => action.do === 'report');
    await this.problems.write(
      tx,
      reports.map((report) => toProblem(report, { order, commit })),
    );
    // Files of other repositories, or of other connectors, may be these entities now.
    await this.reconsideration.begin(tx, gone, order.isTracked === true ? key : undefined);
    await this.events.record(tx, told);
    const by = order.cause === 'import' ? 'imported' : 'refreshed';
    recordPart(tx, { ...key, branch, commit, by }, actions);
    return [...late.values()];
  }

  /** By path. None of the part becomes inline any more, or ceases to be it, until the transaction ends. @throws WayLost */
  async #findLate(tx: Session, actions: Action[], { isTracked }: Order): Promise<Map<string, Report>> {
    const writes = actions.filter((action) => action.do === 'write');
    const shadowed = isTracked === true ? actions.flatMap(inShadow) : [];
    const kept = await this.inlines.keepOut(tx, [...writes.map(({ named }) => named), ...shadowed]);
    const inline = new Set(kept.map(nameOf));
    // Whoever deleted it found no problem of the file yet, and wished for no look.
    if (shadowed.some((named) => !inline.has(nameOf(named)))) throw new WayLost();
    const late = writes.filter(({ named }) => inline.has(nameOf(named)));
    return new Map(late.map(({ path, blob, named }) => [path, barred(path, blob, named)]));
  }

  /** Documents by blob id: those that came along, those that the copy has, and the others from Git. */
  async #read(
    git: Git,
    { repository, target, contents }: { repository: string; target: CommitId; contents: Part['contents'] },
    writes: Write[],
  ): Promise<Map<BlobId, Buffer>> {
    const found = new Map<BlobId, Buffer>();
    for (const { blob } of writes) {
      const content = contents.get(blob);
      if (content !== undefined) found.set(blob, asBuffer(content));
    }
    const missing = (): Write[] => writes.filter(({ blob }) => !found.has(blob));
    const wanted = missing().map(({ blob }) => blob);
    // A row that somebody changed by hand is no source.
    for (const [blob, yaml] of await this.copies.contents(repository, wanted))
      if (blobIdOf(yaml) === blob) found.set(blob, yaml);
    const paths = new Map(missing().map(({ blob, path }) => [blob, path]));
    for (const { id, content } of await readAll(git, target, [...paths.values()]))
      found.set(id, asBuffer(content));
    return found;
  }

  /** By path, each document by itself; those that are too long to be one are left out. */
  async #judge(
    writes: Write[],
    bytes: ReadonlyMap<BlobId, Buffer>,
    { kinds, ahead }: Pick<Part, 'kinds' | 'ahead'>,
  ): Promise<Map<string, Judged>> {
    const judged = new Map<string, Judged>();
    const found = writes.flatMap(({ path, blob, named }) => {
      const yaml = bytes.get(blob);
      return yaml === undefined || yaml.byteLength > documentBytesMax ? [] : { path, blob, named, yaml };
    });
    const known = await Promise.all(found.map(async (file) => ahead?.take(file)));
    for (const [at, { path, yaml }] of found.entries()) {
      const invalid = known[at];
      if (invalid !== undefined) judged.set(path, { yaml, invalid });
    }
    const others = found.filter(({ path }) => !judged.has(path));
    await Promise.all(
      [...Map.groupBy(others, ({ named }) => named.kind)].map(async ([kind, some]) => {
        const meant = some.map(({ yaml, named: { scope, id } }) => ({ yaml, meant: { scope, id } }));
        const verdicts = await this.documents.validateAll(meant, kinds.get(kind) as Kind);
        for (const [at, { path, yaml }] of some.entries())
          judged.set(path, { yaml, invalid: verdicts[at] ?? null });
      }),
    );
    return judged;
  }
}

/** The inline entity that a file would be. */
const inShadow = (action: Action): Named | [] =>
  action.do === 'report' && action.failure.code === 'ENTITY_INLINE' ? (action.named ?? []) : [];

/** Files of a commit; what is too much for one answer is asked for in halves, and one that is too much by itself is left out. */
async function readAll(
  git: Git,
  at: CommitId,
  paths: string[],
): Promise<{ id: BlobId; content: Uint8Array }[]> {
  if (paths.length === 0) return [];
  try {
    return (await git.read(at, paths)).filter((file) => file !== null);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'GIT_LIMIT_EXCEEDED') throw error;
    if (paths.length === 1) return [];
    const half = Math.ceil(paths.length / 2);
    return [
      ...(await readAll(git, at, paths.slice(0, half))),
      ...(await readAll(git, at, paths.slice(half))),
    ];
  }
}

/** The same bytes, not a copy of them. */
const asBuffer = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);

function whatIsMissing(
  { scope, kind }: Named,
  kinds: ReadonlyMap<string, Kind>,
  scopes: ReadonlySet<Scope>,
): string | undefined {
  if (!kinds.has(kind)) return `there is no kind ${kind}`;
  return scopes.has(scope) ? undefined : `there is no scope ${scope}`;
}

const tooLong = (): Failure =>
  new Failure('YAML_REFUSED', {
    problem: `the document is longer than ${documentBytesMax} bytes`,
    line: 1,
    column: 1,
  }) as Failure;

function reportOf({ path, blob, named, before: kept }: Write, failure: Failure): Report {
  const { scope, kind, id } = named;
  return { do: 'report', path, blob, verdict: 'invalid', kind, named: { scope, kind, id }, failure, kept };
}

function toRow(
  { named, path, blob, before }: Write,
  { yaml, invalid }: Judged,
  { order: { connector, branch }, commit }: { order: Order; commit: CommitId },
) {
  const { scope, kind, id } = named;
  return {
    scope,
    kind,
    id,
    branch,
    connector_scope: before?.connector_scope || connector.scope,
    connector_id: before?.connector_id || connector.id,
    repository: connector.url,
    path,
    yaml,
    blob_id: blob,
    commit_id: commit,
    operation_id: null,
    invalid: invalid === null ? null : JSON.stringify(invalid),
  };
}

function toProblem(
  { path, verdict, blob, kind, named, failure }: Report,
  { order: { key, branch }, commit }: { order: Order; commit: CommitId },
) {
  return {
    ...key,
    branch,
    path,
    verdict,
    blob_id: blob,
    commit_id: commit,
    kind,
    entity_scope: named?.scope ?? null,
    entity_id: named?.id ?? null,
    failure: JSON.stringify(failure.toWire()),
  };
}

/** What subscribers learn of an action. Of a file that names no entity they learn nothing: it is of none. */
function tell(
  action: Action,
  judged: Judged | undefined,
  { branch, more }: { branch: string; more: object },
): NewEvent[] {
  const { path } = action;
  if (action.do === 'delete') return [ofCopy({ ...action.copy, branch, path }, 'deleted', more)];
  if (action.do === 'report') {
    if (action.named === null) return [];
    const { verdict, blob, named, failure } = action;
    return [ofCopy({ ...named, branch, path }, verdict, { ...more, blobId: blob, ...failure.toWire() })];
  }
  const { named, change, blob, before } = action;
  const copy = { ...named, branch, path };
  const about = { ...more, blobId: blob, ...(change === 'moved' ? { from: before?.path } : {}) };
  const invalid = judged?.invalid ?? null;
  return [
    ofCopy(copy, change, about),
    ...(invalid === null ? [] : [ofCopy(copy, 'invalid', { ...about, ...invalid })]),
  ];
}
