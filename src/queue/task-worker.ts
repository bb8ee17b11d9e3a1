// The delegate's end of its own task queue: what is authentic, addressed to it, in time and new is carried out; nothing else.
import { type Job, Worker } from 'bullmq';
import { Purpose } from '../contract/audit.js';
import { answerInfo, clockSkewMaxMs, TaskClaims } from '../contract/messages.js';
import { encodeBytes, TaskAnswer, type TaskInput, type TaskName, tasks } from '../contract/tasks.js';
import { concerning, inSpan, readTraceparent } from '../kernel/concern.js';
import { Failure } from '../kernel/failure.js';
import { type Opens, Sealer } from '../sealing/hpke.js';
import type { Identity } from '../sealing/identity.js';
import { MessageRefused, openMessage, type SealedMessage, sealMessage } from '../sealing/sealed-message.js';
import { groupPrefix, type QueueBackend, taskQueueName } from './backend.js';
import { ANSWER_BYTES_MAX } from './task-look.js';

/** A task as its handler knows it, beside its input. */
export interface TaskContext {
  id: string;
  name: string;
  /** Why it was asked for; null where the manager told nothing of it. */
  purpose: Purpose | null;
}

/** One handler for every task: a missing one does not compile. Handlers answer plain values or fail with a Failure. */
export type TaskHandlers = { [N in TaskName]: (input: TaskInput<N>, task: TaskContext) => Promise<unknown> };

/** What a delegate knows itself and its manager by. Keys in base64url. */
export interface DelegateSeal {
  deployment: string;
  group: string;
  delegate: string;
  identity: Identity;
  /** Opens what was sealed to this delegate or to its group. */
  opener: Opens;
  /** Public keys of the manager. */
  managerIdentityKey: string;
  managerSealingKey: string;
}

/** Which tasks were begun: none is begun twice, not after a restart either. */
export interface TaskJournal {
  /** Whether the task is new; from then on it is not. */
  begin: (task: string, expiresAt: number) => boolean;
}

/** How a task is called in logs. */
export interface TaskLabel {
  id: string;
  name: string;
}

export interface TaskWorkerOptions {
  seal: DelegateSeal;
  /** Contract versions. */
  speaks: { oldest: number; latest: number };
  /** Name of the delegate, carried by the failures it reports. */
  name: string;
  /** Id of this process, as its manager knows it: each task that it begins names it. */
  process: string;
  tasksMax: number;
  journal: TaskJournal;
  handlers: TaskHandlers;
  /** Told of every task that failed, and of faults of the connection. */
  onFault: (error: unknown, task?: TaskLabel) => void;
  /** Told of every message that was refused; of which task, where its author is known. */
  onForgery: (reason: string, task?: TaskLabel) => void;
  /** Told of every task that the queue gave once more, since its worker was lost: it is not begun again. */
  onRedelivery?: (task: TaskLabel) => void;
}

/** What has become of a task. */
interface Done {
  answer: TaskAnswer;
  /** Of its remote, where it has one. */
  host: string;
  task: TaskLabel | undefined;
}

/** What an answer has beside its content. */
const CLAIMS_BYTES_MAX = 4_096;

/** Takes tasks until `close`, which lets the running ones finish. */
export class TaskWorker {
  readonly #worker: Worker;
  readonly #options: TaskWorkerOptions;
  readonly #sealer: Sealer;
  #running = 0;

  constructor(backend: QueueBackend, options: TaskWorkerOptions) {
    this.#options = options;
    const { seal } = options;
    this.#sealer = new Sealer(seal.managerSealingKey, answerInfo(seal.deployment));
    this.#worker = new Worker(taskQueueName(seal.delegate), (job) => this.#perform(job), {
      ...backend.worker,
      prefix: groupPrefix(seal.group),
      concurrency: options.tasksMax,
      name: options.process,
    });
    this.#worker.on('error', (error) => options.onFault(error));
  }

  get running(): number {
    return this.#running;
  }

  /** `force` does not wait for what runs, which is not answered any more. */
  async close(force = false): Promise<void> {
    await this.#worker.close(force);
  }

  /** A task that fails is answered, not thrown: the failure reaches the manager as it was met. */
  async #perform(job: Job): Promise<SealedMessage> {
    this.#running += 1;
    try {
      const { answer, host, task } = await this.#carryOut(job);
      const sealed = await this.#seal(job, answer);
      if (sealed.box.length + CLAIMS_BYTES_MAX <= ANSWER_BYTES_MAX) return sealed;
      const limit = 'bytes of one answer';
      const failure = new Failure('GIT_LIMIT_EXCEEDED', { host, limit, max: ANSWER_BYTES_MAX });
      return await this.#seal(job, this.#fail(failure, job, task));
    } finally {
      this.#running -= 1;
    }
  }

  async #carryOut(job: Job): Promise<Done> {
    try {
      const { claims, payload } = await this.#open(job);
      const told = takeTold(payload);
      // What is logged of it names the operations, its failure too.
      return await concerning(told.purpose.data?.operations ?? [], () => this.#run(job, claims, told));
    } catch (error) {
      return { answer: this.#fail(error, job), task: undefined, host: '' };
    }
  }

  async #run(job: Job, claims: TaskClaims, told: Told): Promise<Done> {
    const task = { id: claims.task, name: claims.name };
    const host = hostOf(told.rest);
    let answer: TaskAnswer | undefined;
    // Within the span, so that what is logged of a failure names its trace.
    const work = () =>
      this.#dispatch(job, claims, told).catch((error: unknown) => {
        answer = this.#fail(error, job, task);
        throw error;
      });
    const span = {
      name: `run ${task.name}`,
      kind: 'consumer' as const,
      attributes: { 'sallyport.task': task.id },
    };
    try {
      const { traceparent: parent } = told;
      const output = await (parent === undefined ? work() : inSpan({ ...span, parent }, work));
      return { answer: { ok: true, output: encodeBytes(output) }, task, host };
    } catch (error) {
      return { answer: answer ?? this.#fail(error, job, task), task, host };
    }
  }

  #fail(error: unknown, job: Job, task?: TaskLabel): TaskAnswer {
    const { name, onFault } = this.#options;
    if (!isOfRefusal(error)) onFault(error, task);
    const failure = Failure.from(error, `delegate ${name}, task ${job.id}`);
    failure.delegate ??= name;
    return { ok: false, failure: failure.toWire() };
  }

  /** @throws TASK_REFUSED */
  async #open(job: Job): Promise<{ claims: TaskClaims; payload: unknown }> {
    const { seal, onForgery } = this.#options;
    try {
      return await openMessage(job.data, {
        purpose: 'task',
        claims: TaskClaims,
        authorKey: seal.managerIdentityKey,
        check: (claims) => objectionTo(claims, seal, job.id),
        opener: seal.opener,
      });
    } catch (error) {
      if (!(error instanceof MessageRefused)) throw error;
      onForgery(error.message);
      throw new Failure('TASK_REFUSED', { reason: error.message }, { cause: error });
    }
  }

  async #dispatch(job: Job, claims: TaskClaims, { purpose, rest }: Told): Promise<unknown> {
    const { handlers, journal, onForgery, onRedelivery, seal } = this.#options;
    const { contract } = claims;
    const { oldest, latest } = this.#options.speaks;
    if (contract > latest || contract < oldest)
      throw new Failure('CONTRACT_VERSION_MISMATCH', { manager: contract, delegate: latest });
    const lateMs = Date.now() - claims.expiresAt;
    if (lateMs > 0) throw new Failure('TASK_EXPIRED', { seconds: Math.ceil(lateMs / 1000) });
    if (!Object.hasOwn(tasks, claims.name))
      throw new Failure('TASK_REFUSED', { reason: `task ${claims.name} is unknown` });
    const name = claims.name as TaskName;
    const input = tasks[name].input.safeParse(rest);
    if (!input.success || !purpose.success)
      throw new Failure('TASK_REFUSED', { reason: `the input of ${name} is not valid` });
    if (!journal.begin(claims.task, claims.expiresAt)) {
      const reason = 'it was begun before, and is not begun twice';
      const task = { id: claims.task, name: claims.name };
      if (job.attemptsStarted > 1) onRedelivery?.(task);
      else onForgery(reason, task);
      throw new Failure('TASK_OUTCOME_UNKNOWN', { group: seal.group, reason });
    }
    const context: TaskContext = { id: claims.task, name, purpose: purpose.data };
    return (handlers[name] as (input: unknown, task: TaskContext) => Promise<unknown>)(input.data, context);
  }

  async #seal(job: Job, answer: TaskAnswer): Promise<SealedMessage> {
    const { deployment, group, delegate, identity } = this.#options.seal;
    const claims = { deployment, group, delegate, task: job.id, answeredAt: Date.now() };
    return sealMessage(answer, claims, { purpose: 'answer', sealer: this.#sealer, author: identity });
  }
}

/** Of a message that was refused, `onForgery` has told. */
const isOfRefusal = (error: unknown): boolean =>
  error instanceof Failure && error.cause instanceof MessageRefused;

function objectionTo(claims: TaskClaims, seal: DelegateSeal, job: string | undefined): string | undefined {
  if (claims.deployment !== seal.deployment) return 'it is of another deployment';
  if (claims.group !== seal.group || claims.delegate !== seal.delegate) return 'it is for another delegate';
  if (claims.task !== job) return 'it was put in the place of another task';
  if (claims.issuedAt > Date.now() + clockSkewMaxMs) return 'it is of the future';
  return undefined;
}

type Told = ReturnType<typeof takeTold>;

/** A task’s purpose travels beside its input, and which trace it is a part of; what opens no secret has no purpose. */
function takeTold(payload: unknown) {
  const told = { ...(payload as { purpose?: unknown; traceparent?: unknown }) };
  const { purpose = null, traceparent, ...rest } = told;
  return {
    purpose: Purpose.nullable().safeParse(purpose),
    traceparent: readTraceparent(traceparent),
    rest,
  };
}

function hostOf(payload: unknown): string {
  const { remote } = (payload ?? {}) as { remote?: { url?: unknown } };
  return URL.parse(String(remote?.url))?.host || 'the host';
}
