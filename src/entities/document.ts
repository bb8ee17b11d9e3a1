// Validates documents off the main thread, under a deadline that holds whatever the parser or a kind's patterns do.
import { Worker } from 'node:worker_threads';
import { Failure, type WireFailure } from '../kernel/failure.js';
import type { Identity, Meant } from './identity.js';

/** Longest document, in bytes. */
export const documentBytesMax = 1024 * 1024;
const SCHEMA_BYTES_MAX = 256 * 1024;
/** A document that takes its thread more time of a processor is refused. */
const DEADLINE_MS = 1_000;
/** Or more time altogether: what other programs take of a busy machine is no fault of the document, up to here. */
const DEADLINE_BUSY_MS = 10_000;
const WORKERS_MAX = 2;
const HEAP_MIB = 512;
/** Of what has just been made, and is garbage soon: more of it costs memory that is never given back, less of it time. */
const YOUNG_MIB = 48;
/** What goes to a thread at once: a message, and the wait for its turn, costs as much as a short document. */
const BUNDLE_DOCUMENTS_MAX = 32;
const BUNDLE_BYTES_MAX = 128 * 1024;

export interface DocumentKind {
  id: string;
  /** JSON Schema, 2020-12. */
  schema: object;
  /** Changes with the schema: compiled schemas are kept by it. */
  revision: string;
  identity?: Identity | null | undefined;
}

/** A document, and whom it must name where its kind says how; null for anybody. */
export interface MeantDocument {
  yaml: Uint8Array;
  meant: Meant | null;
}

/** What is asked of the worker thread. */
export type DocumentJob =
  /** Documents of one kind, one behind the other, with the offsets at which they end, and whom each must name. */
  | { check: 'documents'; kind: DocumentKind; bytes: Uint8Array; ends: number[]; meant: (Meant | null)[] }
  /** The schema as JSON: a text crosses threads however deep it is. */
  | { check: 'schema'; schema: string };

/** What it answers, in the order of what was asked: nothing wrong, or the failure. */
export type DocumentVerdict = WireFailure | null;

/** Why there are no verdicts: what was asked is to blame for the end of a thread. */
type Abandoned = 'takes too long to validate' | 'takes too much memory to validate';

/** Whether somebody waits for it, or it is one of the many that are judged in passing. */
type Patience = 'urgent' | 'patient';

interface Waiting {
  job: DocumentJob;
  settle: (answer: DocumentVerdict[] | Abandoned) => void;
}

interface Thread {
  worker: Worker;
  ready: boolean;
  current: Waiting | undefined;
  deadline: NodeJS.Timeout | undefined;
  /** Milliseconds of a processor that it had had when it got what it is at. */
  usedBefore: Promise<number>;
}

// Worker threads load compiled code; where this file itself runs uncompiled (under the test runner), the build's is used.
const entry = import.meta.url.endsWith('.ts')
  ? new URL('../../dist/src/entities/document-worker.js', import.meta.url)
  : new URL('./document-worker.js', import.meta.url);

export class DocumentValidator {
  readonly #threads = new Set<Thread>();
  /** Served by turns: neither a branch of many files holds up a save, nor do many saves hold up a branch. */
  readonly #queues: Record<Patience, Waiting[]> = { urgent: [], patient: [] };
  #next: Patience = 'urgent';
  #closed = false;

  /**
   * @param meant the entity that it must be, by whatever its kind says documents name themselves
   * @throws YAML_REFUSED, ENTITY_IDENTITY_MISMATCH, ENTITY_INVALID
   */
  async validate(yaml: Uint8Array, kind: DocumentKind, meant?: Meant): Promise<void> {
    if (yaml.byteLength > documentBytesMax)
      throw refusal(`the document is longer than ${documentBytesMax} bytes`);
    throwFirst(await this.#judge([{ yaml, meant: meant ?? null }], kind, 'urgent'));
  }

  /** What is wrong with each of many documents, none of which is longer than one may be. */
  async validateAll(documents: readonly MeantDocument[], kind: DocumentKind): Promise<DocumentVerdict[]> {
    const bundles = bundle(documents).map((some) => this.#judge(some, kind, 'patient'));
    return (await Promise.all(bundles)).flat();
  }

  /** Whether this can be a kind's schema. @throws KIND_INVALID */
  async checkSchema(schema: unknown): Promise<void> {
    const text = toJson(schema);
    if (Buffer.byteLength(text) > SCHEMA_BYTES_MAX)
      throw new Failure('KIND_INVALID', { problem: `The schema is longer than ${SCHEMA_BYTES_MAX} bytes` });
    const answer = await this.#ask({ check: 'schema', schema: text }, 'urgent');
    if (typeof answer === 'string') throw new Failure('KIND_INVALID', { problem: `The schema ${answer}` });
    throwFirst(answer);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  async #judge(
    documents: readonly MeantDocument[],
    kind: DocumentKind,
    patience: Patience,
  ): Promise<DocumentVerdict[]> {
    const ends: number[] = [];
    for (const { yaml } of documents) ends.push((ends.at(-1) ?? 0) + yaml.byteLength);
    const bytes = new Uint8Array(ends.at(-1) ?? 0);
    for (const [at, { yaml }] of documents.entries()) bytes.set(yaml, ends[at - 1] ?? 0);
    const meant = documents.map((one) => one.meant);
    const answer = await this.#ask({ check: 'documents', kind, bytes, ends, meant }, patience);
    if (typeof answer !== 'string') return answer;
    if (documents.length === 1) return [refusal(`the document ${answer}`).toWire()];
    // Which of them it was shows when each is by itself.
    return (await Promise.all(documents.map((one) => this.#judge([one], kind, patience)))).flat();
  }

  #ask(job: DocumentJob, patience: Patience): Promise<DocumentVerdict[] | Abandoned> {
    return new Promise((settle) => {
      this.#queues[patience].push({ job, settle });
      this.#dispatch();
    });
  }

  #dispatch(): void {
    const { urgent, patient } = this.#queues;
    if (urgent.length + patient.length === 0 || this.#closed) return;
    const idle = [...this.#threads].find(({ ready, current }) => ready && current === undefined);
    if (idle !== undefined) return this.#give(idle);
    if (this.#threads.size < WORKERS_MAX) this.#open();
  }

  #give(thread: Thread): void {
    const waiting = this.#take();
    if (waiting === undefined) return;
    thread.current = waiting;
    thread.usedBefore = usedBy(thread.worker);
    this.#limit(thread, DEADLINE_MS, performance.now() + DEADLINE_BUSY_MS);
    const { job } = waiting;
    thread.worker.postMessage(job, job.check === 'documents' ? [job.bytes.buffer as ArrayBuffer] : []);
  }

  #take(): Waiting | undefined {
    const first = this.#next;
    const other = first === 'urgent' ? 'patient' : 'urgent';
    this.#next = other;
    return this.#queues[first].shift() ?? this.#queues[other].shift();
  }

  /** @param end by this clock, whatever the thread has had of a processor, or does not say */
  #limit(thread: Thread, ms: number, end: number): void {
    const { current } = thread;
    const abandon = (): void => this.#abandon(thread, 'takes too long to validate');
    const look = async (): Promise<void> => {
      thread.deadline = setTimeout(abandon, end - performance.now());
      const left = DEADLINE_MS - (await usedBy(thread.worker)) + (await thread.usedBefore);
      if (thread.current !== current) return;
      clearTimeout(thread.deadline);
      if (left <= 0 || end <= performance.now()) abandon();
      else this.#limit(thread, Math.ceil(left), end);
    };
    thread.deadline = setTimeout(() => void look(), ms);
  }

  #open(): void {
    const worker = new Worker(entry, {
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB, maxYoungGenerationSizeMb: YOUNG_MIB },
    });
    const thread: Thread = {
      worker,
      ready: false,
      current: undefined,
      deadline: undefined,
      usedBefore: NONE,
    };
    this.#threads.add(thread);
    worker.unref();
    worker.on('message', (message: DocumentVerdict[] | 'ready') => {
      if (message === 'ready') thread.ready = true;
      else this.#settle(thread, message);
      this.#dispatch();
    });
    // Out of memory, or out of stack in a way that cannot be caught: a document asked for it.
    worker.on('error', () => this.#abandon(thread, 'takes too much memory to validate'));
  }

  #settle(thread: Thread, answer: DocumentVerdict[] | Abandoned): void {
    clearTimeout(thread.deadline);
    thread.current?.settle(answer);
    thread.current = undefined;
  }

  /** Ends the thread; the next one starts on what comes next. */
  #abandon(thread: Thread, why: Abandoned): void {
    this.#threads.delete(thread);
    void thread.worker.terminate();
    this.#settle(thread, why);
    this.#dispatch();
  }
}

const NONE = Promise.resolve(0);

/** Milliseconds of a processor; none of a thread that has ended. */
async function usedBy(worker: Worker): Promise<number> {
  const { user, system } = await worker.cpuUsage().catch(() => ({ user: 0, system: 0 }));
  return (user + system) / 1_000;
}

function throwFirst([verdict = null]: DocumentVerdict[]): void {
  if (verdict !== null) throw Failure.fromWire(verdict);
}

/** In their order, so many at a time as a thread is given at once. */
function bundle(documents: readonly MeantDocument[]): MeantDocument[][] {
  const bundles: MeantDocument[][] = [];
  let bytes = 0;
  for (const document of documents) {
    const last = bundles.at(-1);
    bytes += document.yaml.byteLength;
    if (last !== undefined && last.length < BUNDLE_DOCUMENTS_MAX && bytes <= BUNDLE_BYTES_MAX) {
      last.push(document);
      continue;
    }
    bundles.push([document]);
    bytes = document.yaml.byteLength;
  }
  return bundles;
}

function toJson(schema: unknown): string {
  try {
    return JSON.stringify(schema) ?? 'null';
  } catch {
    throw new Failure('KIND_INVALID', { problem: 'The schema is nested too deeply' });
  }
}

const refusal = (problem: string): Failure =>
  new Failure('YAML_REFUSED', { problem, line: 1, column: 1 }) as Failure;
