// What a manager looks at when it is asked for its metrics: how much waits, who is there, what the pools have. What is in the database
// is the same for every manager of a deployment; what of it cannot be read is left out, and not told as it was.
import { BoundedLabel, type Level, type MetricSet } from '../telemetry/metric-set.js';
import type { StoredLevels } from './levels.repository.js';

/** How many delegates of a group are alive and silent, and what they do. */
export interface GroupLevel {
  group: string;
  alive: number;
  silent: number;
  running: number;
}

export interface Levels {
  /** Undefined where the database does not answer. */
  stored: StoredLevels | undefined;
  groups: readonly GroupLevel[] | undefined;
  /** Undefined where the queue does not answer. Age in seconds. */
  queue: { jobs: Readonly<Record<string, number>>; age: number } | undefined;
  pool: { busy: number; idle: number; max: number; waiting: number };
}

const GROUPS_MAX = 32;

type Value = keyof StoredLevels;

/** What each shows; where it has a label, by the values of that. */
const stored: [name: string, help: string, values: Value | Record<string, Value>, label?: string][] = [
  ['operations_pending', 'Operations that are accepted and not over', 'operationsPending'],
  ['operation_oldest_pending_seconds', 'Age of the oldest of them', 'operationAge'],
  ['lanes_waiting', 'Lanes in which operations wait', 'lanesWaiting'],
  ['lanes_held', 'Lanes that a manager is at', 'lanesHeld'],
  ['webhook_deliveries_waiting', 'Deliveries that are not processed yet', 'deliveriesWaiting'],
  ['webhook_oldest_waiting_seconds', 'Age of the oldest of them', 'deliveryAge'],
  ['tracked_repositories', 'Repositories that are followed', 'tracked'],
  ['tracked_repositories_failing', 'Those whose last look failed', 'trackedFailing'],
  ['look_overdue_seconds', 'How long the look that is due for the longest has been', 'lookOverdue'],
  [
    'tracked_branches_behind',
    'Followed branches whose copies are not at the head that was seen',
    'branchesBehind',
  ],
  ['imports_unfinished', 'Imports and reports that are not over', 'importsUnfinished'],
  [
    'pull_requests',
    'Pull requests that are followed or have failed',
    { wanted: 'pullsWanted', open: 'pullsOpen', failed: 'pullsFailed' },
    'state',
  ],
  [
    'subscriptions',
    'Subscriptions of events',
    {
      served: 'subscriptionsServed',
      failing: 'subscriptionsFailing',
      paused: 'subscriptionsPaused',
      disabled: 'subscriptionsDisabled',
    },
    'state',
  ],
  [
    'subscription_oldest_failure_seconds',
    'For how long the one that fails for the longest has',
    'subscriptionFailure',
  ],
  ['secret_renewals_pending', 'Secrets that are still to be renewed or migrated', 'renewalsPending'],
];

export class LevelMetrics {
  readonly #stored: {
    gauge: Level;
    label: string | undefined;
    values: Record<string, keyof StoredLevels>;
  }[];
  readonly #groups = new BoundedLabel(GROUPS_MAX);
  readonly #delegates: Level<'group' | 'state'>;
  readonly #tasks: Level<'group'>;
  readonly #jobs: Level<'state'>;
  readonly #jobAge: Level;
  readonly #connections: Level<'state'>;
  readonly #connectionsMax: Level;
  readonly #queries: Level;
  readonly #up: Level<'part'>;

  constructor(set: MetricSet) {
    this.#stored = stored.map(([name, help, values, label]) => ({
      gauge: set.gauge(name, help, label === undefined ? [] : [label]),
      label,
      values: typeof values === 'string' ? { all: values } : values,
    }));
    this.#delegates = set.gauge('delegates', 'Delegates that are enrolled', ['group', 'state']);
    this.#tasks = set.gauge('delegate_tasks_running', 'Tasks that delegates say they work on', ['group']);
    this.#jobs = set.gauge('queue_jobs', 'Jobs in the queue', ['state']);
    this.#jobAge = set.gauge('queue_oldest_job_seconds', 'How long the oldest job that waits has');
    this.#connections = set.gauge('database_connections', 'Connections of this manager', ['state']);
    this.#connectionsMax = set.gauge('database_connections_max', 'How many there may be');
    this.#queries = set.gauge('database_queries_waiting', 'Questions that wait for a connection');
    this.#up = set.gauge('dependency_up', 'Whether what the manager depends on answers: 1 or 0', ['part']);
  }

  show({ stored: levels, groups, queue, pool }: Levels): void {
    this.#up.set({ part: 'database' }, levels === undefined ? 0 : 1);
    this.#up.set({ part: 'queue' }, queue === undefined ? 0 : 1);
    this.#showStored(levels);
    this.#showGroups(groups ?? []);
    this.#jobs.reset();
    this.#jobAge.remove();
    for (const [state, count] of Object.entries(queue?.jobs ?? {})) this.#jobs.set({ state }, count);
    if (queue !== undefined) this.#jobAge.set(queue.age);
    this.#connections.set({ state: 'busy' }, pool.busy);
    this.#connections.set({ state: 'idle' }, pool.idle);
    this.#connectionsMax.set(pool.max);
    this.#queries.set(pool.waiting);
  }

  #showStored(levels: StoredLevels | undefined): void {
    for (const { gauge, label, values } of this.#stored) {
      gauge.reset();
      if (label === undefined) gauge.remove();
      if (levels === undefined) continue;
      for (const [of, value] of Object.entries(values))
        gauge.set(label === undefined ? {} : { [label]: of }, levels[value]);
    }
  }

  /** Groups that are one for the metrics are added up. */
  #showGroups(groups: readonly GroupLevel[]): void {
    this.#delegates.reset();
    this.#tasks.reset();
    for (const { group: name, alive, silent, running } of groups) {
      const group = this.#groups.of(name);
      this.#delegates.inc({ group, state: 'alive' }, alive);
      this.#delegates.inc({ group, state: 'silent' }, silent);
      this.#tasks.inc({ group }, running);
    }
  }
}
