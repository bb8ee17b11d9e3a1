// The bench of delegates runs, and the page shows what is kept of it.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { type DelegateResults, fillDelegates, judgeDelegates } from '../../bench/delegates-report.js';
import { readText, root } from '../architecture/pages.js';

it('measures both roads and the small tasks, names no machine, and leaves nothing behind', async () => {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-bench-test-'));
  fs.chmodSync(home, 0o755);
  try {
    const out = path.join(home, 'delegates.json');
    await promisify(execFile)(
      process.execPath,
      [path.join(root, 'dist/bench/delegates.js'), '--quick', '--out', out],
      { timeout: 110_000, env: { PATH: process.env.PATH, TMPDIR: home } },
    );
    expect(fs.readdirSync(home)).toEqual(['delegates.json']);
    const text = fs.readFileSync(out, 'utf8');
    for (const name of [os.hostname(), os.tmpdir()]) expect(text).not.toContain(name);
    const { saves, tasks } = JSON.parse(text) as DelegateResults;
    expect(saves.count).toBe(20);
    for (const road of [saves.direct, saves.delegated])
      expect(road.p95Ms).toBeGreaterThanOrEqual(road.medianMs);
    expect(tasks.map(({ concurrency }) => concurrency)).toEqual([8, 16, 32]);
    for (const { perSecond } of tasks) expect(perSecond).toBeGreaterThan(0);
  } finally {
    fs.rmSync(home, { recursive: true, force: true });
  }
});

it('the page shows the results that are kept, judged by what was measured', () => {
  const kept = JSON.parse(readText('bench/results/delegates.json')) as DelegateResults;
  const page = readText('docs/benchmarks.md');
  expect(fillDelegates(page, kept)).toBe(page);
  expect(kept.targets).toEqual(judgeDelegates(kept));
  expect(kept.saves.count).toBeGreaterThanOrEqual(200);
});

it('says of a target that it was missed', () => {
  const kept = JSON.parse(readText('bench/results/delegates.json')) as DelegateResults;
  const times = { medianMs: 30, p95Ms: 40 };
  const slow = {
    saves: { ...kept.saves, direct: times, delegated: { ...times, medianMs: 40 } },
    tasks: kept.tasks.map((row) => ({ ...row, perSecond: 999 })),
  };
  expect(judgeDelegates(slow).map(({ met }) => met)).toEqual([false, false]);
});
