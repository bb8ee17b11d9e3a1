// Validates documents off the main thread, under a deadline that holds whatever the parser or a kind's patterns do.
import { Worker } from 'node:worker_threads';
import { Failure, type WireFailure } from '../kernel/failure.js';

/** Longest document, in bytes. */
export const documentBytesMax = 1024 * 1024;
const SCHEMA_BYTES_MAX = 256 * 1024;
/** A document that takes longer is refused. */
const DEADLINE_MS = 1_000;
const WORKERS_MAX = 2;
const HEAP_MIB = 512;

export interface DocumentKind {
  id: string;
  /** JSON Schema, 2020-12. */
  schema: object;
  /** Changes with the schema: compiled schemas are kept by it. */
  revision: string;
}

/** What is asked of the worker thread. */
export type DocumentJob =
  | { check: 'document'; yaml: Uint8Array; kind: DocumentKind }
  /** The schema as JSON: a text crosses threads however deep it is. */
  | { check: 'schema'; schema: string };

/** What it answers: nothing wrong, or the failure. */
export type DocumentVerdict = WireFailure | null;

interface Waiting {
  job: DocumentJob;
  settle: (verdict: DocumentVerdict) => void;
}

interface Thread {
  worker: Worker;
  ready: boolean;
  current: Waiting | undefined;
  deadline: NodeJS.Timeout | undefined;
}

// Worker threads load compiled code; where this file itself runs uncompiled (under the test runner), the build's is used.
const entry = import.meta.url.endsWith('.ts')
  ? new URL('../../dist/src/entities/document-worker.js', import.meta.url)
  : new URL('./document-worker.js', import.meta.url);

export class DocumentValidator {
  readonly #threads = new Set<Thread>();
  readonly #queue: Waiting[] = [];
  #closed = false;

  /** @throws YAML_REFUSED, ENTITY_INVALID */
  async validate(yaml: Uint8Array, kind: DocumentKind): Promise<void> {
    if (yaml.byteLength > documentBytesMax)
      throw refusal(`the document is longer than ${documentBytesMax} bytes`);
    await this.#ask({ check: 'document', yaml, kind });
  }

  /** Whether this can be a kind's schema. @throws KIND_INVALID */
  async checkSchema(schema: unknown): Promise<void> {
    const text = toJson(schema);
    if (Buffer.byteLength(text) > SCHEMA_BYTES_MAX)
      throw new Failure('KIND_INVALID', { problem: `The schema is longer than ${SCHEMA_BYTES_MAX} bytes` });
    await this.#ask({ check: 'schema', schema: text });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  async #ask(job: DocumentJob): Promise<void> {
    const verdict = await new Promise<DocumentVerdict>((settle) => {
      this.#queue.push({ job, settle });
      this.#dispatch();
    });
    if (verdict !== null) throw Failure.fromWire(verdict);
  }

  #dispatch(): void {
    if (this.#queue.length === 0 || this.#closed) return;
    const idle = [...this.#threads].find(({ ready, current }) => ready && current === undefined);
    if (idle !== undefined) return this.#give(idle);
    if (this.#threads.size < WORKERS_MAX) this.#open();
  }

  #give(thread: Thread): void {
    const waiting = this.#queue.shift();
    if (waiting === undefined) return;
    thread.current = waiting;
    thread.deadline = setTimeout(() => this.#abandon(thread, 'takes too long to validate'), DEADLINE_MS);
    thread.worker.postMessage(waiting.job);
  }

  #open(): void {
    const worker = new Worker(entry, { resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB } });
    const thread: Thread = { worker, ready: false, current: undefined, deadline: undefined };
    this.#threads.add(thread);
    worker.unref();
    worker.on('message', (message: DocumentVerdict | 'ready') => {
      if (message === 'ready') thread.ready = true;
      else this.#settle(thread, message);
      this.#dispatch();
    });
    // Out of memory, or out of stack in a way that cannot be caught: the document asked for it.
    worker.on('error', () => this.#abandon(thread, 'takes too much memory to validate'));
  }

  #settle(thread: Thread, verdict: DocumentVerdict): void {
    clearTimeout(thread.deadline);
    thread.current?.settle(verdict);
    thread.current = undefined;
  }

  /** Ends the thread and refuses what it was at; the next one starts on the next document. */
  #abandon(thread: Thread, problem: string): void {
    this.#threads.delete(thread);
    void thread.worker.terminate();
    const isSchema = thread.current?.job.check === 'schema';
    const failure = isSchema
      ? (new Failure('KIND_INVALID', { problem: `The schema ${problem}` }) as Failure)
      : refusal(`the document ${problem}`);
    this.#settle(thread, failure.toWire());
    this.#dispatch();
  }
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
