// Says what differs between Git and the copy, whatever anybody believes to have followed, and mends it: the copy alone, Git never.
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Connectivity } from '../connectivity/connectivity.js';
import { type Connector, ConnectorsRepository } from '../connectors/connectors.repository.js';
import { CopiesRepository, type CopyRecord, type Place } from '../entities/copies.repository.js';
import { KindsRepository } from '../entities/kinds.repository.js';
import { blobIdOf } from '../git/blob-id.js';
import type { BlobId, Git } from '../git/git.js';
import { cutActor } from '../kernel/actor.js';
import { Failure } from '../kernel/failure.js';
import { FairTurns } from '../kernel/fair-turns.js';
import { Log } from '../kernel/log.js';
import { accountOf, type Scope } from '../scopes/scope.js';
import {
  chooseReported,
  compareBranch,
  type DriftPart,
  type DriftQuestion,
  type DriftSection,
  DriftSource,
  DriftSources,
  type RepairedThing,
  summarise,
} from './drift.js';
import { type FileProblem, FileProblemsRepository } from './file-problems.repository.js';
import { LaneFlow } from './lane.flow.js';
import { LanesRepository } from './lanes.repository.js';
import { afresh } from './overtaken.repository.js';
import { RefreshFlow, type RefreshOrder, type RefreshTally } from './refresh.flow.js';
import { orderOf } from './refresh-order.js';
import type { TrackedFiles } from './tracked-files.js';
import {
  type BranchRecord,
  type ConnectorKey,
  type Tracking,
  TrackingRepository,
} from './tracking.repository.js';

/** Reports that a manager is at. */
const REPORTS_MAX = 4;
/** Documents that are looked at together. */
const PAGE = 100;
const PROBLEMS_PAGE = 1_000;
const CLAIM_MS = 10_000;
const CLAIM_EXTENSION_MS = 3_000;
/** So long a look that runs, or another manager at the lane, is waited for. */
const PATIENCE_MS = 20_000;
const BUSY_PAUSE_MS = 250;

export interface RepairedBranch extends RefreshTally {
  branch: string;
  /** Copies whose document had been changed by hand, and is Git's again. */
  restored: number;
}

/** What a repair works with. */
interface Desk {
  tracking: Tracking;
  order: Omit<RefreshOrder, 'branch'>;
  git: Git;
}

/** The branches of a connector, against their copies. */
@Injectable()
export class BranchDrift extends DriftSource {
  constructor(
    private readonly tracking: TrackingRepository,
    private readonly kinds: KindsRepository,
    private readonly copies: CopiesRepository,
    private readonly problems: FileProblemsRepository,
    private readonly connectivity: Connectivity,
  ) {
    super();
  }

  override async look({ connector, actor, ...question }: DriftQuestion): Promise<DriftPart> {
    const key = { scope: connector.scope, connector: connector.id };
    const tracking = await this.tracking.find(key);
    const followed = tracking === undefined ? [] : await this.tracking.branches(key);
    const known = await this.copies.branchesOf(connector.url, connector.scope);
    const all = [...followed.map((one) => one.branch), ...known];
    const { asked, next } = chooseReported(all, question);
    const kinds = await this.kinds.list(accountOf(connector.scope));
    const cause = { kind: 'refresh' as const, operations: [], actors: [cutActor(actor)] };
    const git = await this.connectivity.open(connector, cause);
    const heads = new Map(Object.entries((await git.heads()).branches));
    const sections: DriftSection[] = [];
    for (const name of asked) {
      const record = followed.find((one) => one.branch === name);
      const files =
        record === undefined || tracking === undefined
          ? undefined
          : orderOf(tracking, connector, kinds).files;
      const head = heads.get(name) ?? null;
      sections.push(await this.#section({ connector, key, git, files }, { name, head, record }));
    }
    return { sections, next };
  }

  async #section(
    {
      connector,
      key,
      git,
      files,
    }: { connector: Connector; key: ConnectorKey; git: Git; files: TrackedFiles | undefined },
    { name: branch, head, record }: { name: string; head: string | null; record: BranchRecord | undefined },
  ): Promise<DriftSection> {
    const entries = head === null ? [] : await git.list(head, '');
    const place = { repository: connector.url, branch };
    const { copies, corrupt } = await findCorrupt(this.copies, place, connector.scope);
    const problems = record === undefined ? [] : await this.#problemsOf(key, branch);
    return {
      source: 'branch',
      branch,
      isTracked: record !== undefined,
      head,
      synced: record?.synced ?? null,
      copies: copies.length,
      ...summarise(compareBranch({ entries, copies, problems, corrupt, files })),
    };
  }

  async #problemsOf(key: ConnectorKey, branch: string): Promise<FileProblem[]> {
    const all: FileProblem[] = [];
    for (;;) {
      const last = all.at(-1);
      const after = last === undefined ? {} : { after: { branch, path: last.path } };
      const page = await this.problems.list(key, { branch, ...after, limit: PROBLEMS_PAGE });
      all.push(...page);
      if (page.length < PROBLEMS_PAGE) return all;
    }
  }
}

@Injectable()
export class DriftFlow {
  /** Each needs the trees of a branch in memory; of a connector there is one at a time. */
  readonly #reports = new FairTurns(REPORTS_MAX);

  constructor(
    private readonly sources: DriftSources,
    private readonly tracking: TrackingRepository,
    private readonly connectors: ConnectorsRepository,
    private readonly kinds: KindsRepository,
    private readonly copies: CopiesRepository,
    private readonly lanes: LanesRepository,
    private readonly lane: LaneFlow,
    private readonly refreshes: RefreshFlow,
    private readonly connectivity: Connectivity,
    private readonly log: Log,
  ) {}

  /** @throws NOT_FOUND, and what Git throws */
  async report(key: ConnectorKey, question: Omit<DriftQuestion, 'connector'>): Promise<DriftPart> {
    const connector = await this.connectors.get(key.scope, key.connector);
    const place = `${key.scope}/connectors/${key.connector}`;
    return this.#reports.take(accountOf(key.scope), place, async () => {
      const parts: DriftPart[] = [];
      for (const source of this.sources.all) parts.push(await source.look({ ...question, connector }));
      const next = parts.map((part) => part.next).find((one) => one !== null) ?? null;
      return { sections: parts.flatMap((part) => part.sections), next };
    });
  }

  /** What belongs to the connector beside its branches; of one branch it is not asked. @throws NOT_FOUND */
  async repairThings(key: ConnectorKey, actor: string): Promise<RepairedThing[]> {
    const connector = await this.connectors.get(key.scope, key.connector);
    const repaired = await Promise.all(this.sources.all.map((source) => source.repair({ connector, actor })));
    return repaired.filter((one) => one !== undefined);
  }

  /**
   * Compares the whole of the branches that are followed, or of this one, and brings the copy to them as a refresh does. Nobody
   * else looks at the repository meanwhile.
   * @throws NOT_FOUND, TRACKING_BUSY, and what Git throws
   */
  async repair(
    key: ConnectorKey,
    { branch, actor }: { branch?: string | undefined; actor: string },
  ): Promise<RepairedBranch[]> {
    const connector = await this.connectors.get(key.scope, key.connector);
    const tracking = await this.#claim(key);
    const heart = setInterval(() => void this.#extend(tracking), CLAIM_EXTENSION_MS);
    try {
      const followed = await this.tracking.branches(key);
      const chosen = followed.filter((one) => branch === undefined || one.branch === branch);
      if (branch !== undefined && chosen.length === 0)
        throw new Failure('NOT_FOUND', { what: 'tracked branch', id: branch });
      const kinds = await this.kinds.list(accountOf(connector.scope));
      const cause = { kind: 'refresh' as const, operations: [], actors: [cutActor(actor)] };
      const git = await this.connectivity.open(connector, cause);
      const desk = { tracking, order: orderOf(tracking, connector, kinds), git };
      const repaired: RepairedBranch[] = [];
      for (const one of chosen) repaired.push(await this.#repairOne(desk, one.branch));
      return repaired;
    } finally {
      clearInterval(heart);
      await this.tracking.finish(tracking, { nextMs: 0, missed: false, fault: tracking.fault });
    }
  }

  async #claim(key: ConnectorKey): Promise<Tracking> {
    for (const end = Date.now() + PATIENCE_MS; ; ) {
      const claimed = await this.tracking.claimOne(key, CLAIM_MS);
      if (claimed !== undefined) return claimed;
      if (Date.now() > end) throw new Failure('TRACKING_BUSY', { connector: key.connector });
      await delay(BUSY_PAUSE_MS);
    }
  }

  async #extend(tracking: Tracking): Promise<void> {
    await this.tracking
      .extend([tracking], CLAIM_MS)
      .catch((error: unknown) => this.log.warn({ err: error }, 'repair not extended'));
  }

  async #repairOne({ order, git }: Desk, branch: string): Promise<RepairedBranch> {
    const tally = { created: 0, changed: 0, moved: 0, deleted: 0, invalid: 0, refused: 0 };
    const restored = await this.#patiently(order.key, () => this.#startOver(order, branch, git));
    await this.#patiently(order.key, async () =>
      (await this.refreshes.refresh({ ...order, branch, tally })) === 'busy' ? undefined : true,
    );
    return { branch, restored, ...tally };
  }

  /** What cannot be done while somebody else has the lane. */
  async #patiently<T>(key: ConnectorKey, work: () => Promise<T | undefined>): Promise<T> {
    for (const end = Date.now() + PATIENCE_MS; ; ) {
      const done = await work();
      if (done !== undefined) return done;
      if (Date.now() > end) throw new Failure('TRACKING_BUSY', { connector: key.connector });
      await delay(BUSY_PAUSE_MS);
    }
  }

  /** Forgets how far the branch was followed, and believes of no copy what it says it holds. */
  async #startOver(
    { key, connector }: Omit<RefreshOrder, 'branch'>,
    branch: string,
    git: Git,
  ): Promise<number | undefined> {
    const place = { repository: connector.url, branch };
    const { id } = await this.lanes.peek(connector.url, branch);
    return this.lane.exclusively(id, accountOf(connector.scope), async (lease) => {
      const { copies, corrupt } = await findCorrupt(this.copies, place, connector.scope);
      const wrong = copies.filter(({ path }) => corrupt.has(path));
      const head = await git.head(branch);
      let restored = 0;
      for (let at = 0; at < wrong.length; at += PAGE) {
        const some = wrong.slice(at, at + PAGE);
        const found =
          head === null
            ? []
            : await git.read(
                head,
                some.map(({ path }) => path),
              );
        await this.lanes.update(lease, {}, async (tx) => {
          for (const [index, copy] of some.entries()) {
            const file = found[index];
            const isRight = file?.id === copy.blob_id;
            if (isRight) restored += 1;
            const truth = isRight
              ? { yaml: Buffer.from(file.content) }
              : { blob_id: corrupt.get(copy.path) as string };
            await this.copies.mend(tx, copy, branch, truth);
          }
        });
      }
      await this.lanes.update(lease, {}, async (tx) => {
        await this.tracking.change(tx, key, branch, afresh);
      });
      return restored;
    });
  }
}

/** All copies of a branch, and what those hold that do not hold what they say. */
async function findCorrupt(
  repository: CopiesRepository,
  place: Place,
  scope: Scope,
): Promise<{ copies: CopyRecord[]; corrupt: Map<string, BlobId> }> {
  const copies: CopyRecord[] = [];
  const corrupt = new Map<string, BlobId>();
  for (;;) {
    const page = await repository.documents(place, scope, {
      after: copies.at(-1)?.sequence ?? 0,
      limit: PAGE,
    });
    for (const { yaml, ...copy } of page) {
      const held = blobIdOf(yaml);
      if (held !== copy.blob_id) corrupt.set(copy.path, held);
      copies.push(copy);
    }
    if (page.length < PAGE) return { copies, corrupt };
  }
}
