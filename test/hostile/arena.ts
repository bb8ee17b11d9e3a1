// Where both engines meet hosts that mean no good, while a neighbour works with a good one.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import type { Git, Remote } from '../../src/git/git.js';
import { InProcessGit } from '../../src/git/in-process-git.js';
import type { Limits } from '../../src/git/limits.js';
import type { ErrorCode } from '../../src/kernel/errors.js';
import type { Failure } from '../../src/kernel/failure.js';
import { Secret } from '../../src/kernel/secret.js';
import { NativeGit } from '../../workers/native-git/native-git.js';
import { GitWorld, type TestRepository } from '../support/git-world.js';
import { type Script, ScriptedHost, type ScriptedHostOptions } from '../support/scripted-host.js';
import { failureFrom } from '../unit/support/refusals.js';

export type Engine = 'InProcessGit' | 'NativeGit';

/** The code a case has to end in: of both engines, or of each. */
export type Expected = ErrorCode | Record<Engine, ErrorCode>;

export interface Terms {
  deadlineMs?: number;
  /** Of the in-process engine; the system git has the limits of its wrapper. */
  limits?: Partial<Limits>;
  password?: string;
}

const DEADLINE_MS = 20_000;
/** What a deadline may be missed by: the system git is ended politely first, and on a busy machine. */
const GRACE_MS = 15_000;

export class Arena {
  world!: GitWorld;
  neighbour!: TestRepository;
  readonly #root = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-hostile-'));
  readonly #hosts: ScriptedHost[] = [];

  constructor(readonly engine: Engine) {}

  async open(): Promise<void> {
    this.world = await GitWorld.open();
    this.neighbour = this.world.create({ files: { 'a.yaml': 'a: 1\n', 'd/b.yaml': 'b: 1\n' } });
  }

  async close(): Promise<void> {
    await this.world.close();
    fs.rmSync(this.#root, { recursive: true, force: true });
  }

  async closeHosts(): Promise<void> {
    await Promise.all(this.#hosts.splice(0).map((host) => host.close()));
  }

  /** A host that lives as long as the test. */
  async host(script: Script, options: ScriptedHostOptions = {}): Promise<ScriptedHost> {
    const host = await ScriptedHost.open(script, options);
    this.#hosts.push(host);
    return host;
  }

  git(url: string, { deadlineMs = DEADLINE_MS, limits = {}, password }: Terms = {}): Git {
    const credential = { username: 'ada', open: async () => new Secret(Buffer.from(password ?? '')) };
    const remote: Remote = password === undefined ? { url } : { url, credential };
    const allow = { allowHttp: true, allowPrivate: true, deadlineMs };
    return this.engine === 'InProcessGit'
      ? new InProcessGit(remote, { ...allow, limits })
      : new NativeGit(remote, { ...allow, root: this.#root });
  }

  /** What the work fails with, in time and with the neighbour unharmed. */
  async refusal(work: (git: Git) => Promise<unknown>, url: string, terms: Terms = {}): Promise<Failure> {
    const begun = performance.now();
    const timed = failureFrom(work(this.git(url, terms))).then((failure) => ({
      failure,
      ms: performance.now() - begun,
    }));
    const [{ failure, ms }] = await Promise.all([timed, expectWorkNextDoor(this)]);
    expectPlain(failure, ms, terms.deadlineMs ?? DEADLINE_MS);
    return failure;
  }

  /** The code of this engine. */
  codeOf(expected: Expected): ErrorCode {
    return typeof expected === 'string' ? expected : expected[this.engine];
  }
}

function expectPlain({ message }: Failure, ms: number, deadlineMs: number): void {
  expect(ms).toBeLessThan(deadlineMs + GRACE_MS);
  expect(message).not.toMatch(/\p{C}/u);
}

async function expectWorkNextDoor(arena: Arena): Promise<void> {
  const { remote, reference } = arena.neighbour;
  const git = arena.git(remote.url, { password: remote.password });
  const head = await git.head('main');
  expect(head).toBe(reference.head('main'));
  expect((await git.list(head ?? '', '')).map(({ path: file }) => file)).toEqual(['a.yaml', 'd/b.yaml']);
}

/** Declares the tests once for each engine. */
export function describeHostile(title: string, declare: (arena: Arena) => void): void {
  describe.each<Engine>(['InProcessGit', 'NativeGit'])(`${title} meets %s`, (engine) => {
    const arena = new Arena(engine);
    beforeAll(() => arena.open());
    afterEach(() => arena.closeHosts());
    afterAll(() => arena.close());
    declare(arena);
  });
}
