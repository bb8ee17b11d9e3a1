// The bench of secrets runs, and the page shows what is kept of it.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { fillSecrets, judgeSecrets, type SecretResults, saveNames } from '../../bench/secrets-report.js';
import { readText, root } from '../architecture/pages.js';

it('measures every way, counts what the KMS is asked, names no machine, and leaves nothing behind', async () => {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-bench-test-'));
  fs.chmodSync(home, 0o755);
  try {
    const out = path.join(home, 'secrets.json');
    await promisify(execFile)(
      process.execPath,
      [path.join(root, 'dist/bench/secrets.js'), '--quick', '--out', out],
      { timeout: 110_000, env: { PATH: process.env.PATH, TMPDIR: home } },
    );
    expect(fs.readdirSync(home)).toEqual(['secrets.json']);
    const text = fs.readFileSync(out, 'utf8');
    for (const name of [os.hostname(), os.tmpdir()]) expect(text).not.toContain(name);
    const { count, work, saves } = JSON.parse(text) as SecretResults;
    expect(count).toBe(10);
    expect(Object.keys(work)).toHaveLength(5);
    expect(saveNames.map((name) => saves[name].requests)).toEqual([0, 1, 0]);
  } finally {
    fs.rmSync(home, { recursive: true, force: true });
  }
});

it('the page shows the results that are kept, judged by what was measured', () => {
  const kept = JSON.parse(readText('bench/results/secrets.json')) as SecretResults;
  const page = readText('docs/benchmarks.md');
  expect(fillSecrets(page, kept)).toBe(page);
  expect(kept.targets).toEqual(judgeSecrets(kept));
  expect(kept.count).toBeGreaterThanOrEqual(200);
});

it('says of a target that it was missed', () => {
  const kept = JSON.parse(readText('bench/results/secrets.json')) as SecretResults;
  const { keyring } = kept.saves;
  const late = { ...keyring, medianMs: keyring.medianMs + kept.roundTrip.medianMs + 5 };
  const slow = { ...kept, saves: { keyring, cold: late, warm: late } };
  expect(judgeSecrets(slow).map(({ met }) => met)).toEqual([false, false]);
});
