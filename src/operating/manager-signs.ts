// How a manager is, for whoever operates it: its health and what it counted, on a port of their own where they want one.
import { contractVersion } from '../contract/version.js';
import type { DelegateRecord } from '../delegates/delegates.repository.js';
import type { Log } from '../kernel/log.js';
import { type Health, HealthServer } from '../telemetry/health-server.js';
import { MetricSet } from '../telemetry/metric-set.js';
import { countFacts } from './fact-metrics.js';
import { type GroupLevel, LevelMetrics, type Levels } from './level-metrics.js';
import type { StoredLevels } from './levels.repository.js';

/** What is asked when somebody asks. */
interface Parts {
  /** Reject where it does not answer. */
  pingDatabase: () => Promise<void>;
  readStored: () => Promise<StoredLevels>;
  listDelegates: () => Promise<DelegateRecord[]>;
  queueDepth: () => Promise<{ jobs: Readonly<Record<string, number>>; oldestAt: number | null }>;
  pool: () => Levels['pool'];
  /** Why the manager does not work as it should, beside what it depends on. */
  faults: () => string[];
}

/** For which what was looked at serves everybody who asks: several scrapers cost no more than one. */
const FRESH_MS = 2_000;
/** How long a part may take to answer. */
const PART_MS = 3_000;

export class ManagerSigns {
  readonly #set = new MetricSet('sallyport_manager_');
  readonly #deafen: (() => void)[];
  readonly #levels: LevelMetrics;
  #server: HealthServer | undefined;
  #looked: { at: number; levels: Promise<Levels> } | undefined;
  #draining = false;

  constructor(
    private readonly parts: Parts,
    version: string,
  ) {
    this.#set.observeProcess();
    const build = this.#set.gauge('build_info', 'Which manager this is; always 1', ['version', 'contract']);
    build.set({ version, contract: contractVersion }, 1);
    this.#deafen = countFacts(this.#set);
    this.#levels = new LevelMetrics(this.#set);
  }

  /** @throws ADDRESS_IN_USE */
  async serve({ host, port }: { host: string; port: number }, log: Log): Promise<void> {
    const place = { host, port, what: 'The manager’s health endpoint', setting: 'SALLYPORT_HEALTH_PORT' };
    this.#server = await HealthServer.open(place, this.#health());
    log.info({ url: this.#server.url }, 'tells of its health');
  }

  /** From now on it is not ready. */
  drain(): void {
    this.#draining = true;
  }

  close(): void {
    for (const deafen of this.#deafen) deafen();
    this.#server?.close();
  }

  async text(): Promise<string> {
    this.#levels.show(await this.#look());
    return this.#set.text();
  }

  #health(): Health {
    return {
      objections: async () => [
        ...(this.#draining ? ['it drains: what runs is finished, and nothing new is taken'] : []),
        ...((await inTime(this.parts.pingDatabase().then(() => true))) === undefined
          ? ['the database does not answer']
          : []),
        ...this.parts.faults(),
      ],
      metrics: async () => ({ contentType: this.#set.contentType, text: await this.text() }),
    };
  }

  #look(): Promise<Levels> {
    const now = performance.now();
    if (this.#looked === undefined || now - this.#looked.at > FRESH_MS)
      this.#looked = { at: now, levels: this.#lookNow() };
    return this.#looked.levels;
  }

  async #lookNow(): Promise<Levels> {
    const [stored, delegates, depth] = await Promise.all([
      inTime(this.parts.readStored()),
      inTime(this.parts.listDelegates()),
      inTime(this.parts.queueDepth()),
    ]);
    const age = (at: number | null): number => (at === null ? 0 : Math.max(0, Date.now() - at) / 1_000);
    return {
      stored,
      groups: delegates && groupsOf(delegates),
      queue: depth && { jobs: depth.jobs, age: age(depth.oldestAt) },
      pool: this.parts.pool(),
    };
  }
}

/** Those that were revoked are not counted. */
function groupsOf(delegates: DelegateRecord[]): GroupLevel[] {
  const enrolled = delegates.filter(({ state }) => state !== 'revoked');
  return [...Map.groupBy(enrolled, ({ group }) => group)].map(([group, some]) => {
    const alive = some.filter((one) => one.alive);
    const running = alive.reduce((sum, one) => sum + one.running, 0);
    return { group, alive: alive.length, silent: some.length - alive.length, running };
  });
}

/** Undefined where it fails or takes too long. */
async function inTime<T>(work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), PART_MS);
  });
  return Promise.race([work.catch(() => undefined), late]).finally(() => clearTimeout(timer));
}
