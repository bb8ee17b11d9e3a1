// Chaos for half a minute: nothing is lost, nothing doubled. And the one who says so would notice if it were otherwise.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Evidence } from '../../chaos/journal.js';
import { scheduleFaults } from '../../chaos/schedule.js';
import { closingLine, judge, type Verdict } from '../../chaos/verdict.js';
import { processNames } from '../../chaos/world.js';
import { root } from '../architecture/pages.js';
import { git, head } from '../support/repository.js';

const SECONDS = 25;
const SEED = 4;
const CLEAN = /^operations (\d+), terminal (\d+), lost 0, doubled 0, fsck clean$/;

const schedule = (seed: number, seconds: number) => scheduleFaults(seed, seconds, processNames);

let home: string;
let logs: string;
let lines: string[];

beforeAll(async () => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-chaos-test-'));
  // PostgreSQL may run as another user.
  fs.chmodSync(home, 0o755);
  logs = path.join(home, 'logs');
  const args = ['--seed', String(SEED), '--seconds', String(SECONDS), '--log', logs];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [path.join(root, 'dist/chaos/chaos.js'), ...args],
    { timeout: 300_000, env: { PATH: process.env.PATH, TMPDIR: home } },
  ).catch((error: { stdout: string; stderr: string }) => {
    throw new Error(`${error.stdout}\n${error.stderr}`);
  });
  lines = stdout.trimEnd().split('\n');
}, 310_000);
afterAll(() => fs.rmSync(home, { recursive: true, force: true }));

describe('a run', () => {
  it('ends with every operation terminal, none lost, none doubled', () => {
    expect(lines).toEqual([`seed ${SEED}, ${SECONDS} s of faults`, expect.stringMatching(CLEAN)]);
    const [, operations, terminal] = CLEAN.exec(lines[1] ?? '') ?? [];
    expect(terminal).toBe(operations);
    expect(Number(operations)).toBeGreaterThan(50);
  });

  it('wrote down when each fault happened', () => {
    const told = fs.readFileSync(path.join(logs, 'faults.log'), 'utf8');
    for (const { kind, target } of schedule(SEED, SECONDS)) expect(told).toContain(`${kind} ${target}`);
  });

  it('leaves nothing behind but its logs', () => {
    expect(fs.readdirSync(home)).toEqual(['logs']);
  });
});

describe('the schedule', () => {
  it('follows from the seed', () => {
    expect(schedule(7, 300)).toEqual(schedule(7, 300));
    expect(schedule(7, 300)).not.toEqual(schedule(8, 300));
  });

  it('has every kind of fault in five minutes of some seed, and none that outlasts them', () => {
    const faults = [1, 2, 3].flatMap((seed) => schedule(seed, 300));
    expect(new Set(faults.map(({ kind }) => kind)).size).toBe(10);
    for (const { atMs, ms } of faults) expect(atMs + ms).toBeLessThanOrEqual(300_000);
  });
});

describe('the verdict', () => {
  let evidence: Evidence;
  let copy: string;
  let repository: string;

  beforeEach(() => {
    evidence = JSON.parse(fs.readFileSync(path.join(logs, 'evidence.json'), 'utf8')) as Evidence;
    copy = fs.mkdtempSync(path.join(home, 'copy-'));
    fs.cpSync(path.join(logs, 'repositories'), copy, { recursive: true });
    repository = path.join(copy, 'north.git');
  });

  const verdict = (): Verdict => judge(evidence, copy);
  const kinds = (): string[] => [...new Set(verdict().problems.map(({ kind }) => kind))].toSorted();

  it('finds nothing wrong with what the run left', () => {
    expect(verdict().problems).toEqual([]);
    expect(closingLine(verdict())).toBe(lines[1]);
  });

  it('sees a commit that is missing', () => {
    git(repository, 'update-ref', 'refs/heads/main', 'main~1');
    expect(kinds()).toEqual(['lost']);
    expect(closingLine(verdict())).toMatch(/, lost [1-9]/);
  });

  it('sees an operation that was applied twice', () => {
    const message = git(repository, 'log', '-1', '--format=%B', 'main');
    const again = git(repository, 'commit-tree', 'main^{tree}', '-p', head(repository), '-m', message).trim();
    git(repository, 'update-ref', 'refs/heads/main', again);
    expect(kinds()).toEqual(['doubled']);
    expect(closingLine(verdict())).toContain('doubled 1,');
  });

  it('sees a commit of something that was called a conflict, and content that was not kept', () => {
    const [first, second] = evidence.operations.filter(({ state }) => state === 'succeeded');
    Object.assign(first as object, { state: 'conflict' });
    Object.assign(second as object, { yaml: 'name: other\n' });
    expect(kinds()).toEqual(['doubled', 'lost', 'wrong']);
  });

  it('sees an operation the API has forgotten, one that nobody was told of, and one without end', () => {
    const [first, second, third] = evidence.operations;
    Object.assign(first as object, { id: 'unknown' });
    Object.assign(second as object, { state: 'pending' });
    expect(third?.state).not.toBe('pending');
    expect(kinds()).toEqual(['doubled', 'lost', 'open']);
    expect(verdict().terminal).toBe(verdict().operations - 2);
  });

  it('sees one key that gave two operations', () => {
    const [one, other] = evidence.sent;
    one?.operations.push(...(other?.operations ?? []));
    expect(kinds()).toEqual(['doubled']);
  });

  it('sees an entity that is not what is in Git', () => {
    const [entity] = evidence.entities;
    Object.assign(entity as object, { yaml: 'name: other\n' });
    expect(kinds()).toEqual(['lost']);
  });

  it('sees a damaged repository, and a merge', () => {
    const merge = git(
      repository,
      'commit-tree',
      'main^{tree}',
      '-p',
      'main',
      '-p',
      'next',
      '-m',
      'Merge',
    ).trim();
    git(repository, 'update-ref', 'refs/heads/main', merge);
    // It also brings what was saved to the other branch.
    expect(kinds()).toEqual(['doubled', 'unsound']);
    git(repository, 'update-ref', 'refs/heads/main', 'main~1');
    expect(verdict().problems).toEqual([]);
    const blob = git(repository, 'rev-parse', 'main:README.md').trim();
    fs.rmSync(path.join(repository, 'objects', blob.slice(0, 2), blob.slice(2)));
    expect(kinds()).toEqual(['unsound']);
    expect(closingLine(verdict())).toContain('fsck not clean');
  });
});
