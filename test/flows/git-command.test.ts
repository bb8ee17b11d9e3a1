// The engines on the command line, from outside: npm, a real host, and plain git to say what is there.
import fs from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GitCommand, type Run, type RunOptions } from '../support/git-command.js';
import type { ReferenceRepository } from '../support/git-reference.js';
import { GitWorld, type TestRepository } from '../support/git-world.js';
import { ListeningLine } from '../support/listening-line.js';
import { freePort } from '../support/servers.js';

let world: GitWorld;
let line: ListeningLine;
let login: string[];
const command = new GitCommand();

beforeAll(async () => {
  world = await GitWorld.open();
  const { username, password } = world.remote('');
  login = ['--user', username, '--password-file', command.write('password', `${password}\n`)];
});
afterAll(async () => {
  await world.close();
  command.close();
});
beforeEach(async () => {
  line = await ListeningLine.open(world.host.url);
});
afterEach(() => line.close());

/** Runs it; the password is not in what it says. */
async function git(args: string[], options?: RunOptions): Promise<Run> {
  const run = await command.run(args, options);
  expect(run.stdout + run.stderr).not.toContain(world.remote('').password);
  return run;
}

/** The repository's address on the counting line. */
const counted = ({ remote }: TestRepository): string => remote.url.replace(world.host.url, line.url);
const FRAMES_BYTES_MAX = 64;
const files = {
  'a.yaml': 'a: 1\n',
  'b/c.yaml': 'ü\u0000\u001b\n',
  'b/raw.bin': Buffer.from([0xff, 0xfe, 0]),
};

describe.each([
  ['in-process', []],
  ['native', ['--native']],
])('git, %s', (engine, flags) => {
  const run = (name: string, url: string, args: string[] = [], options?: RunOptions) =>
    git([name, url, ...login, ...flags, ...args], options);
  const host = {
    agent: expect.stringMatching(/^git\//),
    protocol: 2,
    filter: true,
    shallow: true,
    wants: 'any',
    objectFormat: 'sha1',
    push: null,
  };

  /** Success, with the numbers that were counted on the way. */
  function expectMeasured({ code, stderr, report }: Run): void {
    expect({ code, stderr, ok: report.ok, engine: report.engine }).toEqual({
      code: 0,
      stderr: '',
      ok: true,
      engine,
    });
    expect(report.requests).toBe(line.requests.length);
    expect(report.requests).toBeGreaterThan(1);
    expect(report.ms).toBeGreaterThan(0);
    expect(report.host).toEqual(host);
    const [up, down] = [report.bytesUp as number, report.bytesDown as number];
    // The end of an answer in chunks may come when all that counts of it was read; and of chunks, curl of some versions
    // leaves out the frames.
    expect(down).toBeLessThanOrEqual(line.bytesDown);
    expect(down).toBeGreaterThan(line.bytesDown - FRAMES_BYTES_MAX * line.requests.length);
    expect(up).toBeLessThanOrEqual(line.bytesUp);
    const missing = engine === 'native' ? FRAMES_BYTES_MAX : 0;
    expect(up).toBeGreaterThanOrEqual(line.bytesUp - missing);
  }

  it('finds the head of a branch, and of the default branch without one', async () => {
    const repository = world.create({ files });
    const { reference } = repository;
    const other = reference.push('other/name', { 'x.yaml': 'x\n' });
    const named = await run('head', counted(repository), ['--branch', 'other/name']);
    expectMeasured(named);
    expect(named.report.result).toEqual({ branch: 'other/name', commit: other });
    const standard = await run('head', counted(repository));
    expect(standard.report.result).toEqual({ branch: 'main', commit: reference.head('main') });
  });

  it('lists branches', async () => {
    const repository = world.create({ files });
    const main = repository.reference.head('main') as string;
    repository.reference.point('second', main);
    const heads = await run('heads', counted(repository));
    expectMeasured(heads);
    expect(heads.report.result).toEqual({ branches: { main, second: main }, default: 'main' });
  });

  it('lists files, of everything or of a folder', async () => {
    const repository = world.create({ files });
    const { reference } = repository;
    const commit = reference.head('main') as string;
    const expected = Object.entries(reference.files(commit)).map(([file, about]) => ({
      path: file,
      mode: about.slice(0, 6),
      id: about.slice(7),
    }));
    const all = await run('list', counted(repository));
    expectMeasured(all);
    expect(all.report.result).toEqual({ branch: 'main', commit, entries: expected });
    const below = await run('list', counted(repository), ['--path', 'b/']);
    expect(below.report.result?.entries).toEqual(expected.filter(({ path: at }) => at.startsWith('b/')));
  });

  it('reads text as text and anything else in base64', async () => {
    const repository = world.create({ files });
    const text = await run('read', counted(repository), ['--path', 'b/c.yaml', '--branch', 'main']);
    expectMeasured(text);
    expect(text.report.result).toEqual({
      branch: 'main',
      commit: repository.reference.head('main'),
      path: 'b/c.yaml',
      id: repository.reference.blob(files['b/c.yaml']),
      encoding: 'utf8',
      content: files['b/c.yaml'],
    });
    const raw = await run('read', counted(repository), ['--path', 'b/raw.bin']);
    expect(raw.report.result).toMatchObject({
      encoding: 'base64',
      content: files['b/raw.bin'].toString('base64'),
    });
  });

  it('commits a file on the branch', async () => {
    const repository = world.create({ files });
    const before = repository.reference.head('main') as string;
    const content = Buffer.from([0, 1, 0xff, 10]);
    const about = ['--author', 'Ada Lovelace <ada@example.org>', '--message', 'Say it\n\nAt length'];
    const file = command.write('content', content);
    const committed = await run('commit', counted(repository), ['--path', 'n/e w', '--file', file, ...about]);
    expectMeasured(committed);
    const head = repository.reference.head('main') as string;
    expect(committed.report.result).toEqual({
      branch: 'main',
      case: 'existing-branch',
      attempts: 1,
      status: 'landed',
      head,
      steps: [{ commit: head, unchanged: false, blobs: [repository.reference.blob(content)] }],
    });
    repository.reference.verify();
    expect(describeCommit(repository.reference, head)).toEqual({
      parent: before,
      author: 'Ada Lovelace <ada@example.org>',
      committer: 'Sallyport <sallyport@localhost>',
      message: 'Say it\n\nAt length',
      diff: 'A\tn/e w',
    });
  });

  it('deletes a file, as who the settings say', async () => {
    const repository = world.create({ files });
    const env = { SALLYPORT_COMMITTER_NAME: 'Op', SALLYPORT_COMMITTER_EMAIL: 'op@example.org' };
    const gone = await run('commit', counted(repository), ['--path', 'b/c.yaml', '--delete'], { env });
    expectMeasured(gone);
    expect(describeCommit(repository.reference, repository.reference.head('main') as string)).toMatchObject({
      author: 'Op <op@example.org>',
      committer: 'Op <op@example.org>',
      message: 'Delete b/c.yaml',
      diff: 'D\tb/c.yaml',
    });
  });

  it('creates a branch that is not there from the default branch, and says so', async () => {
    const repository = world.create({ files });
    const main = repository.reference.head('main') as string;
    const args = ['--branch', 'new/one', '--path', 'x', '--file', command.write('content', 'x')];
    const { report } = await run('commit', counted(repository), args);
    const head = repository.reference.head('new/one') as string;
    expect(report.result).toMatchObject({ case: 'new-branch', from: 'main', branch: 'new/one', head });
    expect(describeCommit(repository.reference, head).parent).toBe(main);
    expect(repository.reference.head('main')).toBe(main);
  });

  it('makes the first commit of an empty repository on the branch that is named', async () => {
    const repository = world.create();
    const args = ['--path', 'x', '--file', command.write('content', 'x')];
    const unnamed = await run('commit', counted(repository), args);
    expect(unnamed).toMatchObject({ code: 2, report: { ok: false, code: 'COMMAND_INVALID' } });
    expect(unnamed.report.message).toContain('--branch');
    const first = await run('commit', counted(repository), [...args, '--branch', 'main']);
    const head = repository.reference.head('main') as string;
    expect(first.report.result).toMatchObject({ case: 'first-commit', head });
    expect(describeCommit(repository.reference, head).parent).toBe('');
  });

  it('builds a commit anew when the branch moved under it, once', async () => {
    const repository = world.create({ files });
    let moves = 0;
    let movesMax = 1;
    line.onRequest = (request) => {
      if (request !== pushOf(repository) || moves >= movesMax) return;
      repository.reference.push('main', { 'foreign.yaml': `${++moves}\n` });
    };
    const args = ['--path', 'x', '--file', command.write('content', 'x')];
    const { report } = await run('commit', counted(repository), args);
    expect(report).toMatchObject({ ok: true, result: { attempts: 2, status: 'landed' } });
    const head = repository.reference.head('main') as string;
    expect(Object.keys(repository.reference.files(head))).toEqual(
      expect.arrayContaining(['foreign.yaml', 'x']),
    );
    movesMax = Number.POSITIVE_INFINITY;
    const again = await run('commit', counted(repository), [
      ...args.slice(0, 3),
      command.write('content', 'y'),
    ]);
    expect(again).toMatchObject({ code: 1, report: { ok: false, code: 'GIT_BRANCH_BUSY' } });
  });

  const pushOf = ({ remote }: TestRepository): string => {
    const { pathname } = new URL(remote.url);
    return engine === 'native'
      ? `GET ${pathname}/info/refs?service=git-receive-pack`
      : `POST ${pathname}/git-receive-pack`;
  };

  it('checks all stages, and fails with the one that failed', async () => {
    const repository = world.create({ files });
    const good = await run('check', counted(repository));
    expect(good).toMatchObject({ code: 0, stderr: '', report: { ok: true, host } });
    expect(good.report.requests).toBe(line.requests.length);
    const stages = ['reach', 'authenticate', 'read', 'write'];
    expect(good.report.result).toEqual({
      stages: stages.map((stage) => ({ stage, ok: true, ms: expect.any(Number) })),
    });
    const bad = await git(['check', counted(repository), ...flags]);
    const refusal = { code: 'GIT_AUTH_REJECTED', message: expect.any(String), hint: expect.any(String) };
    expect(bad).toMatchObject({ code: 1, report: { ok: false, ...refusal } });
    expect(bad.report.result?.stages).toEqual([
      { stage: 'reach', ok: true, ms: expect.any(Number) },
      { stage: 'authenticate', ok: false, ms: expect.any(Number), ...refusal },
    ]);
  });

  it('names what failed, with what it cost', async () => {
    const repository = world.create({ files });
    const wrong = ['--user', 'ada', '--password-file', command.write('wrong', 'wrong')];
    const closed = `http://127.0.0.1:${await freePort()}/x.git`;
    const url = counted(repository);
    const cases: [string[], string][] = [
      [['head', url, ...wrong], 'GIT_AUTH_REJECTED'],
      [['head', `${line.url}/nowhere.git`, ...login], 'GIT_REPOSITORY_NOT_FOUND'],
      [['head', url, '--branch', 'nowhere', ...login], 'GIT_REF_NOT_FOUND'],
      [['read', url, '--path', 'nowhere', ...login], 'GIT_OBJECT_NOT_FOUND'],
      [['commit', url, '--path', '.git/config', '--delete', ...login], 'INPUT_REFUSED'],
      [['heads', closed], 'GIT_UNREACHABLE'],
      [['heads', 'http://169.254.169.254/x.git'], 'GIT_ADDRESS_DENIED'],
      [['heads', 'ftp://127.0.0.1/x.git'], 'CONNECTOR_DENIED'],
    ];
    for (const [args, failure] of cases) {
      line.requests = [];
      const { code, stderr, report } = await git([...args, ...flags]);
      expect({ code, stderr, failure: report.code }).toEqual({ code: 1, stderr: '', failure });
      expect(report).toMatchObject({
        ok: false,
        engine,
        requests: line.requests.length,
        ms: expect.any(Number),
      });
      for (const text of [report.message, report.hint]) expect(text).toMatch(/\S/);
    }
  });

  it('ends when it is interrupted, and still says what it cost', async () => {
    const repository = world.create({ files });
    let group = 0;
    line.isHeld = true;
    line.onRequest = () => process.kill(-group, 'SIGINT');
    const { report } = await run('heads', counted(repository), [], { onStart: (pid) => (group = pid) });
    expect(report).toMatchObject({ ok: false, code: 'GIT_CANCELLED', requests: 1, host: null });
  });

  it('shows the password to no process it starts', async () => {
    const repository = world.create({ files });
    const { password } = repository.remote;
    const forms = [password, Buffer.from(`ada:${password}`).toString('base64'), encodeURIComponent(password)];
    const seen: string[] = [];
    let pid = 0;
    line.onRequest = () => void seen.push(...describeProcesses(pid));
    const args = ['--path', 'x', '--file', command.write('content', 'x')];
    const { report } = await run('commit', counted(repository), args, {
      onStart: (started) => (pid = started),
    });
    expect(report.ok).toBe(true);
    expect(seen.filter((about) => forms.some((form) => about.includes(form)))).toEqual([]);
    const program = engine === 'native' ? 'git-remote-http' : 'dist/workers/git.js';
    expect(seen.filter((about) => about.includes(program))).not.toEqual([]);
  });
});

/** What plain git says of a commit. */
function describeCommit(reference: ReferenceRepository, commit: string): Record<string, string> {
  const [parent = '', author = '', committer = '', message = ''] = reference
    .git(['log', '-1', '--format=%P%x00%an <%ae>%x00%cn <%ce>%x00%B', commit])
    .split('\0');
  const diff = reference.git(['diff-tree', '-r', '--root', '--no-commit-id', '--name-status', commit]);
  return { parent, author, committer, message: message.trim(), diff };
}

/** Arguments and environment of the process and all below it. */
function describeProcesses(ancestor: number): string[] {
  const parents = new Map<number, number>();
  for (const name of fs.readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const stat = readProcess(name, 'stat');
    parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0]));
  }
  const isBelow = (pid: number): boolean =>
    pid === ancestor || (parents.has(pid) && pid > 1 && isBelow(parents.get(pid) as number));
  const found = [...parents.keys()].filter(isBelow).map(String);
  return found.flatMap((name) => [readProcess(name, 'cmdline'), readProcess(name, 'environ')]);
}

/** Empty for a process that has gone. */
function readProcess(pid: string, what: string): string {
  try {
    return fs.readFileSync(`/proc/${pid}/${what}`, 'utf8');
  } catch {
    return '';
  }
}
