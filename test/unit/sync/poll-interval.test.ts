import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/config/config.js';
import {
  pollIntervalMs,
  SWEEP_MS,
  type WebhookHealth,
  webhookHealth,
} from '../../../src/sync/poll-interval.js';

const now = Date.parse('2026-01-02T03:04:05.678Z');
const ago = (ms: number): Date => new Date(now - ms);
const minute = 60_000;

describe('webhooks', () => {
  it.each<[string, Date | null, Date | null, WebhookHealth]>([
    ['that never came are none', null, null, 'none'],
    ['that never came are none, whatever a look found', null, ago(minute), 'none'],
    ['that came are healthy', ago(60 * minute), null, 'healthy'],
    ['of which one was lost are not trusted', ago(0), ago(0), 'losing'],
    ['are not trusted for ten minutes', ago(0), ago(10 * minute - 1), 'losing'],
    ['are healthy again after ten minutes', ago(0), ago(10 * minute), 'healthy'],
  ])('%s', (_what, hintedAt, missedAt, health) => {
    expect(webhookHealth({ hintedAt, missedAt }, now)).toBe(health);
  });
});

describe('the next look', () => {
  const settings = { SALLYPORT_POLL_SECONDS: 100, SALLYPORT_POLL_FAST_SECONDS: 10 };
  const seconds = (health: WebhookHealth, missed: boolean, random: number): number =>
    pollIntervalMs({ health, missed, random }, settings) / 1_000;

  it.each<[WebhookHealth, boolean, number]>([
    ['healthy', false, 100],
    ['healthy', true, 10],
    ['losing', false, 10],
    ['losing', true, 10],
    ['none', false, 10],
    ['none', true, 10],
  ])(
    'is, with webhooks that are %s and something missed: %s, due after %d seconds, a fifth more or less',
    (health, missed, middle) => {
      const all = [0, 0.5, 1].map((random) => seconds(health, missed, random));
      expect(all.map((one) => Number(one.toFixed(6)))).toEqual([0.8 * middle, middle, 1.2 * middle]);
    },
  );

  it('is slow again ten minutes after a webhook was lost, and not before', () => {
    const hintedAt = ago(0);
    const after = (ms: number): number =>
      seconds(webhookHealth({ hintedAt, missedAt: ago(ms) }, now), false, 0.5);
    expect([0, 5 * minute, 10 * minute - 1].map(after)).toEqual([10, 10, 10]);
    expect([10 * minute, 60 * minute].map(after)).toEqual([100, 100]);
  });

  // What a look itself may take: one listing of refs, and one request for what was pushed.
  it('shows what no webhook told of within a minute, with the settings as they are by default', () => {
    const healths: WebhookHealth[] = ['none', 'healthy', 'losing'];
    const all = healths.flatMap((health) =>
      [true, false].map((missed) => pollIntervalMs({ health, missed, random: 1 }, readConfig({}))),
    );
    const lookMs = 5_000;
    expect(Math.max(...all) + SWEEP_MS + lookMs).toBeLessThan(60_000);
  });
});
