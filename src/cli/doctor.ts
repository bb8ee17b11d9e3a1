// What speaks against working with a manager from this machine, found out one by one.
import fs from 'node:fs';
import tls from 'node:tls';
import { ApiError } from '../client/api-error.js';
import { connect } from '../client/client.js';
import type { components } from '../client/routes.js';
import { type Choice, chosen, type Profile, profilesFile } from './profiles.js';
import { UsageError } from './usage-error.js';

export interface Finding {
  name: string;
  state: 'good' | 'doubtful' | 'bad';
  found: string;
  /** Empty where nothing is to be done. */
  hint: string;
}

type Health = components['schemas']['Health'];

const REACH_MS = 10_000;
const CLOCK_MS_MAX = 60_000;
const SOON_MS = 7 * 86_400_000;
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

const good = (name: string, found: string): Finding => ({ name, state: 'good', found, hint: '' });
const bad = (name: string, found: string, hint: string): Finding => ({ name, state: 'bad', found, hint });
const doubtful = (name: string, found: string, hint: string): Finding => ({
  ...bad(name, found, hint),
  state: 'doubtful',
});

/** As far as one thing can be looked at without the one before. `version`: of this program. */
export async function findingsOf(choice: Choice, version: string): Promise<Finding[]> {
  let profile: Profile;
  try {
    profile = chosen(choice);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return [bad('profile', error.message, error.hint)];
  }
  const { server, scope } = profile;
  const findings = [good('profile', `${scope} at ${server}`), ...readersOfProfiles()];
  const url = new URL(server);
  findings.push(url.protocol === 'https:' ? await lookAtCertificate(url) : judgePlainText(url));
  const reached = await reach(profile);
  findings.push(reached.finding);
  if (reached.health === undefined) return findings;
  findings.push(
    judgeClock(reached.clockMs),
    ...judgeVersions(reached.health, version),
    await judgeToken(profile),
    ...judgeHealth(reached.health),
  );
  return findings;
}

/** Where there is a file of profiles, it holds tokens. */
function readersOfProfiles(): Finding[] {
  const file = profilesFile();
  if (!fs.existsSync(file)) return [];
  const mode = fs.statSync(file).mode & 0o777;
  if ((mode & 0o077) === 0) return [good('tokens', `${file} is readable by its owner alone`)];
  const others = `${file} is readable by others (${mode.toString(8)})`;
  return [
    bad('tokens', others, `chmod 600 ${file}, and log in with new tokens where others use this machine`),
  ];
}

function judgePlainText({ hostname }: URL): Finding {
  if (LOOPBACK.test(hostname)) return good('tls', 'none, and the manager is on this machine');
  const found = 'none: whoever is on the way reads the token and every document';
  return bad(
    'tls',
    found,
    'Put a proxy with a certificate before the manager, and log in at its https address',
  );
}

/** Also of one that is not to be trusted. */
async function lookAtCertificate({ hostname, port }: URL): Promise<Finding> {
  const socket = tls.connect({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || 443),
    ...(/^[\d.]+$|:/.test(hostname) ? {} : { servername: hostname }),
    rejectUnauthorized: false,
    timeout: REACH_MS,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
      socket.once('timeout', () => reject(new Error(`no answer within ${REACH_MS / 1_000} s`)));
    });
    const { valid_to: until } = socket.getPeerCertificate();
    const found = `${socket.getProtocol()}, certificate good until ${isoOf(until)}`;
    if (!socket.authorized)
      return bad(
        'tls',
        `the certificate is not trusted: ${String(socket.authorizationError)}`,
        'Name the authority that signed it in NODE_EXTRA_CA_CERTS, or check the address',
      );
    if (Date.parse(until) - Date.now() < SOON_MS)
      return doubtful('tls', found, 'Renew the certificate: it ends within a week');
    return good('tls', found);
  } catch (error) {
    return bad('tls', (error as Error).message, 'Check that https is spoken at this address');
  } finally {
    socket.destroy();
  }
}

const isoOf = (date: string): string => new Date(date).toISOString().slice(0, 10);

interface Reached {
  finding: Finding;
  health?: Health;
  /** How far the manager's clock is ahead of this one. */
  clockMs: number;
}

async function reach({ server, token }: Profile): Promise<Reached> {
  const ask = (headers: Record<string, string>) =>
    fetch(`${server}/api/v1/health`, { headers, redirect: 'error', signal: AbortSignal.timeout(REACH_MS) });
  try {
    const begun = Date.now();
    let response = await ask({ authorization: `Bearer ${token}` });
    // What is wrong with the token is another finding.
    if (response.status === 401 || response.status === 403) response = await ask({});
    const tookMs = Date.now() - begun;
    const health = (await response.json().catch(() => ({}))) as Health;
    if (typeof health.up !== 'boolean')
      return {
        finding: bad(
          'manager',
          `${new URL(server).host} answered ${response.status}, and not as Sallyport does`,
          'Check the address: it is that of the manager, with the path that a proxy serves it under, without /api/v1',
        ),
        clockMs: 0,
      };
    const theirs = Date.parse(response.headers.get('date') ?? '');
    // It says whole seconds, and said them on the way.
    const clockMs = Number.isNaN(theirs) ? 0 : theirs + 500 - (begun + tookMs / 2);
    const finding = health.up
      ? good('manager', `answers, in ${tookMs} ms`)
      : bad('manager', 'answers, and is not up', 'See what it says of its database, here and in its log');
    return { finding, health, clockMs };
  } catch (error) {
    const cause = (error as Error).cause as Error | undefined;
    const finding = bad(
      'manager',
      `nobody answers: ${cause?.message ?? (error as Error).message}`,
      'Check the address, that the manager runs, and that nothing between here and there keeps you out',
    );
    return { finding, clockMs: 0 };
  }
}

function judgeClock(aheadMs: number): Finding {
  const seconds = Math.abs(Math.round(aheadMs / 1_000));
  if (Math.abs(aheadMs) <= CLOCK_MS_MAX) return good('clock', `${seconds} s from the manager’s`);
  const found = `the manager’s is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} this one`;
  return bad('clock', found, 'Set both by the network (NTP): what is sealed and signed expires by them');
}

function judgeVersions({ version: theirs, contract, contractOldest }: Health, ours: string): Finding[] {
  const spoken = contract === undefined ? '' : `, contract ${contractOldest} to ${contract} with delegates`;
  const found = `client ${ours}, manager ${theirs ?? 'not told'}${spoken}`;
  if (theirs === undefined || theirs === ours) return [good('versions', found)];
  return [doubtful('versions', found, `Use the client of the manager’s version, ${theirs}`)];
}

async function judgeToken(profile: Profile): Promise<Finding> {
  const { server, token, scope } = profile;
  try {
    await connect({ ...profile, patienceMs: 0 }).GET('');
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return bad('token', `${error.code}: ${error.problem.detail}`, error.hint);
  }
  const response = await fetch(`${server}/api/v1/me`, {
    headers: { authorization: `Bearer ${token}` },
    redirect: 'error',
  });
  const me = (await response.json().catch(() => ({}))) as { expiresAt?: string | null };
  if (!response.ok || me.expiresAt === undefined) return good('token', `is taken, and reaches ${scope}`);
  if (me.expiresAt === null) return good('token', `is taken, reaches ${scope}, and does not expire`);
  const found = `is taken, reaches ${scope}, and is good until ${me.expiresAt}`;
  return Date.parse(me.expiresAt) - Date.now() < SOON_MS
    ? doubtful('token', found, 'Have a new one made, and log in with it: sallyport login')
    : good('token', found);
}

/** What it says to somebody with a token. */
function judgeHealth({ database, queue, sweep, masterKeys, delegates = [] }: Health): Finding[] {
  const parts = { database, queue, sweep, 'master keys': masterKeys };
  const findings = Object.entries(parts).flatMap(([name, part]) => {
    if (part === undefined) return [];
    return part.up ? good(name, part.why) : bad(name, part.why, 'Ask whoever runs the manager');
  });
  if (delegates.length === 0) return findings;
  const silent = delegates.filter(({ alive }) => !alive).map(({ name }) => name);
  const alive = `${delegates.length - silent.length} of ${delegates.length} alive`;
  return [
    ...findings,
    silent.length === 0
      ? good('delegates', alive)
      : doubtful('delegates', `${alive}; not ${silent.join(', ')}`, 'sallyport delegates list'),
  ];
}
