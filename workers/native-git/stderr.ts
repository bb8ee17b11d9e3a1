// What the system git says when a command fails, as failures. One table: the first line that fits counts. Every line has a
// recorded sample in its test.
import { quoteServer } from '../../src/git/host-answer.js';
import { isRace } from '../../src/git/race.js';
import { Failure } from '../../src/kernel/failure.js';
import { CPU_SECONDS_MAX, OBJECT_BYTES_MAX } from './scripts.js';

/** A failed command as it is to be understood. */
export interface Complaint {
  /** Name of the git command. */
  command: string;
  /** `name[:port]` of the host. */
  host: string;
  /** Not a number of its own when a signal ended it. */
  exitCode: number;
  /** Seconds the operation was given. */
  seconds: number;
  /** Whether they are over. */
  isOutOfTime: boolean;
  /** Bytes of the largest file it may write. */
  fileBytesMax: number;
  /** Whether the command did without the host, and so has no other reason to fail than its folder. */
  isLocal: boolean;
  /** Both streams, as git in the C locale writes them. */
  text: string;
}

/** The folder cannot be used any more; it is made again from the host. */
export class RepositoryDamaged extends Error {
  override readonly name = 'RepositoryDamaged';

  /** `isByObjects`: what is wrong are its objects, which in a folder that is new are all the host's. */
  constructor(
    message: string,
    readonly isByObjects: boolean,
  ) {
    super(message);
  }
}

/** There is no room for what the host sent. */
export class DiskFull extends Error {
  override readonly name = 'DiskFull';
}

type Row = [pattern: RegExp, explain: (match: RegExpExecArray, complaint: Complaint) => Error];

const unreachable =
  (reason: string) =>
  (_: RegExpExecArray, { host }: Complaint): Failure =>
    new Failure('GIT_UNREACHABLE', { host, reason }) as Failure;
const unidentified = (_: RegExpExecArray, { host }: Complaint): Failure =>
  new Failure('GIT_AUTH_REJECTED', { host }) as Failure;
const unauthorized = (_: RegExpExecArray, { host }: Complaint): Failure =>
  new Failure('GIT_AUTH_REJECTED', { host, status: 401 }) as Failure;
/** What the host said before git gave up. */
const quoteBefore = (text: string, end: string): string => quoteServer(text.split(end)[0] ?? '');
const damaged = (match: RegExpExecArray): Error => new RepositoryDamaged(match[0], false);
const damagedObjects = (match: RegExpExecArray): Error => new RepositoryDamaged(match[0], true);

const exceeded =
  (limit: string, max: number) =>
  (_: RegExpExecArray, { host }: Complaint): Failure =>
    new Failure('GIT_LIMIT_EXCEEDED', { host, limit, max }) as Failure;

const exceededDisk = (_: RegExpExecArray, { host, fileBytesMax }: Complaint): Failure =>
  new Failure('GIT_LIMIT_EXCEEDED', { host, limit: 'bytes of one pack', max: fileBytesMax }) as Failure;

/** What stopped the command here, whatever the host said besides. */
const ownRows: Row[] = [
  [/No space left on device|Disk quota exceeded/, (m) => new DiskFull(m[0])],
  [
    /attempting to allocate \d+ over limit|Out of memory|Cannot allocate memory|out of memory/,
    exceeded('bytes in memory', OBJECT_BYTES_MAX),
  ],
  [/File too large|died of signal 25\b|File size limit exceeded/, exceededDisk],
  [/died of signal 24\b|CPU time limit exceeded/, exceeded('seconds of computing', CPU_SECONDS_MAX)],
];

const rows: Row[] = [
  // --- the host answered with a status
  [
    /returned error: (401|403)\b/,
    (m, { host }) => new Failure('GIT_AUTH_REJECTED', { host, status: Number(m[1]) }),
  ],
  [/returned error: (?:404|410)\b/, (_, { host }) => new Failure('GIT_REPOSITORY_NOT_FOUND', { host })],
  [
    /returned error: (408|409|425|429|5\d\d)\b/,
    (m, { host }) => new Failure('GIT_HOST_ERROR', { host, status: Number(m[1]) }),
  ],
  [
    /returned error: (3\d\d)\b/,
    (m, { host }) =>
      new Failure('GIT_ANSWER_INVALID', {
        host,
        reason: `status ${m[1]} is a redirect, and redirects are not followed`,
      }),
  ],
  [
    /returned error: (\d{3})\b/,
    (m, { host }) => new Failure('GIT_ANSWER_INVALID', { host, reason: `status ${m[1]}` }),
  ],
  [/Authentication failed for/, unauthorized],
  [/could not read (?:Username|Password) for/, unauthorized],
  [/^fatal: repository '.*' not found/m, (_, { host }) => new Failure('GIT_REPOSITORY_NOT_FOUND', { host })],
  // --- SSH
  [
    /^Host key verification failed\./m,
    (_, { host }) => new Failure('GIT_HOST_KEY_REJECTED', { host }) as Failure,
  ],
  [/Permission denied \([a-z-]+[a-z,-]*\)|Too many authentication failures/, unidentified],
  [
    /^(?:remote: )?(?:ERROR|FATAL): (?:Repository not found|The project you were looking for could not be found|R any \S+ \S+ DENIED by)|does not appear to be a git repository|[Rr]epository does not exist/m,
    (_, { host }) => new Failure('GIT_REPOSITORY_NOT_FOUND', { host }),
  ],
  [
    /^(?:remote: )?(?:ERROR|FATAL): .*(?:[Rr]ead.only|DENIED|denied|not allowed|write access).*/m,
    (m, { command, host }) =>
      command === 'push'
        ? new Failure('GIT_PUSH_REJECTED', { host, reason: quoteServer(m[0]) })
        : new Failure('GIT_AUTH_REJECTED', { host }),
  ],
  // --- the host has not what was asked for
  [
    /couldn't find remote ref refs\/heads\/(.+)/,
    (m) => new Failure('GIT_REF_NOT_FOUND', { ref: m[1] ?? '' }),
  ],
  [/not our ref ([0-9a-f]{40})/, (m) => new Failure('GIT_OBJECT_NOT_FOUND', { object: `object ${m[1]}` })],
  [
    /mismatched algorithms: client \S+; server (\S+)/,
    (m, { host }) => new Failure('GIT_OBJECT_FORMAT_UNSUPPORTED', { host, format: m[1] ?? '' }),
  ],
  // --- the line
  [
    /(?:Received HTTP code (\d{3}) from proxy|CONNECT tunnel failed, response (\d{3}))/,
    (m, complaint) => unreachable(`the proxy answered ${m[1] ?? m[2]}`)(m, complaint),
  ],
  [/Could not resolve host(?:name)?/, unreachable('the name does not resolve')],
  [
    /Failed to connect to .*: Couldn't connect to server|Connection refused/,
    unreachable('the connection was refused'),
  ],
  [/No route to host|Network is unreachable/, unreachable('there is no route to the host')],
  [
    /Connection timed out|Timeout was reached|Operation too slow|^Timeout, server .* not responding/m,
    unreachable('the connection was not made in time'),
  ],
  [
    /SSL|certificate|TLS|^Unable to negotiate with/m,
    unreachable('its certificate or encryption is not acceptable'),
  ],
  [
    /RPC failed; curl|early EOF|unexpected disconnect|remote end hung up|Empty reply from server|Connection reset|Recv failure|getpeername\(\) failed|Send failure|Failed sending data|Broken pipe|HTTP\/?2 (?:stream|framing)|transfer closed|kex_exchange_identification|^Connection closed by|Bad packet length|Corrupted MAC/m,
    unreachable('the connection broke'),
  ],
  // --- the answer
  [
    /protocol error|bad line length|not valid: is this a git repository|expected flush|invalid server response|bad pack header|inflate returned|expected .* got|expected 'packfile'|invalid ls-refs response|remote error: .*|parse remote|report(?:ed)? status|HTTP\/0\.9|response headers|access '.*': Out of memory|Malformed encoding/i,
    (m, { host }) => new Failure('GIT_ANSWER_INVALID', { host, reason: quoteServer(m[0]) }),
  ],
  [
    /^fatal: (pack (?:is corrupted|has bad object)|size_t overflow).*$/m,
    (m, { host }) => new Failure('GIT_ANSWER_INVALID', { host, reason: quoteServer(m[0]) }),
  ],
  [
    /transport '(.+?)' not allowed/,
    (m, { host }) => new Failure('CONNECTOR_DENIED', { url: host, reason: `${m[1]} is not allowed` }),
  ],
  [
    /^fatal: Could not read from remote repository\./m,
    (m, { host, text }) => {
      const words = quoteBefore(text, m[0]);
      const reason = words === '' ? 'the connection broke' : `the session ended with: ${words}`;
      return new Failure('GIT_UNREACHABLE', { host, reason });
    },
  ],
  // --- our own folder
  [/not a git repository|Unable to create '.*\.lock'|bad config/i, damaged],
  [
    /is corrupt|object file .* is empty|unable to read tree|bad tree|packfile .* (?:cannot be|is far)|broken|bad object|did not send all necessary objects|unable to (?:find|parse|open) |missing (?:blob|tree|commit)|Could not read|invalid sha1 pointer|bad ref/i,
    damagedObjects,
  ],
];

/** The failure behind a failed command. */
export function explainComplaint(complaint: Complaint): Error {
  const { command, host, exitCode, seconds, text } = complaint;
  // 124 is what timeout answers when it ended the command politely.
  if (exitCode === 124 || complaint.isOutOfTime) return new Failure('GIT_TIMEOUT', { host, seconds });
  // What the host talks of beside its answer is not git's verdict; it counts where git has none.
  const ofGit = { ...complaint, text: text.replace(/^remote: (?!ERROR:|FATAL:).*$/gm, '') };
  const ofHost = (): Error | null => explainBy(rows, ofGit) ?? explainBy(rows, complaint);
  const explained = explainBy(ownRows, ofGit) ?? (complaint.isLocal ? null : ofHost());
  if (explained !== null) return explained;
  const isKilled = !(exitCode >= 0) || exitCode >= 128 + 2;
  const said = isKilled ? 'something killed it' : quoteServer(text);
  const reason = said === '' ? `it ended with ${exitCode}` : said;
  if (complaint.isLocal && !isKilled)
    return new RepositoryDamaged(`git ${command}: ${reason}`, complainsOfObjects(complaint));
  return new Failure('GIT_ENGINE_FAILED', { command, reason });
}

/** Whether a command that has nothing but its folder could read and write there, and was not content with what it read. */
function complainsOfObjects({ command, exitCode, text }: Complaint): boolean {
  const isRefused =
    /Permission denied|Read-only file system|Input\/output error|unable to write|cannot mkdir/i;
  return (exitCode === 1 || exitCode === 128) && command !== 'init' && !isRefused.test(text);
}

function explainBy(table: Row[], complaint: Complaint): Error | null {
  for (const [pattern, explain] of table) {
    const match = pattern.exec(complaint.text);
    if (match !== null) return explain(match, complaint);
  }
  return null;
}

/** What became of a push that git reported as failed. */
export type PushVerdict =
  /** The branch is not where it had to be, or somebody else was writing it. */
  | { kind: 'raced'; reason: string }
  /** The host answered and does not want it. */
  | { kind: 'refused'; reason: string };

/** Reads the porcelain line of the branch and the host's words; `null` when git got no verdict from the host. */
export function judgePush(stdout: string, stderr: string): PushVerdict | null {
  const [, summary = '', detail = ''] = /^!\t[^\t]*\t\[([^\]]+)\](?: \((.*)\))?/m.exec(stdout) ?? [];
  if (summary === '' || summary === 'remote failure') return null;
  const words = [...stderr.matchAll(/^remote: ?(.*)$/gm)].map((match) => match[1]).join('\n');
  const reason = quoteServer(words.trim() === '' ? detail : `${detail}: ${words}`);
  return { kind: isRace(detail, words) ? 'raced' : 'refused', reason };
}
