// Whether the parts of a deployment are of one time, one version and one mind about where they are.
import net from 'node:net';
import { compareMigrations } from '../../storage/database-probe.js';
import { type Finding, note, ok, skipped, wrong } from '../../telemetry/examination.js';
import type { ManagerCheck, Patient } from './patient.js';

/** Deadlines and leases are counted by the clock of the database; what waits for a delegate, by the manager’s. */
const SKEW_MS_NOTED = 1_000;
const SKEW_MS_MAX = 5_000;

export const deploymentChecks: ManagerCheck[] = [
  {
    name: 'migrations',
    look: ({ database, version }) => {
      if (typeof database === 'string') return skipped('not looked at: the database does not answer');
      if (database.migrated === null)
        return wrong('this database has no tables of Sallyport', 'Start a manager once: it makes them');
      const { missing, unknown } = compareMigrations(database.migrated);
      if (unknown.length > 0)
        return wrong(
          `it was migrated by a newer version than ${version}: ${unknown.join(', ')}`,
          'Run the managers of that version',
        );
      if (missing.length > 0)
        return wrong(`it lacks ${missing.join(', ')}`, 'Start a manager of this version: it migrates');
      return ok(`all ${database.migrated.length} were run`);
    },
  },
  {
    name: 'managers',
    look: ({ database, version }) => {
      if (typeof database === 'string') return skipped('not looked at: the database does not answer');
      const { managers } = database;
      if (managers.length === 0)
        return note(
          'none is connected to the database',
          'Start one, or look behind the pooler that hides them',
        );
      if (managers.length === 1 && managers[0] === version)
        return ok(`all that run are of version ${version}`);
      return note(
        `versions ${managers.join(', ')} are connected, and this is ${version}`,
        'Finish the upgrade: managers of two versions are for as long as it takes',
      );
    },
  },
  {
    name: 'clock',
    look: ({ database, redis }) => [
      ...(typeof database === 'string' ? [] : [judgeClock('the database', database)]),
      ...(typeof redis !== 'object' || redis.now === undefined
        ? []
        : [judgeClock('Redis', { now: redis.now, here: redis.here })]),
    ],
  },
  { name: 'public URL', look: ({ config }) => lookAtUrl(config) },
  { name: 'trusted proxies', look: ({ config }) => lookAtProxies(config) },
];

export function judgeClock(whose: string, { now, here }: { now: number; here: number }): Finding {
  const skewMs = Math.round(now - here);
  const found = `that of ${whose} differs by ${(skewMs / 1_000).toFixed(1)} s`;
  if (Math.abs(skewMs) > SKEW_MS_MAX) return wrong(found, 'Let both follow the same time (NTP)');
  if (Math.abs(skewMs) > SKEW_MS_NOTED) return note(found, 'Let both follow the same time (NTP)');
  return ok(found);
}

function lookAtUrl({ SALLYPORT_PUBLIC_URL: url }: Patient['config']): Finding {
  if (url === undefined)
    return note(
      'none is set: webhooks cannot be registered, and are shown as paths',
      'Set SALLYPORT_PUBLIC_URL to where Git hosts reach the managers',
    );
  if (url.startsWith('http:'))
    return wrong(
      `${url} is not encrypted: tokens and deliveries pass in the clear`,
      'Put a proxy with TLS in front',
    );
  return ok(url);
}

/** Behind a proxy that is not trusted, all callers are one: the proxy. */
function lookAtProxies(config: Patient['config']): Finding {
  const { SALLYPORT_HOST: host, SALLYPORT_PUBLIC_URL: url, SALLYPORT_TRUSTED_PROXIES: proxies } = config;
  if (proxies !== undefined) return ok('those of SALLYPORT_TRUSTED_PROXIES');
  if (url === undefined && isLoopback(host)) return ok('none, and none is needed on loopback');
  return wrong(
    'none is set: behind a proxy, the limits of the webhooks’ door take all callers for one',
    'Set SALLYPORT_TRUSTED_PROXIES to the addresses of the proxies in front of the managers',
  );
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (net.isIPv4(host) && host.startsWith('127.'));
