// What a delegate counts, as Prometheus reads it. Labels take few values (tasks, codes, reasons): no host, no repository and
// no name that somebody else chooses.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { tasks } from '../../src/contract/tasks.js';
import { contractVersion } from '../../src/contract/version.js';
import { Failure } from '../../src/kernel/failure.js';
import type { TaskContext, TaskHandlers } from '../../src/queue/task-worker.js';

const PREFIX = 'sallyport_delegate_';
const DURATION_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
/** Reasons that are told apart; what comes after them counts as `other`. */
const REASONS_MAX = 32;

/** What is looked at whenever somebody asks. */
export interface Levels {
  running: number;
  tasksMax: number;
  queueConnected: boolean;
  /** Milliseconds since 1970. */
  welcomedAt: number | undefined;
}

export class DelegateMetrics {
  readonly #registry = new Registry();
  readonly #reasons = new Set<string>();
  readonly #begun = this.#counter('tasks_begun_total', 'Tasks begun', ['task']);
  readonly #finished = this.#counter(
    'tasks_finished_total',
    'Tasks finished, by how: OK or the code of the failure',
    ['task', 'code'],
  );
  readonly #refused = this.#counter('messages_refused_total', 'Messages refused before anything was done', [
    'reason',
  ]);
  readonly #duration = new Histogram({
    name: `${PREFIX}task_duration_seconds`,
    help: 'How long tasks took, however they ended',
    labelNames: ['task'],
    buckets: DURATION_SECONDS,
    registers: [this.#registry],
  });
  readonly #running = this.#gauge('tasks_running', 'Tasks that run');
  readonly #tasksMax = this.#gauge('tasks_max', 'Tasks that may run at once');
  readonly #connected = this.#gauge('queue_connected', 'Whether the queue answers: 1 or 0');
  readonly #welcomed = this.#gauge(
    'last_welcome_timestamp_seconds',
    'When a manager last welcomed this delegate; 0 for never',
  );

  constructor(version: string) {
    collectDefaultMetrics({ register: this.#registry, prefix: PREFIX });
    new Gauge({
      name: `${PREFIX}build_info`,
      help: 'Which delegate this is; always 1',
      labelNames: ['version', 'contract'],
      registers: [this.#registry],
    }).set({ version, contract: contractVersion }, 1);
    // A counter that begins to exist with its first event hides that event from rates.
    for (const task of Object.keys(tasks)) {
      this.#begun.inc({ task }, 0);
      this.#finished.inc({ task, code: 'OK' }, 0);
    }
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The handlers, counted and timed. */
  measure(handlers: TaskHandlers): TaskHandlers {
    const measured = Object.entries(handlers).map(([task, handle]) => [
      task,
      (input: never, context: TaskContext) => this.#time(task, () => handle(input, context)),
    ]);
    return Object.fromEntries(measured) as TaskHandlers;
  }

  /** A message was refused. `reason` is a sentence of ours, never a text of somebody else. */
  refuse(reason: string): void {
    const label = reason
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '_')
      .replace(/^_|_$/g, '');
    const isKnown = this.#reasons.has(label) || this.#reasons.size < REASONS_MAX;
    if (isKnown) this.#reasons.add(label);
    this.#refused.inc({ reason: isKnown ? label : 'other' });
  }

  async text(levels: Levels): Promise<string> {
    this.#running.set(levels.running);
    this.#tasksMax.set(levels.tasksMax);
    this.#connected.set(levels.queueConnected ? 1 : 0);
    this.#welcomed.set((levels.welcomedAt ?? 0) / 1_000);
    return this.#registry.metrics();
  }

  async #time(task: string, work: () => Promise<unknown>): Promise<unknown> {
    this.#begun.inc({ task });
    const stop = this.#duration.startTimer({ task });
    let code = 'OK';
    try {
      return await work();
    } catch (error) {
      code = Failure.from(error).code;
      throw error;
    } finally {
      stop();
      this.#finished.inc({ task, code });
    }
  }

  #counter<L extends string>(name: string, help: string, labelNames: L[]): Counter<L> {
    return new Counter({ name: `${PREFIX}${name}`, help, labelNames, registers: [this.#registry] });
  }

  #gauge(name: string, help: string): Gauge {
    return new Gauge({ name: `${PREFIX}${name}`, help, registers: [this.#registry] });
  }
}
