// The way back: brings the copy of one branch to what is in Git, a part of the differing files at a time, each under the lane's
// lease and in one transaction with the cursor that a later round, here or elsewhere, goes on from.
import { Injectable } from '@nestjs/common';
import type { Transaction } from 'kysely';
import { Connectivity } from '../connectivity/connectivity.js';
import { type Connector, ConnectorsRepository } from '../connectors/connectors.repository.js';
import { CopiesRepository } from '../entities/copies.repository.js';
import type { Kind } from '../entities/kinds.repository.js';
import type { CommitId, Git } from '../git/git.js';
import { secondsSince, tell } from '../kernel/facts.js';
import { Failure } from '../kernel/failure.js';
import { step } from '../kernel/step.js';
import { accountOf } from '../scopes/scope.js';
import type { Tables } from '../storage/schema.js';
import type { FileChangeWithContent } from './branch-changes.js';
import { CopyWriter, type WrittenPart } from './copy-writer.js';
import { FileProblemsRepository } from './file-problems.repository.js';
import { LaneFlow } from './lane.flow.js';
import { type Lane, LanesRepository, type Lease } from './lanes.repository.js';
import { afresh } from './overtaken.repository.js';
import { PartJudge } from './part-judge.js';
import { type Action, nameOf, planRefresh, type TrackingRule } from './refresh-plan.js';
import { isOn, type Route, Routes } from './routes.js';
import type { TrackedFiles } from './tracked-files.js';
import { type BranchRecord, type ConnectorKey, TrackingRepository } from './tracking.repository.js';
import { judgeNext, nameIn, nextPart, WayLost } from './way.js';

/** What a refresh is of. */
export interface RefreshOrder {
  key: ConnectorKey;
  connector: Connector;
  branch: string;
  /** Of the account. */
  kinds: ReadonlyMap<string, Kind>;
  files: TrackedFiles;
  rules: readonly TrackingRule[];
  /** Changes with whatever decides which file is which entity. */
  revision: string;
  /** Counted up where somebody wants to know. */
  tally?: RefreshTally | undefined;
  /** Where the branch pointed when refs were listed, and what the lane was before. */
  hint?: { head: CommitId | null; lane: { epoch: number; head: CommitId | null } } | undefined;
}

/** What a refresh did, in files. */
export interface RefreshTally {
  created: number;
  changed: number;
  moved: number;
  deleted: number;
  invalid: number;
  refused: number;
}

const newTally = (): RefreshTally => ({
  created: 0,
  changed: 0,
  moved: 0,
  deleted: 0,
  invalid: 0,
  refused: 0,
});

/** `busy`: the lane could not be had; somebody else is at it. */
export type RefreshOutcome = 'done' | 'busy';

/** Copies of a branch that is gone which go in one transaction. */
const LEAVING_MAX = 1_000;

/** So far ahead it is looked for what can be read at once. */
const AHEAD_FILES_MAX = 4_000;

@Injectable()
export class RefreshFlow {
  constructor(
    private readonly flow: LaneFlow,
    private readonly lanes: LanesRepository,
    private readonly tracking: TrackingRepository,
    private readonly copies: CopiesRepository,
    private readonly problems: FileProblemsRepository,
    private readonly routes: Routes,
    private readonly judge: PartJudge,
    private readonly writer: CopyWriter,
    private readonly connectivity: Connectivity,
    private readonly connectors: ConnectorsRepository,
  ) {}

  /**
   * Brings the copy to the branch's head, part by part; between parts saves have their turns.
   * @throws what Git and the database throw; what was applied before stays, and the next refresh goes on from there
   */
  async refresh(order: RefreshOrder): Promise<RefreshOutcome> {
    const tally = order.tally ?? newTally();
    const before = { ...tally };
    const began = performance.now();
    let outcome: string = 'busy';
    try {
      outcome = await this.#refresh({ ...order, tally });
      return outcome as RefreshOutcome;
    } catch (error) {
      outcome = Failure.from(error).code;
      throw error;
    } finally {
      const files = Object.entries(tally).map(([what, count]) => [
        what,
        count - before[what as keyof RefreshTally],
      ]);
      tell('refresh.end', { outcome, seconds: secondsSince(began), files: Object.fromEntries(files) });
    }
  }

  async #refresh(order: RefreshOrder): Promise<RefreshOutcome> {
    const outcome = await this.#go(order);
    // What an interrupted refresh left led to where the branch was then; and what stood in a file's way may have gone meanwhile.
    const isOver = outcome === 'busy' || !((await this.#isBehind(order)) || (await this.#hasFreed(order)));
    return isOver ? outcome : this.#go(order);
  }

  async #isBehind({ key, branch, hint }: RefreshOrder): Promise<boolean> {
    const head = hint?.head ?? null;
    return head !== null && (await this.tracking.branch(key, branch))?.synced !== head;
  }

  /** Whether there are files that could become entities, although nothing was pushed. */
  async #hasFreed({ key, connector, branch }: RefreshOrder): Promise<boolean> {
    const freed = await this.problems.freed(key, { repository: connector.url, branch }, []);
    return freed.length > 0;
  }

  async #go(order: RefreshOrder): Promise<RefreshOutcome> {
    const { connector, branch } = order;
    const git = await this.connectivity.open(connector, {
      kind: 'refresh',
      operations: [],
      actors: ['sallyport'],
    });
    const { id } = await this.lanes.peek(connector.url, branch);
    let route: Route | 'arrived' | 'lost' | undefined;
    let heading = order;
    while (route !== 'arrived') {
      const before: Route | undefined = route === 'lost' ? undefined : route;
      // Where a way was lost, what was listed before may be what it led to.
      if (route === 'lost') heading = { ...order, hint: undefined };
      const turn = this.flow.exclusively(id, accountOf(connector.scope), (lease, lane) =>
        this.#turn(heading, { lease, lane }, { git, before }),
      );
      route = await turn.catch((error: unknown) => {
        if (error instanceof WayLost) return 'lost';
        throw error;
      });
      if (route === undefined) return 'busy';
    }
    return 'done';
  }

  async #turn(
    order: RefreshOrder,
    { lease, lane }: Omit<Position, 'state'>,
    { git, before }: { git: Git; before: Route | undefined },
  ): Promise<Route | 'arrived'> {
    const state = await this.tracking.branch(order.key, order.branch);
    if (state === undefined) return 'arrived';
    if (before !== undefined && isOn(before, state, order))
      return this.#advance(order, { lease, lane, state }, { git, route: before });
    const route = await this.#setOut(order, { lease, lane, state }, git);
    if (route === 'arrived') return 'arrived';
    // What was overtaken on the way before is nothing to pass over on this one.
    const aimed = (await this.tracking.branch(order.key, order.branch)) ?? state;
    return this.#advance(order, { lease, lane, state: aimed }, { git, route });
  }

  /** Where the way leads and what is on it: a new one, or what an interrupted refresh left. */
  async #setOut(order: RefreshOrder, at: Position, git: Git): Promise<Route | 'arrived'> {
    const { state } = at;
    const isResumed = state.target !== null && state.revision === order.revision;
    if (isResumed) {
      const known = await this.routes.find(order, state, state.target as CommitId, git).catch(refuseMissing);
      if (known !== undefined) return known;
    }
    const head = await this.#headOf(order, at, git);
    if (head === null) return this.#leaveAll(order, at);
    const isKnown = state.revision === order.revision && state.target === null;
    const isThere = isKnown && state.synced === head && state.beyond.length === 0;
    if (isThere && !(await this.#hasFreed(order))) {
      await this.lanes.update(at.lease, { head }, async (tx) => {
        await this.connectors.holdAt(tx, order.connector);
        await this.#arrive(tx, order, { head, target: null, beyond: [] });
      });
      return 'arrived';
    }
    // Of a way that was left before its end nobody knows what it brought: the whole of the branch does.
    const [base, beyond] = isKnown ? [state.synced, state.beyond] : [null, []];
    await step('refresh.aim', () => this.#aim(order, at, { head, base, beyond }));
    return this.routes.find(order, { synced: base, beyond, applied_to: null }, head, git);
  }

  /** Listed refs are older than what this manager's fleet wrote since; then the branch is asked for itself. */
  async #headOf(
    { hint, branch }: RefreshOrder,
    { lease, lane }: Position,
    git: Git,
  ): Promise<CommitId | null> {
    if (hint === undefined) return git.head(branch);
    const isUntouched =
      lane.head === hint.lane.head && (lane.head !== null || lease.epoch === hint.lane.epoch + 1);
    return isUntouched ? hint.head : git.head(branch);
  }

  async #aim(
    { key, connector, branch, revision }: RefreshOrder,
    { lease, state }: Position,
    { head, base, beyond }: { head: CommitId; base: CommitId | null; beyond: string[] },
  ): Promise<void> {
    await this.lanes.update(lease, { head }, async (tx) => {
      await this.connectors.holdAt(tx, connector);
      if (base === null) await this.problems.clear(tx, key, branch);
      const aim = { target: head, synced: base, revision, applied_to: null, overtaken: [], beyond };
      if (!(await this.tracking.change(tx, key, branch, aim, state))) throw new WayLost();
    });
  }

  /** One part of the way. */
  async #advance(
    order: RefreshOrder,
    { lease, state }: Position,
    { git, route }: { git: Git; route: Route },
  ): Promise<Route | 'arrived'> {
    const part = nextPart(route);
    const rest = route.changes.slice(part.length);
    const appliedTo = part.at(-1)?.path ?? null;
    const { target } = route;
    const written = await this.#judge(order, part, { state, git, route }).catch((error: unknown) =>
      this.#turnBack(order, { lease, state }, { error, git }),
    );
    await step('refresh.apply', () =>
      this.lanes.update(lease, {}, async (tx) => {
        await this.#write(tx, { ...order, isTracked: true }, written, target);
        if (rest.length === 0)
          return this.#arrive(tx, order, { head: target, target, beyond: state.overtaken });
        const { key, branch, revision } = order;
        const isSaid = await this.tracking.change(
          tx,
          key,
          branch,
          { applied_to: appliedTo },
          { target, revision },
        );
        if (!isSaid) throw new WayLost();
      }),
    );
    count(order.tally, written);
    return rest.length === 0 ? 'arrived' : { ...route, changes: rest, appliedTo };
  }

  async #judge(
    order: RefreshOrder,
    part: FileChangeWithContent[],
    { state, git, route }: { state: BranchRecord; git: Git; route: Route },
  ): Promise<WrittenPart> {
    const overtaken = new Set(state.overtaken);
    const changes = part.filter(({ path }) => !overtaken.has(path));
    const { target } = route;
    const { around, leaving } = await this.judge.lookAlong(order, changes, { git, target, journey: route });
    const contents = await route.contents.take(changes, () =>
      route.changes
        .slice(part.length, part.length + AHEAD_FILES_MAX)
        .filter(({ path }) => nameIn(route, path) !== undefined),
    );
    // While this part is decided and written, the next is judged.
    judgeNext(route, part.length);
    const journey = { around, journey: { ...route, leaving } };
    return this.judge.decide(order, changes, journey, { git, target, contents, ahead: route.ahead });
  }

  /** Others who follow the branch may be on the way to another commit, or have been there. */
  async #write(
    tx: Transaction<Tables>,
    order: RefreshOrder & { isTracked?: boolean },
    part: WrittenPart,
    head: CommitId | null,
  ): Promise<void> {
    await this.writer.write(tx, order, part);
    const paths = part.actions.flatMap(pathsOf);
    if (paths.length === 0) return;
    const place = { repository: order.connector.url, branch: order.branch };
    await this.tracking.overtake(tx, place, { base: null, head, paths, by: order.key });
  }

  /** @throws WayLost where the host no longer gives what the branch pointed at, since it points elsewhere by now; or the error */
  async #turnBack(
    { key, branch }: RefreshOrder,
    { lease, state }: Pick<Position, 'lease' | 'state'>,
    { error, git }: { error: unknown; git: Git },
  ): Promise<never> {
    if (!isMissing(error) || (await git.head(branch)) === state.target) throw error;
    await this.lanes.update(lease, {}, async (tx) => {
      await this.tracking.change(tx, key, branch, afresh, state);
    });
    throw new WayLost();
  }

  /** The branch is gone: so are its copies, as far as the rules let them. */
  async #leaveAll(order: RefreshOrder, { lease, state }: Position): Promise<'arrived'> {
    const { connector, branch, key } = order;
    const place = { repository: connector.url, branch };
    const all = await this.copies.allOn(place, connector.scope);
    const changes = all.map(({ path }) => ({ path, to: null }));
    const byPath = new Map(all.map((copy) => [copy.path, copy]));
    const byKey = new Map(all.map((copy) => [nameOf(copy), copy]));
    const around = {
      scope: connector.scope,
      ...place,
      byPath,
      byKey,
      onOtherBranches: new Map(),
      inline: new Set<string>(),
    };
    const { rules, files } = order;
    const journey = {
      leaving: new Set(byPath.keys()),
      arrivals: new Map(),
      rules,
      meaningOf: (path: string) => files.meaningOf(path),
    };
    const commit = state.synced ?? state.target ?? '';
    await this.lanes.update(lease, { head: null }, (tx) => this.problems.clear(tx, key, branch));
    for (let from = 0; from < changes.length; from += LEAVING_MAX) {
      const actions = planRefresh(changes.slice(from, from + LEAVING_MAX), around, journey);
      const written = { actions, documents: new Map(), commit, paths: [] };
      await this.lanes.update(lease, {}, async (tx) => {
        await this.#write(tx, order, written, null);
      });
      count(order.tally, written);
    }
    await this.lanes.update(lease, {}, async (tx) => {
      await this.connectors.holdAt(tx, connector);
      const over = { synced_at: new Date(), revision: order.revision, faults: 0, fault: null };
      const now = { ...afresh, ...over };
      if (!(await this.tracking.change(tx, key, branch, now, state))) throw new WayLost();
    });
    return 'arrived';
  }

  /**
   * @param beyond what was passed over on the way
   * @throws WayLost where the way does not lead to `target` any more
   */
  async #arrive(
    tx: Transaction<Tables>,
    { key, branch, revision }: RefreshOrder,
    { head, target, beyond }: { head: CommitId; target: CommitId | null; beyond: string[] },
  ): Promise<void> {
    const there = { listed: head, synced: head, synced_at: new Date(), revision, beyond };
    const over = { target: null, applied_to: null, overtaken: [], faults: 0, fault: null };
    const isThere = await this.tracking.change(tx, key, branch, { ...there, ...over }, { target, revision });
    if (!isThere) throw new WayLost();
  }
}

/** A round's place: the lane under its lease, and how far the branch has been followed. */
interface Position {
  lease: Lease;
  lane: Lane;
  state: BranchRecord;
}

/** Where it changes the copy. */
function pathsOf(action: Action): string[] {
  if (action.do === 'report') return [];
  const before = action.do === 'write' ? action.before : undefined;
  return [before?.path ?? action.path, action.path];
}

function count(tally: RefreshTally | undefined, { actions, documents }: WrittenPart): void {
  if (tally === undefined) return;
  for (const action of actions) {
    if (action.do === 'delete') tally.deleted += 1;
    else if (action.do === 'report') tally[action.verdict] += 1;
    else tally[documents.get(action.path)?.invalid === null ? action.change : 'invalid'] += 1;
  }
}

/** A commit that is no longer there, as after a force-push: the way to it cannot be gone to its end. */
function refuseMissing(error: unknown): undefined {
  if (isMissing(error)) return undefined;
  throw error;
}

const isMissing = (error: unknown): boolean =>
  error instanceof Failure && error.code === 'GIT_OBJECT_NOT_FOUND';
