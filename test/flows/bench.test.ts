// The bench runs, counts what it says, and believes nobody.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fillPage, type Results } from '../../bench/report.js';
import { FILE, fileAt, generateRepository, headOf } from '../../bench/repositories.js';
import { verifyOutcome } from '../../bench/verify.js';
import { readText, root } from '../architecture/pages.js';

const METHODS = ['Sallyport, warm', 'Sallyport, cold', 'simple-git, warm clone'];
const MEASURES = ['medianMs', 'p95Ms', 'cpuMs', 'rssMiB', 'requests', 'bytesUp', 'bytesDown', 'serverMs'];

let home: string;
let results: Results;

beforeAll(async () => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-bench-test-'));
  const out = path.join(home, 'git.json');
  const choice = ['--repositories', 'small', '--operations', 'save,read', '--methods', METHODS.join(';')];
  await promisify(execFile)(
    process.execPath,
    [path.join(root, 'dist/bench/git.js'), '--quick', ...choice, '--out', out],
    { timeout: 110_000 },
  );
  results = JSON.parse(fs.readFileSync(out, 'utf8')) as Results;
});
afterAll(() => fs.rmSync(home, { recursive: true, force: true }));

it('gives a row for every operation of every method, all measured', () => {
  const named = results.rows.map(({ operation, method }) => `${operation}: ${method}`);
  expect(named).toEqual(
    ['save', 'read'].flatMap((operation) => METHODS.map((one) => `${operation}: ${one}`)),
  );
  for (const row of results.rows) {
    expect(row).toMatchObject({ repository: 'small', latencyMs: 0, rounds: 1, note: null });
    for (const measure of MEASURES) expect(row).toHaveProperty(measure, expect.any(Number));
    expect(row.serverMs).toBeLessThan(row.medianMs ?? 0);
    expect(row.ratioToSallyport).toBeGreaterThan(0);
  }
});

it('counts one request for a warm save, and more for others', () => {
  const requests = results.rows
    .filter(({ operation }) => operation === 'save')
    .map((row) => [row.method, row.requests]);
  expect(Object.fromEntries(requests)).toEqual({
    'Sallyport, warm': 1,
    'Sallyport, cold': expect.any(Number),
    'simple-git, warm clone': 4,
  });
});

it('verified every operation on the server', () => {
  expect(results.verified).toBe(results.rows.length);
});

it('names no machine', () => {
  expect(JSON.stringify(results)).not.toContain(os.hostname());
  expect(JSON.stringify(results)).not.toContain(os.tmpdir());
});

it('does not believe a save that is not on the branch', () => {
  const folder = generateRepository(home, 'small');
  const base = headOf(folder);
  const claim = { base, files: [{ path: FILE, content: 'new\n' }], answer: base };
  expect(() => verifyOutcome(folder, 'save', claim)).toThrow('save made 0 commits');
  expect(() => verifyOutcome(folder, 'save', { ...claim, answer: '0'.repeat(40) })).toThrow('A wrong answer');
  const file = { path: FILE, content: fileAt(folder, base, FILE) };
  expect(() => verifyOutcome(folder, 'read', { base, files: [file], answer: file.content })).not.toThrow();
});

it('the page shows the results that are kept', () => {
  const kept = JSON.parse(readText('bench/results/git.json')) as Results;
  const page = readText('docs/benchmarks.md');
  expect(fillPage(page, kept)).toBe(page);
  expect(kept.rows.length).toBeGreaterThan(100);
});
