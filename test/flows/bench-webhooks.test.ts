// The page shows what is kept of the bench of webhooks.
import { expect, it } from 'vitest';
import {
  fillWebhooks,
  judgeWebhooks,
  summarizeLatencies,
  type WebhookResults,
} from '../../bench/webhooks-report.js';
import { readText } from '../architecture/pages.js';

const kept = JSON.parse(readText('bench/results/webhooks.json')) as WebhookResults;

it('the page shows the results that are kept, judged by what was measured', () => {
  const page = readText('docs/benchmarks.md');
  expect(fillWebhooks(page, kept)).toBe(page);
  expect(kept.targets).toEqual(judgeWebhooks(kept));
  expect(kept.perSecond).toBeGreaterThanOrEqual(200);
});

it('says of a target that it was missed', () => {
  const late = { ...kept.steady, door: { ...kept.steady.door, p99Ms: 1_000 } };
  expect(judgeWebhooks({ ...kept, steady: late }).map(({ met }) => met)).toEqual([false]);
});

it('takes of a hundred the one but the slowest', () => {
  const times = Array.from({ length: 200 }, (_, at) => 200 - at);
  expect(summarizeLatencies(times)).toEqual({ p50Ms: 101, p99Ms: 199, maxMs: 200 });
});
