// Where the command line keeps which managers it knows and the tokens for them: one file that only its owner reads.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { surroundings } from '../config/process.js';
import { UsageError } from './usage-error.js';

export interface Profile {
  server: string;
  token: string;
  scope: string;
}

interface Profiles {
  current: string;
  profiles: Record<string, Profile>;
}

/** What a command was told beside its profile. */
export interface Choice {
  profile?: string | undefined;
  server?: string | undefined;
  scope?: string | undefined;
}

const ID = '[A-Za-z_][A-Za-z0-9_$-]{0,127}';
const SCOPE = new RegExp(`^accounts/${ID}(/orgs/${ID}(/projects/${ID})?)?$`);

export function profilesFile(): string {
  const { SALLYPORT_CONFIG, XDG_CONFIG_HOME } = surroundings();
  return (
    SALLYPORT_CONFIG ??
    path.join(XDG_CONFIG_HOME ?? path.join(os.homedir(), '.config'), 'sallyport', 'profiles.json')
  );
}

export function readProfiles(): Profiles {
  const file = profilesFile();
  if (!fs.existsSync(file)) return { current: 'default', profiles: {} };
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')) as Profiles;
  } catch {
    throw new UsageError(`${file} is no list of profiles`, 'Remove it and log in again: sallyport login');
  }
}

export function writeProfile(name: string, profile: Profile): void {
  const file = profilesFile();
  const known = readProfiles();
  const profiles = { ...known.profiles, [name]: profile };
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${process.pid}`;
  fs.writeFileSync(fresh, `${JSON.stringify({ current: name, profiles }, null, 2)}\n`, { mode: 0o600 });
  fs.renameSync(fresh, file);
}

/** What was said on the command line, then in the environment, then in the profile. @throws UsageError where something is missing */
export function chosen(choice: Choice): Profile {
  const { SALLYPORT_SERVER, SALLYPORT_TOKEN, SALLYPORT_SCOPE, SALLYPORT_PROFILE } = surroundings();
  const kept = keptProfile(choice.profile ?? SALLYPORT_PROFILE);
  const other = choice.server ?? SALLYPORT_SERVER;
  const server = other ?? kept?.server;
  const token = SALLYPORT_TOKEN ?? tokenFor(kept, other);
  const scope = choice.scope ?? SALLYPORT_SCOPE ?? kept?.scope;
  if (server === undefined || token === undefined || scope === undefined)
    throw new UsageError(
      'It is not known which manager to ask',
      'Log in: sallyport login --server URL --scope accounts/A, or set SALLYPORT_SERVER, SALLYPORT_TOKEN and SALLYPORT_SCOPE',
    );
  return { server: checkedServer(server), token, scope: checkedScope(scope) };
}

/** The one of this name, or the one that logged in last. @throws UsageError where there is none of this name */
function keptProfile(name: string | undefined): Profile | undefined {
  const { current, profiles } = readProfiles();
  const kept = profiles[name ?? current];
  if (kept === undefined && name !== undefined)
    throw new UsageError(`There is no profile ${name}`, `Make it: sallyport login --profile ${name}`);
  return kept;
}

/** A token goes to the manager that it was given for, and to no other. */
const tokenFor = (kept: Profile | undefined, server: string | undefined): string | undefined =>
  server === undefined || (kept !== undefined && checkedServer(server) === kept.server)
    ? kept?.token
    : undefined;

/** @throws UsageError */
export function checkedScope(scope: string): string {
  if (SCOPE.test(scope)) return scope;
  throw new UsageError(
    `${scope} is no scope`,
    'A scope is accounts/A, accounts/A/orgs/O or accounts/A/orgs/O/projects/P',
  );
}

/** @throws UsageError */
export function checkedServer(server: string): string {
  const url = URL.parse(server);
  const isFit =
    url !== null &&
    /^https?:$/.test(url.protocol) &&
    url.username === '' &&
    url.search === '' &&
    url.hash === '';
  if (isFit) return url.href.replace(/\/+$/, '');
  throw new UsageError(
    `${server} is no address of a manager`,
    'It is like https://sallyport.example, without /api/v1',
  );
}
