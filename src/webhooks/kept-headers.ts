// The headers of a delivery that are kept: what says which event it is, and nothing that could prove one. By name, since a host may
// be set up to send a secret under any other.
import type { IncomingHttpHeaders } from 'node:http';

const KEPT = new Set([
  'content-type',
  'user-agent',
  'idempotency-key',
  'webhook-id',
  'webhook-timestamp',
  ...['event', 'delivery', 'hook-id'].map((name) => `x-github-${name}`),
  ...['event', 'event-uuid', 'webhook-uuid', 'instance'].map((name) => `x-gitlab-${name}`),
  ...['gitea', 'forgejo', 'gogs'].flatMap((host) =>
    ['event', 'event-type', 'delivery'].map((name) => `x-${host}-${name}`),
  ),
  ...['event-key', 'hook-uuid', 'request-uuid', 'request-id', 'attempt-number'].map((name) => `x-${name}`),
  ...['activityid', 'subscriptionid'].map((name) => `x-vss-${name}`),
  ...['event', 'delivery', 'timestamp'].map((name) => `x-sallyport-${name}`),
]);

const CHARACTERS_MAX = 512;

export function keptHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name, value]) => KEPT.has(name) && typeof value === 'string')
      .map(([name, value]) => [name, (value as string).slice(0, CHARACTERS_MAX)]),
  );
}
