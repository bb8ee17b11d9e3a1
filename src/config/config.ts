// Every setting of every process, read once at the start. All problems are reported together, each with its mend.
import path from 'node:path';
import { z } from 'zod';
import { Failure } from '../kernel/failure.js';
import { Identifier } from '../policy/identifiers.js';
import { PersonEmail, PersonName } from '../policy/text.js';
import { eventSettings } from './event-settings.js';
import { identitySettings } from './identity-settings.js';
import {
  AllowedRanges,
  CertificatesFile,
  DeniedRanges,
  findNetworkProblems,
  PrivateKeyFile,
  ProxyBypass,
  ProxyUrl,
  PublicUrl,
} from './network-settings.js';
import { operatingSettings } from './operating-settings.js';
import { flag, integer, setting, text, url } from './setting.js';

export const settings = {
  DATABASE_URL: setting({
    description: 'PostgreSQL. Without it, `npm start` runs an embedded server; the manager alone needs it.',
    schema: url('postgres', 'postgresql').optional(),
  }),
  REDIS_URL: setting({
    description: 'Redis for the queue. Without it the queue lives in PostgreSQL, which production refuses.',
    schema: url('redis', 'rediss').optional(),
  }),
  SALLYPORT_REDIS_ADMIN_URL: setting({
    description:
      'Redis under a user that may run ACL, with which the manager admits and expels delegates. Default: REDIS_URL.',
    schema: url('redis', 'rediss').optional(),
  }),
  SALLYPORT_REDIS_DELEGATE_URL: setting({
    description:
      'Where delegates reach Redis, without user name and password. Default: host and port of REDIS_URL.',
    schema: url('redis', 'rediss').optional(),
  }),
  SALLYPORT_REDIS_CA_FILE: setting({
    description: 'Certificates of your own authorities, trusted for Redis besides the usual ones.',
    schema: CertificatesFile.optional(),
  }),
  SALLYPORT_REDIS_CLIENT_CERTIFICATE_FILE: setting({
    description: 'Certificate shown to a Redis that asks for one, with its chain.',
    schema: CertificatesFile.optional(),
  }),
  SALLYPORT_REDIS_CLIENT_KEY_FILE: setting({
    description: 'Private key of that certificate.',
    schema: PrivateKeyFile.optional(),
  }),
  NODE_ENV: setting({
    description: '`production` refuses the embedded default, which isolates nothing between delegate groups.',
    default: 'development',
    schema: text,
  }),
  SALLYPORT_HOST: setting({
    description: 'Address the manager listens on.',
    default: '127.0.0.1',
    schema: text,
  }),
  SALLYPORT_PORT: setting({
    description: 'Port the manager listens on.',
    default: '7070',
    schema: integer(0, 65_535),
  }),
  SALLYPORT_PUBLIC_URL: setting({
    description:
      'Where Git hosts reach the manager with their webhooks, a prefix of a proxy included. Without it webhooks are shown as paths and cannot be registered.',
    schema: PublicUrl.optional(),
  }),
  SALLYPORT_TRUSTED_PROXIES: setting({
    description:
      'Ranges of addresses of the proxies in front of the manager, whose `X-Forwarded-For` is believed. Default: none.',
    schema: DeniedRanges.optional(),
  }),
  SALLYPORT_PLAYGROUND_PORT: setting({
    description: 'Port of the playground’s Git host, which `npm start` runs on loopback.',
    default: '7071',
    schema: integer(0, 65_535),
  }),
  SALLYPORT_DATA_DIR: setting({
    description: 'Folder for keys, the embedded database, the playground and logs.',
    default: '.sallyport',
    schema: text.transform((value) => path.resolve(value)),
  }),
  SALLYPORT_MASTER_KEY_FILE: setting({
    description: 'Key file of the builtin secret manager. Default: `master-key.json` in the data folder.',
    schema: text.transform((value) => path.resolve(value)).optional(),
  }),
  SALLYPORT_ACCOUNT: setting({
    description:
      'Account the manager creates at its start, with an admin token in the file `admin-token` of the data folder.',
    schema: Identifier.optional(),
  }),
  SALLYPORT_LOG_LEVEL: setting({
    description: 'Least severe log line: trace, debug, info, warn, error, fatal or silent.',
    default: 'info',
    schema: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], 'is not a log level'),
  }),
  SALLYPORT_GIT_ALLOW_HTTP: setting({
    description: 'Whether repositories may be reached over unencrypted http.',
    default: 'false',
    schema: flag,
  }),
  SALLYPORT_GIT_ALLOW_PRIVATE: setting({
    description: 'Whether repositories may be on loopback or private addresses.',
    default: 'false',
    schema: flag,
  }),
  SALLYPORT_GIT_ALLOWED_RANGES: setting({
    description: 'Ranges of private addresses on which repositories may be, where not all of them may.',
    schema: AllowedRanges.optional(),
  }),
  SALLYPORT_GIT_DENIED_RANGES: setting({
    description: 'Ranges of addresses on which no repository may be, whatever else is allowed.',
    schema: DeniedRanges.optional(),
  }),
  SALLYPORT_GIT_PROXY_URL: setting({
    description: 'HTTP proxy through which Git hosts are reached; it may hold a user name and a password.',
    schema: ProxyUrl.optional(),
  }),
  SALLYPORT_GIT_PROXY_BYPASS: setting({
    description: 'Hosts that are reached without the proxy.',
    schema: ProxyBypass.optional(),
  }),
  SALLYPORT_GIT_PROXY_RESOLVES: setting({
    description: 'Whether names that do not resolve on this side are left to the proxy, unchecked.',
    default: 'false',
    schema: flag,
  }),
  SALLYPORT_GIT_CA_FILE: setting({
    description: 'Certificates of your own authorities, trusted besides the usual ones.',
    schema: CertificatesFile.optional(),
  }),
  SALLYPORT_GIT_CLIENT_CERTIFICATE_FILE: setting({
    description: 'Certificate shown to Git hosts that ask for one, with its chain.',
    schema: CertificatesFile.optional(),
  }),
  SALLYPORT_GIT_CLIENT_KEY_FILE: setting({
    description: 'Private key of that certificate.',
    schema: PrivateKeyFile.optional(),
  }),
  SALLYPORT_GIT_HTTP2: setting({
    description:
      'Whether the in-process engine speaks HTTP/2 with Git hosts that offer it; for trusted hosts alone.',
    default: 'false',
    schema: flag,
  }),
  SALLYPORT_GIT_CACHE_MIB: setting({
    description: 'Memory for trees and commits that are kept between Git operations of a process.',
    default: '64',
    unit: 'MiB',
    schema: integer(1, 65_536),
  }),
  SALLYPORT_GIT_DISK_MIB: setting({
    description:
      'Disk for the repositories a delegate’s native engine keeps; those unused for the longest time go first.',
    default: '2048',
    unit: 'MiB',
    schema: integer(16, 1_048_576),
  }),
  SALLYPORT_GIT_DEADLINE_SECONDS: setting({
    description: 'Longest time one Git operation may take.',
    default: '60',
    unit: 's',
    schema: integer(1, 3_600),
  }),
  SALLYPORT_COMMITTER_NAME: setting({
    description: 'Committer of every commit, and author where a save names none.',
    default: 'Sallyport',
    schema: PersonName,
  }),
  SALLYPORT_COMMITTER_EMAIL: setting({
    description: 'E-mail address of that committer.',
    default: 'sallyport@localhost',
    schema: PersonEmail,
  }),
  SALLYPORT_SECRETS_DEADLINE_SECONDS: setting({
    description: 'Longest time one call of a secret manager outside may take, all its attempts included.',
    default: '10',
    unit: 's',
    schema: integer(1, 300),
  }),
  SALLYPORT_SECRETS_GRACE_HOURS: setting({
    description: 'How long a superseded version or wrap of a secret is kept.',
    default: '24',
    unit: 'h',
    schema: integer(1, 8_760),
  }),
  SALLYPORT_SECRETS_CACHE_MINUTES: setting({
    description:
      'How long a manager remembers the ciphertext of secrets and the settings of their managers; 0 for not at all. What was edited is never taken from there.',
    default: '30',
    unit: 'min',
    schema: integer(0, 1_440),
  }),
  SALLYPORT_SECRETS_DATA_KEY_SECONDS: setting({
    description:
      'How long a delegate remembers a data key that AWS KMS or Google Cloud KMS unwrapped, and uses it without asking again; 0 for not at all.',
    default: '300',
    unit: 's',
    schema: integer(0, 300),
  }),
  SALLYPORT_OPERATION_DEADLINE_SECONDS: setting({
    description:
      'How long an accepted operation may wait for a delegate, a host or a retry before it ends as failed.',
    default: '900',
    unit: 's',
    schema: integer(1, 604_800),
  }),
  SALLYPORT_WAIT_DEFAULT_SECONDS: setting({
    description: 'How long a request waits for its commit when it names no `Prefer: wait=`.',
    default: '30',
    unit: 's',
    schema: integer(0, 300),
  }),
  SALLYPORT_WAIT_MAX_SECONDS: setting({
    description: 'Longest wait a request may ask for.',
    default: '120',
    unit: 's',
    schema: integer(0, 300),
  }),
  SALLYPORT_LEASE_SECONDS: setting({
    description: 'How long a lane stays with a manager that no longer answers.',
    default: '10',
    unit: 's',
    schema: integer(2, 300),
  }),
  SALLYPORT_LANES_MAX: setting({
    description: 'Lanes one manager works on at the same time.',
    default: '16',
    schema: integer(1, 1_024),
  }),
  SALLYPORT_POLL_SECONDS: setting({
    description:
      'How often a tracked repository is looked at while its webhooks arrive, a fifth more or less.',
    default: '45',
    unit: 's',
    schema: integer(1, 3_600),
  }),
  SALLYPORT_POLL_FAST_SECONDS: setting({
    description: 'How often it is looked at without webhooks, or after one was lost.',
    default: '15',
    unit: 's',
    schema: integer(1, 3_600),
  }),
  SALLYPORT_PULLS_POLL_SECONDS: setting({
    description:
      'How often a host is asked about an open pull request at most, a fifth more or less; the longer nothing happens, the seldomer.',
    default: '60',
    unit: 's',
    schema: integer(1, 3_600),
  }),
  ...eventSettings,
  ...identitySettings,
  ...operatingSettings,
  SALLYPORT_DELEGATE_NAME: setting({
    description: 'Name under which a delegate enrols; unique in its group. Default: the host name.',
    schema: z
      .string()
      .regex(/^[A-Za-z0-9_.-]{1,128}$/, 'is not a name of letters, digits, _ . and -')
      .optional(),
  }),
  SALLYPORT_DELEGATE_TAGS: setting({
    description: 'Tags of a delegate, separated by commas; connectors choose delegates by them.',
    schema: z
      .string()
      .transform((value) => value.split(',').map((tag) => tag.trim()))
      .refine(
        (tags) => tags.length <= 32 && tags.every((tag) => /^[a-z0-9][a-z0-9._-]{0,62}$/.test(tag)),
        'is not a list of tags of a-z, 0-9, . _ and -',
      )
      .optional(),
  }),
  SALLYPORT_DELEGATE_POLICY_FILE: setting({
    description:
      'What a delegate’s own operators allow it, whatever a manager says. Default: `policy.yaml` in the data folder, if there is one.',
    schema: text.transform((value) => path.resolve(value)).optional(),
  }),
  SALLYPORT_DELEGATE_GRACE_SECONDS: setting({
    description: 'How long a delegate that is stopped goes on with the tasks it has begun.',
    default: '20',
    unit: 's',
    schema: integer(0, 3_600),
  }),
  SALLYPORT_DELEGATE_HEALTH_PORT: setting({
    description:
      'Port of the delegate’s health and metrics, on loopback unless a host is set. Default: none.',
    schema: integer(0, 65_535).optional(),
  }),
  SALLYPORT_DELEGATE_HEALTH_HOST: setting({
    description: 'Address the delegate’s health and metrics listen on.',
    default: '127.0.0.1',
    schema: text,
  }),
  SALLYPORT_DELEGATE_TASKS_MAX: setting({
    description: 'Tasks a delegate works on at the same time.',
    default: '8',
    schema: integer(1, 256),
  }),
  SALLYPORT_DELEGATE_GIT_ENGINE: setting({
    description:
      'Engine of a delegate for http and https repositories: in-process or native (the system git). SSH is always native.',
    default: 'in-process',
    schema: z.enum(['in-process', 'native'], 'is neither in-process nor native'),
  }),
};

/** What `sallyport` reads: a shell may hold it beside the settings of the processes that it starts. */
const ofCommandLine = new Set(
  ['SERVER', 'TOKEN', 'SCOPE', 'PROFILE', 'CONFIG'].map((name) => `SALLYPORT_${name}`),
);

export type SettingName = keyof typeof settings;
type Values = { readonly [K in SettingName]: z.output<(typeof settings)[K]['schema']> };

/** All settings of this process. A class, so that Nest can hand it out. */
export abstract class Config {}
export interface Config extends Values {}

/**
 * Reads all settings. Empty values count as unset; unknown SALLYPORT_ names are refused, since they are misspelt.
 * @param defaults of this process, where they differ from the table's
 * @param needsQueue whether production needs the queue's address here; a delegate has it from its enrolment
 * @throws Failure CONFIGURATION_INVALID with every problem.
 */
export function readConfig(
  env: NodeJS.ProcessEnv = process.env,
  defaults: Partial<Record<SettingName, string>> = {},
  { needsQueue = true }: { needsQueue?: boolean } = {},
): Config {
  const problems = Object.keys(env)
    .filter(
      (name) => name.startsWith('SALLYPORT_') && !Object.hasOwn(settings, name) && !ofCommandLine.has(name),
    )
    .map((name) => `${name} is not a setting: remove it or correct its spelling`);
  const values: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(settings)) {
    const given = env[name] === '' ? undefined : env[name];
    const result = entry.schema.safeParse(given ?? defaults[name as SettingName] ?? entry.default);
    if (result.success) values[name] = result.data;
    else problems.push(`${name} ${result.error.issues[0]?.message ?? 'is not valid'}: ${entry.description}`);
  }
  if (needsQueue) problems.push(...findQueueProblems(values));
  problems.push(...findNetworkProblems(values));
  if (problems.length > 0) throw new Failure('CONFIGURATION_INVALID', { problems });
  return Object.freeze(values) as Config;
}

function findQueueProblems({ NODE_ENV, REDIS_URL }: Record<string, unknown>): string[] {
  if (NODE_ENV !== 'production' || REDIS_URL !== undefined) return [];
  return [
    'REDIS_URL is required when NODE_ENV is production: the embedded queue isolates no delegate groups',
  ];
}
