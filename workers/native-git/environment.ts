// The environment of every git: built from nothing, so that neither this process's variables nor a configuration file of
// the machine or the user has a say.
import { childEnvironment } from '../../src/config/process.js';

/** How a command reaches the host. */
export interface Road {
  url: string;
  /** `<host>:<port>:<address>,…`: the addresses that were checked, and no others, are dialled. */
  resolve: string | null;
  allowHttp: boolean;
  /** Absent: anonymous, and a request for a credential fails. */
  askpass?: { script: string; username: string; pipe: string } | undefined;
  /** File for git's own account of its requests and packets. */
  trace?: string | undefined;
}

/** Settings of every command, in place of configuration files. */
const settings: [string, string][] = [
  ['safe.directory', '*'],
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.logAllRefUpdates', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['pack.threads', '1'],
  ['advice.pushUpdateRejected', 'false'],
];

/** Settings of the commands that talk to the host. */
const networkSettings: [string, string][] = [
  ['protocol.version', '2'],
  ['credential.helper', ''],
  ['http.followRedirects', 'false'],
  ['http.emptyAuth', 'false'],
  ['http.proxy', ''],
  ['push.gpgSign', 'false'],
  ['push.negotiate', 'false'],
  ['push.recurseSubmodules', 'no'],
];

export interface Surroundings {
  /** The bare repository. */
  folder: string;
  /** An empty folder. */
  home: string;
  secondsMax: number;
  /** `null`: no network, and an object that is missing is reported missing instead of being fetched behind our back. */
  road: Road | null;
  /** Further settings of this command. */
  config?: [string, string][] | undefined;
}

/** Variables for one command. */
export function buildEnvironment(surroundings: Surroundings): Record<string, string> {
  const { folder, home, secondsMax, road } = surroundings;
  const { PATH = '/usr/local/bin:/usr/bin:/bin' } = childEnvironment({});
  const config = [...settings, ...(surroundings.config ?? [])];
  if (road !== null) {
    config.push(...networkSettings, ['remote.origin.url', road.url]);
    // Of HTTP/2, git before 2.40 would write down the credential, and nobody the bytes of a head.
    if (road.trace !== undefined) config.push(['http.version', 'HTTP/1.1']);
    if (road.resolve !== null) config.push(['http.curloptResolve', road.resolve]);
  }
  return {
    PATH,
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
    GIT_ALLOW_PROTOCOL: allowProtocols(road),
    SALLYPORT_SECONDS_MAX: String(secondsMax),
    ...describeAskpass(road),
    ...describeTrace(road),
    ...describeConfig(config),
  };
}

function allowProtocols(road: Road | null): string {
  if (road === null) return 'none';
  return road.allowHttp ? 'https:http' : 'https';
}

function describeAskpass(road: Road | null): Record<string, string> {
  if (road?.askpass === undefined) return { GIT_ASKPASS: '/bin/false' };
  const { script, username, pipe } = road.askpass;
  return { GIT_ASKPASS: script, SALLYPORT_USERNAME: username, SALLYPORT_PASSWORD_PIPE: pipe };
}

function describeTrace(road: Road | null): Record<string, string> {
  if (road?.trace === undefined) return {};
  return { GIT_TRACE_CURL: road.trace, GIT_TRACE_PACKET: road.trace, GIT_TRACE_REDACT: '1' };
}

/** [['a.b', 'c']] → GIT_CONFIG_COUNT=1, GIT_CONFIG_KEY_0=a.b, GIT_CONFIG_VALUE_0=c */
function describeConfig(config: [string, string][]): Record<string, string> {
  const entries = config.flatMap(([key, value], at) => [
    [`GIT_CONFIG_KEY_${at}`, key],
    [`GIT_CONFIG_VALUE_${at}`, value],
  ]);
  return { GIT_CONFIG_COUNT: String(config.length), ...Object.fromEntries(entries) };
}
