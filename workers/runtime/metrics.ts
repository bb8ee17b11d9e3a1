// What a delegate counts, as Prometheus reads it. Labels take few values (tasks, codes, reasons, kinds): no host, no repository and
// no name that somebody else chooses.
import { tasks } from '../../src/contract/tasks.js';
import { contractVersion } from '../../src/contract/version.js';
import { hear } from '../../src/kernel/facts.js';
import { Failure } from '../../src/kernel/failure.js';
import type { TaskContext, TaskHandlers } from '../../src/queue/task-worker.js';
import { BoundedLabel, codeOf, MetricSet } from '../../src/telemetry/metric-set.js';

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
  readonly #set = new MetricSet('sallyport_delegate_');
  readonly #reasons = new BoundedLabel(REASONS_MAX);
  readonly #begun = this.#set.counter('tasks_begun_total', 'Tasks begun', ['task']);
  readonly #finished = this.#set.counter(
    'tasks_finished_total',
    'Tasks finished, by how: OK or the code of the failure',
    ['task', 'code'],
  );
  readonly #refused = this.#set.counter(
    'messages_refused_total',
    'Messages refused before anything was done',
    ['reason'],
  );
  readonly #duration = this.#set.histogram(
    'task_duration_seconds',
    'How long tasks took, however they ended',
    DURATION_SECONDS,
    ['task'],
  );
  readonly #opened = this.#set.counter(
    'secrets_opened_total',
    'Attempts to open a secret, by the kind of its secret manager and how: OK or the code of the failure',
    ['kind', 'code'],
  );
  readonly #running = this.#set.gauge('tasks_running', 'Tasks that run');
  readonly #tasksMax = this.#set.gauge('tasks_max', 'Tasks that may run at once');
  readonly #connected = this.#set.gauge('queue_connected', 'Whether the queue answers: 1 or 0');
  readonly #welcomed = this.#set.gauge(
    'last_welcome_timestamp_seconds',
    'When a manager last welcomed this delegate; 0 for never',
  );
  readonly #deafen: () => void;

  constructor(version: string) {
    this.#set.observeProcess();
    this.#set
      .gauge('build_info', 'Which delegate this is; always 1', ['version', 'contract'])
      .set({ version, contract: contractVersion }, 1);
    // A counter that begins to exist with its first event hides that event from rates.
    for (const task of Object.keys(tasks)) {
      this.#begun.inc({ task }, 0);
      this.#finished.inc({ task, code: 'OK' }, 0);
    }
    this.#deafen = hear('secret.open', ({ kind, code }) => this.#opened.inc({ kind, code: codeOf(code) }));
  }

  get contentType(): string {
    return this.#set.contentType;
  }

  close(): void {
    this.#deafen();
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
    this.#refused.inc({ reason: this.#reasons.of(label) });
  }

  async text(levels: Levels): Promise<string> {
    this.#running.set(levels.running);
    this.#tasksMax.set(levels.tasksMax);
    this.#connected.set(levels.queueConnected ? 1 : 0);
    this.#welcomed.set((levels.welcomedAt ?? 0) / 1_000);
    return this.#set.text();
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
}
