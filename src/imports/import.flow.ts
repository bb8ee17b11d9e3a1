// Brings files that are committed already under Sallyport: lists them once, and then judges and applies them part by part, by
// whichever manager claims the import. A part is applied under the lane's lease at the head that is read under it, so that
// nothing is older than what a save or a push wrote.
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Connectivity } from '../connectivity/connectivity.js';
import { type Connector, ConnectorsRepository } from '../connectors/connectors.repository.js';
import { CopiesRepository } from '../entities/copies.repository.js';
import { type Kind, KindsRepository } from '../entities/kinds.repository.js';
import type { CommitId, Git } from '../git/git.js';
import { cutActor } from '../kernel/actor.js';
import { inSpan } from '../kernel/concern.js';
import { Failure } from '../kernel/failure.js';
import { Log } from '../kernel/log.js';
import { step } from '../kernel/step.js';
import { accountOf } from '../scopes/scope.js';
import { CopyWriter, type WrittenPart } from '../sync/copy-writer.js';
import { FileProblemsRepository } from '../sync/file-problems.repository.js';
import { askedMs } from '../sync/host-pauses.js';
import { LaneFlow } from '../sync/lane.flow.js';
import { LanesRepository, type Lease, LeaseLost } from '../sync/lanes.repository.js';
import { PartJudge, readIfShort } from '../sync/part-judge.js';
import { ReadAhead } from '../sync/read-ahead.js';
import { findArrivals, nameOf, type Surroundings } from '../sync/refresh-plan.js';
import { isKeepable, type TrackedFile, TrackedFiles } from '../sync/tracked-files.js';
import { TrackingRepository } from '../sync/tracking.repository.js';
import { judgeNext, nameIn, type Way } from '../sync/way.js';
import { tellPart } from './import-facts.js';
import {
  commonFolder,
  conclude,
  correct,
  isForestalled,
  pathsTaken,
  pauseAfter,
  sift,
  type Tree,
  toWrite,
  type Verdict,
  type Wanted,
} from './import-plan.js';
import type { ImportRecord } from './import-rows.js';
import { ImportOvertaken, ImportsRepository, type NewImport } from './imports.repository.js';

const SWEEP_MS = 500;
const FORGET_MS = 3_600_000;
/** Imports that this manager is at. */
const RUNNING_MAX = 4;
/** Files of one part, which is one transaction. */
const PART_FILES_MAX = 200;
/** So many are known before their turn. */
const AHEAD_FILES_MAX = 4_000;
/** Files of one import. */
const FILES_MAX = 100_000;
/** The import was taken from this manager, or is left to another one. */
const BUSY_PAUSE_MS = 250;

/** What an import works with. */
interface Desk {
  connector: Connector;
  kinds: ReadonlyMap<string, Kind>;
  git: Git;
}

/** The files of a commit, and what of them is read and judged before its turn. */
interface Look extends Pick<Way, 'contents' | 'ahead'> {
  commit: CommitId;
  tree: Tree;
}

/** How far an import is, and what it saw last. */
interface Stand {
  record: ImportRecord;
  look: Look;
  /** The next files, and whether they are all that is left. */
  next: Wanted[];
  isAll: boolean;
}

type Part = Pick<Stand, 'look'> & {
  part: Wanted[];
  /** What comes behind it. */
  behind: Wanted[];
};

interface Judged {
  written: WrittenPart;
  verdicts: Verdict[];
}

@Injectable()
export class ImportFlow {
  /** By claim: one that comes again at once is another. */
  readonly #running = new Map<ImportRecord, Promise<void>>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #claimMs: number;
  readonly #patienceMs: number;
  #isClaiming = false;
  #isDraining = false;

  constructor(
    config: Config,
    private readonly imports: ImportsRepository,
    private readonly connectors: ConnectorsRepository,
    private readonly kinds: KindsRepository,
    private readonly copies: CopiesRepository,
    private readonly tracking: TrackingRepository,
    private readonly problems: FileProblemsRepository,
    private readonly lanes: LanesRepository,
    private readonly lane: LaneFlow,
    private readonly judge: PartJudge,
    private readonly writer: CopyWriter,
    private readonly connectivity: Connectivity,
    private readonly log: Log,
  ) {
    this.#claimMs = config.SALLYPORT_LEASE_SECONDS * 1_000;
    this.#patienceMs = config.SALLYPORT_OPERATION_DEADLINE_SECONDS * 1_000;
  }

  start(): void {
    const note = (work: Promise<void>) =>
      work.catch((error: unknown) => this.log.warn({ err: error }, 'imports'));
    this.#timers.push(setInterval(() => void this.#sweep(), SWEEP_MS));
    this.#timers.push(setInterval(() => void note(this.imports.forget()), FORGET_MS));
    this.#timers.push(
      setInterval(
        () => void note(this.imports.extend([...this.#running.keys()], this.#claimMs)),
        this.#claimMs / 3,
      ),
    );
  }

  /** Begins nothing more, and lets the running parts finish. */
  async stop(): Promise<void> {
    this.#isDraining = true;
    await Promise.allSettled(this.#running.values());
    for (const timer of this.#timers) clearInterval(timer);
  }

  async accept(wish: NewImport): Promise<ImportRecord> {
    const record = await step('import.accept', () => this.imports.insert(wish));
    void this.#sweep();
    return record;
  }

  /** @throws NOT_FOUND, IMPORT_NOT_REPORTED */
  async apply(...of: Parameters<ImportsRepository['apply']>): Promise<ImportRecord> {
    const record = await this.imports.apply(...of);
    void this.#sweep();
    return record;
  }

  async #sweep(): Promise<void> {
    if (this.#isClaiming || this.#isDraining) return;
    this.#isClaiming = true;
    try {
      const free = RUNNING_MAX - this.#running.size;
      for (const record of free > 0 ? await this.imports.claim(free, this.#claimMs) : []) this.#begin(record);
    } catch (error) {
      this.log.warn({ err: error }, 'imports not looked for');
    } finally {
      this.#isClaiming = false;
    }
  }

  #begin(record: ImportRecord): void {
    const run = inSpan({ name: 'import.run', parent: null }, () => this.#run(record))
      .catch((error: unknown) => this.#fault(record, error))
      .catch((error: unknown) => this.log.error({ err: error, id: record.id }, 'import left as it is'))
      .finally(() => {
        this.#running.delete(record);
        void this.#sweep();
      });
    this.#running.set(record, run);
  }

  async #run(claimed: ImportRecord): Promise<void> {
    const { scope } = claimed;
    const connector = await this.connectors.find(scope, claimed.connector);
    // Deleted meanwhile, and the import with it.
    if (connector === undefined) return;
    if (connector.url !== claimed.repository)
      throw new Failure('CONNECTOR_UNFIT', {
        problem: 'It points at another repository than when the import was made',
        mend: 'Make the import again',
      });
    const kinds = new Map((await this.kinds.list(accountOf(scope))).map((kind) => [kind.id, kind]));
    const cause = { kind: 'refresh' as const, operations: [], actors: [cutActor(claimed.requested_by)] };
    const desk = { connector, kinds, git: await this.connectivity.open(connector, cause) };
    let at = await this.#setOut(claimed, desk);
    const { state } = claimed;
    while (at.record.state === state) {
      const next: Stand | undefined = this.#isDraining ? undefined : await this.#part(at, desk);
      if (next === undefined && !this.#isDraining)
        throw new Failure('TRACKING_BUSY', { connector: claimed.connector });
      if (next === undefined) return this.imports.release(at.record, BUSY_PAUSE_MS);
      at = next;
    }
  }

  async #setOut(record: ImportRecord, desk: Desk): Promise<Stand> {
    const known = record.commit_id === null ? undefined : await this.#lookAgain(record, desk);
    const fresh = { next: [], isAll: false };
    if (known !== undefined) return { record, look: known, ...fresh };
    const look = await this.#look(desk, record, await headOf(desk.git, record.branch));
    return { record: await step('import.list', () => this.#list(record, desk, look)), look, ...fresh };
  }

  /** At the commit of before; undefined where that is gone, as after a force-push. */
  async #lookAgain(record: ImportRecord, desk: Desk): Promise<Look | undefined> {
    try {
      return await this.#look(desk, record, record.commit_id as CommitId);
    } catch (error) {
      if (error instanceof Failure && error.code === 'GIT_OBJECT_NOT_FOUND') return undefined;
      throw error;
    }
  }

  async #look(
    { git, kinds, connector }: Desk,
    { id, folder, patterns }: ImportRecord,
    commit: CommitId,
  ): Promise<Look> {
    const prefix = patterns === null ? commonFolder(await this.#pathsOf(id)) : folder;
    const entries = await git.list(commit, prefix);
    const files = entries.filter(({ path }) => /\.ya?ml$/.test(path) && isKeepable(path));
    const tree = new Map(files.map(({ path, id: blob, mode }) => [path, { id: blob, mode }]));
    const contents = new ReadAhead(git, commit, (blobs) => this.copies.knownBlobs(connector.url, blobs));
    return { commit, tree, contents, ahead: this.judge.ahead(kinds) };
  }

  async #pathsOf(id: string): Promise<string[]> {
    return (await this.imports.items(id, { limit: FILES_MAX })).map(({ path }) => path);
  }

  /** Which of the branch's files are wanted; what appears later is of the next import. */
  async #list(
    record: ImportRecord,
    { connector, kinds }: Desk,
    { commit, tree }: Look,
  ): Promise<ImportRecord> {
    if (record.patterns === null) return this.imports.list(record, commit, []);
    const files = new TrackedFiles(connector.scope, record.patterns as TrackedFile[], [...kinds.values()]);
    const found = [...tree.keys()].map((path) => ({ path, isNamed: false, meaning: files.meaningOf(path) }));
    const unnamed = found.filter(({ meaning }) => meaning === undefined).map(({ path }) => path);
    const known = await this.copies.knownPaths(connector.url, unnamed);
    const wanted = found.filter(({ path, meaning }) => meaning !== undefined || known.has(path));
    if (wanted.length > FILES_MAX)
      throw new Failure('GIT_LIMIT_EXCEEDED', {
        host: 'The branch',
        limit: 'files of an import',
        max: FILES_MAX,
      });
    return this.imports.list(record, commit, wanted);
  }

  /** One part; undefined where the lane could not be had. */
  async #part(at: Stand, desk: Desk): Promise<Stand | undefined> {
    const { record, look } = at;
    const { next, isAll } = await this.#fill(at);
    const [part, behind] = [next.slice(0, PART_FILES_MAX), next.slice(PART_FILES_MAX)];
    const isLast = isAll && behind.length === 0;
    if (record.state === 'reporting') {
      const { verdicts } = await step('import.judge', () =>
        this.#judge(record, desk, { part, behind, look }),
      );
      const noted = await this.imports.report(record, { verdicts, commit: look.commit, isLast });
      tellPart(record, verdicts, isLast);
      return { record: noted, look, next: behind, isAll };
    }
    const { connector } = desk;
    const { id } = await this.lanes.peek(connector.url, record.branch);
    return this.lane.exclusively(id, accountOf(connector.scope), async (lease) => {
      const head = await headOf(desk.git, record.branch);
      const now = head === look.commit ? look : await this.#look(desk, record, head);
      const judged = await this.#judge(record, desk, { part, behind, look: now });
      const noted = await step('import.apply', () =>
        this.#apply(record, { lease, connector, head, isLast }, judged),
      );
      tellPart(record, judged.verdicts, isLast);
      return { record: noted, look: now, next: behind, isAll };
    });
  }

  /** With more than a part of what is left, where there is more. */
  async #fill({ record, next, isAll }: Stand): Promise<Pick<Stand, 'next' | 'isAll'>> {
    if (isAll || next.length > AHEAD_FILES_MAX / 2) return { next, isAll };
    const applied_to = next.at(-1)?.path ?? record.applied_to;
    const more = await this.imports.next({ id: record.id, applied_to }, AHEAD_FILES_MAX);
    return { next: [...next, ...more], isAll: more.length < AHEAD_FILES_MAX };
  }

  async #apply(
    record: ImportRecord,
    {
      lease,
      connector,
      head,
      isLast,
    }: { lease: Lease; connector: Connector; head: CommitId; isLast: boolean },
    { written, verdicts }: Judged,
  ): Promise<ImportRecord> {
    let noted = record;
    const { scope, branch } = record;
    const key = { scope, connector: record.connector };
    const place = { repository: connector.url, branch };
    await this.lanes.update(lease, { head }, async (tx) => {
      const late = await this.writer.write(tx, { key, connector, branch, cause: 'import' }, written);
      // A refresh that is on the way to an older commit passes over these; nobody has followed the branch any further.
      await this.tracking.overtake(tx, place, { base: null, head, paths: written.paths });
      await this.problems.overcome(tx, place, pathsTaken(written, late));
      const now = correct(verdicts, late);
      noted = await this.imports.note(tx, record, { verdicts: now, commit: head, isLast });
    });
    return noted;
  }

  async #judge(record: ImportRecord, desk: Desk, { part, behind, look }: Part): Promise<Judged> {
    const { connector, git } = desk;
    const { branch } = record;
    const { commit, tree, ahead } = look;
    const byPath = new Map([...part, ...behind].map((wanted) => [wanted.path, wanted]));
    const meaningOf = (path: string) => byPath.get(path)?.meaning;
    const seen = await this.judge.look({ connector, branch }, part, meaningOf);
    // What the request names is that, wherever a file of the same path belongs on other branches.
    const others = new Map([...seen.onOtherBranches].filter(([path]) => byPath.get(path)?.isNamed !== true));
    const around = await this.#withReported(record, part, { ...seen, onOtherBranches: others });
    const { changes, verdicts } = sift(part, tree, { around, branch });
    const journey = {
      leaving: await this.#leaving(git, look, around),
      arrivals: findArrivals(changes, meaningOf),
      rules: [],
      meaningOf,
    };
    const coming = behind.flatMap(({ path }) => ({ path, to: tree.get(path) ?? null }));
    const contents = await look.contents.take(changes, () =>
      coming.filter(({ path }) => nameIn({ meaningOf }, path) !== undefined),
    );
    judgeNext({ changes: coming, contents: look.contents, ahead, meaningOf }, 0);
    const order = { ...desk, branch };
    const sources = { git, target: commit, contents, ahead };
    const written = await this.judge.decide(order, changes, { around, journey }, sources);
    const concluded = new Map(
      [...verdicts, ...conclude(part, changes, { written, around })].map((one) => [one.path, one]),
    );
    return { written: toWrite(written), verdicts: part.flatMap(({ path }) => concluded.get(path) ?? []) };
  }

  /** While nothing is written yet, what earlier parts of a report would write. */
  async #withReported(record: ImportRecord, part: Wanted[], around: Surroundings): Promise<Surroundings> {
    if (record.state !== 'reporting') return around;
    const named = part.flatMap(({ meaning }) =>
      meaning !== undefined && 'named' in meaning ? meaning.named : [],
    );
    const claimed = await this.imports.claimed(record, named);
    const { scope, id } = { scope: record.scope, id: record.connector };
    const more = claimed.map(({ path, ...one }) => ({
      ...one,
      path,
      blob_id: '',
      repository: around.repository,
      connector_scope: scope,
      connector_id: id,
      invalid: null,
    }));
    return {
      ...around,
      byKey: new Map([...around.byKey, ...more.map((copy) => [nameOf(copy), copy] as const)]),
    };
  }

  /** Where the copy has files of these entities, and the commit has none any more. */
  async #leaving(
    git: Git,
    { commit, tree }: Look,
    { byKey, repository }: Surroundings,
  ): Promise<Set<string>> {
    const paths = [...byKey.values()]
      .filter((copy) => copy.repository === repository && !tree.has(copy.path))
      .map(({ path }) => path);
    if (paths.length === 0) return new Set();
    const found = await readIfShort(git, commit, paths);
    return new Set(paths.filter((_, index) => found[index] === null));
  }

  /** What cannot be done otherwise next time ends the import; anything else is tried again while there is patience. */
  async #fault(record: ImportRecord, error: unknown): Promise<void> {
    if (error instanceof ImportOvertaken) return;
    if (error instanceof LeaseLost || isForestalled(error))
      return this.imports.release(record, BUSY_PAUSE_MS);
    const failure = Failure.from(error, `import ${record.id}`);
    this.log.warn({ err: error, id: record.id }, 'import not brought on');
    const now = await this.imports.get({ scope: record.scope, connector: record.connector }, record.id);
    if (now.repository !== record.repository) return this.imports.release(record, BUSY_PAUSE_MS);
    const since = now.failing_since?.getTime() ?? Number.POSITIVE_INFINITY;
    const isOver = Date.now() - since > this.#patienceMs;
    if (failure.disposition === 'stop' || isOver) return this.imports.fail(record, failure.toWire());
    const asked = askedMs(failure);
    const pauseMs = Math.max(pauseAfter(failure, now.faults), asked);
    await this.imports.release(record, pauseMs, { failure: failure.toWire(), askedMs: asked });
  }
}

/** @throws GIT_REF_NOT_FOUND */
async function headOf(git: Git, branch: string): Promise<CommitId> {
  const head = await git.head(branch);
  if (head === null) throw new Failure('GIT_REF_NOT_FOUND', { ref: branch });
  return head;
}
