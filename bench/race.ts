// One repository: every method in a process of its own, one after the other in every round, so that whatever else the
// machine does falls on all of them. Every answer is checked on the server's disk, outside of the clock.
import fs from 'node:fs';
import path from 'node:path';
import { Contender, type RunCall } from './contender-client.js';
import { catalogue, type Entry, ONE_PUSH, ONE_PUSH_OF } from './methods/catalogue.js';
import type { FileText, OperationName, Place } from './methods/method.js';
import type { Line, Proxy } from './proxy-client.js';
import {
  addForeignCommit,
  copyRepository,
  FILE,
  fileAt,
  generateRepository,
  headOf,
  listPaths,
  type RepositoryName,
  yamlOf,
} from './repositories.js';
import { type Key, type Row, type Sample, summarize } from './rows.js';
import { verifyOutcome } from './verify.js';

export interface Plan {
  methods: string[];
  operations: OperationName[];
  latenciesMs: number[];
  /** The first of them warms up. */
  rounds: number;
  /** An operation is not repeated once a method has spent so long on it. */
  repeatMsMax: number;
  /** When all of it has taken so long, what is left is not run. Each latency has its share. */
  raceMsMax: number;
  /** Many saves are stopped after this. */
  manyMsMax: number;
  /** What takes longer is ended, and the method leaves the race. */
  singleMsMax: number;
}

export interface Ground {
  /** Folder the server serves. */
  root: string;
  /** Folder for clients' files. */
  home: string;
  proxy: Proxy;
  say: (line: string) => void;
}

const SAVES = 100;
/** What takes longer without latency is not run again with it: the answer is known. */
const SLOW_MS = 5_000;

interface Runner {
  method: string;
  entry: Entry;
  contender: Contender;
  line: Line;
  /** The repository on the server. */
  folder: string;
  place: Place;
  /** Why it is out of the race. */
  out: string | null;
}

interface Task {
  key: Key;
  runner: Runner;
  atOnce: boolean;
  samples: Sample[];
  spentMs: number;
  note: string | null;
}

export class Race {
  /** Operations whose outcome was found on the server's disk. */
  verified = 0;
  readonly #plan: Plan;
  readonly #ground: Ground;
  readonly #rows: Row[] = [];
  /** Medians without latency, by method and operation. */
  readonly #known = new Map<string, number>();
  #seeds = 0;
  /** On the clock of `performance.now()`. */
  #endsAt = 0;

  constructor(plan: Plan, ground: Ground) {
    this.#plan = plan;
    this.#ground = ground;
  }

  async run(repository: RepositoryName): Promise<Row[]> {
    const { say, root } = this.#ground;
    say(`${repository}: generating`);
    const folder = generateRepository(root, repository);
    const runners: Runner[] = [];
    const endsAt = performance.now() + this.#plan.raceMsMax;
    try {
      for (const method of this.#plan.methods) {
        say(`${repository}: preparing ${method}`);
        runners.push(await this.#prepare(folder, method, runners.length));
      }
      for (const [at, latencyMs] of this.#plan.latenciesMs.entries()) {
        this.#endsAt =
          performance.now() + (endsAt - performance.now()) / (this.#plan.latenciesMs.length - at);
        await this.#runAt(repository, latencyMs, runners);
      }
      return this.#rows;
    } finally {
      for (const runner of runners) await this.#dismiss(runner);
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }

  async #prepare(folder: string, method: string, at: number): Promise<Runner> {
    const entry = catalogue[method];
    if (entry === undefined) throw new Error(`There is no method ${method}`);
    const copy = copyRepository(folder, `copy-${at}`);
    const line = await this.#ground.proxy.open(0);
    const place = { url: `${line.url}/copy-${at}.git`, folder: this.#makeFolder() };
    const contender = await Contender.start(method);
    const runner: Runner = { method, entry, contender, line, folder: copy, place, out: null };
    if (entry.state === 'warm') {
      const outcome = await contender.call({ kind: 'prepare', place }, this.#plan.singleMsMax);
      if (outcome.kind === 'timeout')
        runner.out = `not run: its clone was not there after ${this.#capText()}`;
    }
    return runner;
  }

  async #dismiss({ contender, line, folder, place }: Runner): Promise<void> {
    await contender.stop();
    await line.close();
    for (const one of [folder, place.folder]) fs.rmSync(one, { recursive: true, force: true });
  }

  async #runAt(repository: RepositoryName, latencyMs: number, runners: Runner[]): Promise<void> {
    for (const { line } of runners) await line.setLatency(latencyMs);
    const tasks = runners.flatMap((runner) => this.#listTasks(repository, latencyMs, runner));
    // Everything once before anything twice: when the time is up, a row rather lacks rounds than is missing.
    const order: OperationName[] = ['save', 'read', 'refresh', 'save100'];
    for (let round = 0; round < this.#plan.rounds; round++)
      for (const operation of order) {
        this.#ground.say(`${repository}, ${latencyMs} ms: ${operation}, round ${round + 1}`);
        for (const task of tasks.filter(({ key }) => key.operation === operation))
          await this.#runTask(task, round);
      }
    for (const task of tasks) {
      const row = summarize(task.key, task.samples, task.note);
      if (latencyMs === 0 && row.medianMs !== null) this.#known.set(nameOf(row), row.medianMs);
      this.#rows.push(row);
    }
  }

  #listTasks(repository: RepositoryName, latencyMs: number, runner: Runner): Task[] {
    const make = (operation: OperationName, method: string): Task => ({
      key: { operation, repository, latencyMs, method },
      runner,
      atOnce: method === ONE_PUSH,
      samples: [],
      spentMs: 0,
      note: null,
    });
    const operations = runner.entry.operations.filter((one) => this.#plan.operations.includes(one));
    const tasks = operations.map((operation) => make(operation, runner.method));
    if (runner.method === ONE_PUSH_OF && operations.includes('save100'))
      tasks.push(make('save100', ONE_PUSH));
    return tasks;
  }

  async #runTask(task: Task, round: number): Promise<void> {
    const { runner, key } = task;
    const knownMs = this.#known.get(nameOf(key)) ?? 0;
    if (task.note !== null) return;
    const isOver = performance.now() > this.#endsAt;
    if (round > 0 && (isOver || task.spentMs > this.#plan.repeatMsMax)) return;
    if (runner.out !== null) task.note = runner.out;
    else if (isOver) task.note = 'not run: the time was up';
    else if (key.latencyMs > 0 && knownMs > SLOW_MS && key.operation !== 'save100')
      task.note = `not run: took ${Math.round(knownMs / 1_000)} s without latency`;
    if (task.note !== null) return;
    const sample = await this.#measure(task, round);
    if (sample === null) return;
    task.samples.push(sample);
    task.spentMs += sample.ms;
  }

  async #measure(task: Task, round: number): Promise<Sample | null> {
    const { runner, key } = task;
    const isCold = runner.entry.state === 'cold';
    const line = isCold ? await this.#ground.proxy.open(key.latencyMs) : runner.line;
    const place = isCold ? this.#moveTo(line, runner) : runner.place;
    const files = this.#makeInput(runner.folder, key.operation);
    const base = headOf(runner.folder);
    await line.take();
    const call: RunCall = {
      kind: 'run',
      operation: key.operation,
      place,
      files,
      atOnce: task.atOnce,
      watchChildren: round === 0,
      stopAfterMs: this.#plan.manyMsMax,
    };
    const outcome = await runner.contender.call(call, this.#plan.singleMsMax);
    const counts = isCold ? await line.close() : await line.take();
    if (isCold) fs.rmSync(place.folder, { recursive: true, force: true });
    if (outcome.kind === 'done') {
      verifyOutcome(runner.folder, key.operation, { base, files, answer: outcome.answer });
      this.verified++;
      const { ms, cpuMs, rssMiB, childrenMiB } = outcome;
      return { ms, cpuMs, rssMiB, childrenMiB, ...counts };
    }
    if (outcome.kind === 'stopped')
      task.note = `stopped after ${Math.round(this.#plan.manyMsMax / 1_000)} s with ${outcome.done} of ${SAVES} saves`;
    if (outcome.kind === 'timeout') {
      task.note = `ended unfinished after ${this.#capText()}`;
      runner.out = `not run: an operation was ended after ${this.#capText()}`;
    }
    return null;
  }

  #moveTo(line: Line, { place }: Runner): Place {
    return { url: line.url + new URL(place.url).pathname, folder: this.#makeFolder() };
  }

  #makeFolder(): string {
    return fs.mkdtempSync(path.join(this.#ground.home, 'client-'));
  }

  #makeInput(folder: string, operation: OperationName): FileText[] {
    const write = (file: string): FileText => ({
      path: file,
      content: yamlOf(`save ${this.#seeds++}`, 1_000),
    });
    if (operation === 'save') return [write(FILE)];
    if (operation === 'save100') return listPaths(folder, SAVES).map(write);
    if (operation === 'refresh') {
      addForeignCommit(folder, yamlOf(`foreign ${this.#seeds++}`, 1_000));
      return [];
    }
    return [{ path: FILE, content: fileAt(folder, headOf(folder), FILE) }];
  }

  #capText(): string {
    return `${Math.round(this.#plan.singleMsMax / 1_000)} s`;
  }
}

function nameOf({ method, operation }: Pick<Key, 'method' | 'operation'>): string {
  return `${method}: ${operation}`;
}
