// The bench of refreshes runs, and the page shows what is kept of it.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import {
  fillRefresh,
  judgeRefresh,
  type RefreshResults,
  type SizeResults,
} from '../../bench/refresh-report.js';
import { readText, root } from '../architecture/pages.js';

/** Of a whole run. */
type Kept = Omit<RefreshResults, 'sizes'> & { sizes: Required<SizeResults>[] };

it('measures every way, counts what the host is asked, names no machine, and leaves nothing behind', async () => {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-bench-test-'));
  fs.chmodSync(home, 0o755);
  try {
    const out = path.join(home, 'refresh.json');
    await promisify(execFile)(
      process.execPath,
      [path.join(root, 'dist/bench/refresh.js'), '--quick', '--out', out],
      { timeout: 110_000, env: { PATH: process.env.PATH, TMPDIR: home } },
    );
    expect(fs.readdirSync(home)).toEqual(['refresh.json']);
    const text = fs.readFileSync(out, 'utf8');
    for (const name of [os.hostname(), os.tmpdir()]) expect(text).not.toContain(name);
    const { sizes } = JSON.parse(text) as Kept;
    // One listing of refs and one request for objects, however many files a push has changed.
    expect(sizes.map(({ files, one, all }) => [files, one.product.requests, all.product.requests])).toEqual([
      [60, 2, 2],
    ]);
  } finally {
    fs.rmSync(home, { recursive: true, force: true });
  }
});

it('the page shows the results that are kept, judged by what was measured', () => {
  const kept = JSON.parse(readText('bench/results/refresh.json')) as Kept;
  const page = readText('docs/benchmarks.md');
  expect(fillRefresh(page, kept)).toBe(page);
  expect(kept.targets).toEqual(judgeRefresh(kept));
  expect(kept.sizes.map(({ files }) => files)).toEqual([1_500, 10_000]);
});

it('says of a target that it was missed', () => {
  const kept = JSON.parse(readText('bench/results/refresh.json')) as Kept;
  const [size] = kept.sizes;
  if (size === undefined) throw new Error('Nothing is kept');
  const { cold, one, all, webhook } = size;
  const grown = (memory: typeof one.memory) => ({ ...memory, peak: memory.before + 10_000 });
  const slow = {
    ...size,
    cold: {
      ...cold,
      product: { ...cold.product, medianMs: cold.clone.medianMs + 1_000 },
      imported: { ...cold.imported, medianMs: cold.clone.medianMs + 1_000 },
    },
    one: {
      ...one,
      product: { ...one.product, medianMs: one.clone.medianMs, requests: 3 },
      memory: grown(one.memory),
    },
    all: { ...all, memory: grown(all.memory) },
    webhook: { ...webhook, sinceEnd: { medianMs: 2_000, p95Ms: 2_000 } },
  };
  const targets = judgeRefresh({ sizes: [slow] });
  expect(targets.map(({ met }) => met)).toEqual(targets.map(() => false));
});
