// The environment of every git: built from nothing, so that neither this process's variables nor a configuration file of
// the machine or the user has a say.
import { childEnvironment } from '../../src/config/process.js';
import type { Journey } from './road.js';
import { OBJECT_BYTES_MAX } from './scripts.js';

/** Settings of every command, in place of configuration files. */
const settings: [string, string][] = [
  ['safe.directory', '*'],
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.logAllRefUpdates', 'false'],
  // Neither is checked against the objects it speaks of.
  ['core.commitGraph', 'false'],
  ['core.multiPackIndex', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['pack.threads', '1'],
  ['advice.pushUpdateRejected', 'false'],
];

/** Settings of the commands that talk to the host. */
const networkSettings: [string, string][] = [
  ['protocol.version', '2'],
  ['push.gpgSign', 'false'],
  ['push.negotiate', 'false'],
  ['push.recurseSubmodules', 'no'],
];

export interface Surroundings {
  /** The bare repository. */
  folder: string;
  /** An empty folder. */
  home: string;
  /** Folder of our own helpers. */
  helpers: string;
  secondsMax: number;
  /** Bytes of the largest file it may write. */
  fileBytesMax: number;
  /** `null`: no network, and an object that is missing is reported missing instead of being fetched behind our back. */
  journey: Journey | null;
  /** Further settings of this command. */
  config?: [string, string][] | undefined;
  /** File for git's own account of its requests, packets and children. */
  trace?: string | undefined;
}

/** Variables for one command. */
export function buildEnvironment(surroundings: Surroundings): Record<string, string> {
  const { folder, home, helpers, secondsMax, journey } = surroundings;
  const trace = journey === null ? undefined : surroundings.trace;
  const { PATH = '/usr/local/bin:/usr/bin:/bin' } = childEnvironment({});
  const config = [...settings, ...(surroundings.config ?? [])];
  if (journey !== null) config.push(...networkSettings, ...journey.config);
  // Of HTTP/2, git before 2.40 would write down the credential, and nobody the bytes of a head.
  if (trace !== undefined) config.push(['http.version', 'HTTP/1.1']);
  return {
    PATH: journey === null ? PATH : `${helpers}:${PATH}`,
    HOME: home,
    XDG_CONFIG_HOME: home,
    LC_ALL: 'C',
    GIT_DIR: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_ALLOW_PROTOCOL: journey?.protocols ?? 'none',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_GRAFT_FILE: '/dev/null',
    GIT_ALLOC_LIMIT: String(OBJECT_BYTES_MAX),
    SALLYPORT_SECONDS_MAX: String(secondsMax),
    SALLYPORT_FILE_BLOCKS_MAX: String(Math.ceil(surroundings.fileBytesMax / 512)),
    GIT_ASKPASS: '/bin/false',
    GIT_SSH: '/bin/false',
    ...journey?.environment,
    ...describeTrace(trace),
    ...describeConfig(config),
  };
}

function describeTrace(file: string | undefined): Record<string, string> {
  if (file === undefined) return {};
  return { GIT_TRACE_CURL: file, GIT_TRACE_PACKET: file, GIT_TRACE2_EVENT: file, GIT_TRACE_REDACT: '1' };
}

/** [['a.b', 'c']] → GIT_CONFIG_COUNT=1, GIT_CONFIG_KEY_0=a.b, GIT_CONFIG_VALUE_0=c */
function describeConfig(config: [string, string][]): Record<string, string> {
  const entries = config.flatMap(([key, value], at) => [
    [`GIT_CONFIG_KEY_${at}`, key],
    [`GIT_CONFIG_VALUE_${at}`, value],
  ]);
  return { GIT_CONFIG_COUNT: String(config.length), ...Object.fromEntries(entries) };
}
