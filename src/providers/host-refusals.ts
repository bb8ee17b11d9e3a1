// What the answers of hosts mean: each host’s own table from status and words to what stood in the way, then what the status
// alone says on every host.
import { quoteServer } from '../git/host-answer.js';
import { Failure } from '../kernel/failure.js';
import { patienceOf, retryAfterOf } from './host-rates.js';

export type Refusal =
  | 'auth'
  | 'forbidden'
  | 'not-found'
  | 'no-changes'
  | 'branch-missing'
  | 'protected'
  | 'duplicate'
  | 'unsupported'
  | 'rate-limited'
  | 'refused';

export interface RefusalRow {
  status: number;
  /** In the answer’s body, whatever else it holds; absent for all of this status. */
  says?: RegExp;
  /** Only of addresses below the repository that are like this. */
  of?: RegExp;
  is: Refusal;
}

export interface HostReply {
  status: number;
  headers: Readonly<Record<string, string>>;
  /** Text of the body. */
  text: string;
  /** Where the text is JSON. */
  json: unknown;
}

/** What was asked, in words, and for what. */
export interface Asking {
  host: string;
  path: string;
  /** `open the pull request` */
  attempt: string;
  head?: string;
  base?: string;
}

const TEXT_CHARACTERS_MAX = 16_384;

/** Null for an answer that is none. */
export function refusalOf(rows: readonly RefusalRow[], asking: Asking, reply: HostReply): Failure | null {
  const kind = kindOf(rows, asking, reply);
  if (kind === null) return reply.status >= 200 && reply.status < 300 ? null : byStatus(asking, reply);
  return named(kind, asking, reply);
}

/** How long it asks to wait; null for an answer that does not. */
export function askedPatienceMs(failure: Failure | null, reply: HostReply, now: number): number | null {
  if (failure?.code === 'HOST_API_RATE_LIMITED')
    return (failure as Failure<'HOST_API_RATE_LIMITED'>).data.retryAfterMs;
  // Azure DevOps asks for patience with answers that are otherwise good.
  return retryAfterOf(reply.headers, now);
}

function kindOf(rows: readonly RefusalRow[], { path }: Asking, reply: HostReply): Refusal | null {
  const text = reply.text.slice(0, TEXT_CHARACTERS_MAX);
  const isMeant = ({ status, says, of }: RefusalRow): boolean =>
    status === reply.status && (says?.test(text) ?? true) && (of?.test(path) ?? true);
  return rows.find(isMeant)?.is ?? (isLimit(reply, text) ? 'rate-limited' : null);
}

/** A 403 that is none: what is refused is the number of requests. */
export function isLimit({ status, headers }: Pick<HostReply, 'status' | 'headers'>, text: string): boolean {
  if (status === 429) return true;
  if (status !== 403) return false;
  return (
    headers['retry-after'] !== undefined ||
    headers['x-ratelimit-remaining'] === '0' ||
    /rate limit|abuse detection/i.test(text)
  );
}

const codes = {
  auth: 'HOST_API_AUTH_REJECTED',
  forbidden: 'HOST_API_FORBIDDEN',
  'not-found': 'HOST_API_NOT_FOUND',
  protected: 'HOST_API_PROTECTED',
  duplicate: 'HOST_API_DUPLICATE',
  unsupported: 'HOST_API_UNSUPPORTED',
  refused: 'HOST_API_REFUSED',
} as const;

function named(kind: Refusal, asking: Asking, reply: HostReply): Failure {
  const { host, attempt, head = '', base = '' } = asking;
  if (kind === 'rate-limited')
    return new Failure('HOST_API_RATE_LIMITED', {
      host,
      attempt,
      retryAfterMs: patienceOf(reply.headers, Date.now()),
    }) as Failure;
  if (kind === 'no-changes') return new Failure('HOST_API_NO_CHANGES', { host, head, base }) as Failure;
  if (kind === 'branch-missing')
    return new Failure('HOST_API_BRANCH_MISSING', { host, branch: `${head} or ${base}` }) as Failure;
  return new Failure(codes[kind], { host, attempt, reason: wordsOf(reply) }) as Failure;
}

function byStatus(asking: Asking, reply: HostReply): Failure {
  const { host, attempt } = asking;
  const { status } = reply;
  if (status === 401) return named('auth', asking, reply);
  if (status === 403) return named('forbidden', asking, reply);
  if (status === 404 || status === 410) return named('not-found', asking, reply);
  if (status === 408 || status === 425 || status >= 500) {
    const wait = retryAfterOf(reply.headers, Date.now());
    const data = { host, attempt, status };
    return new Failure('HOST_API_FAULT', wait === null ? data : { ...data, retryAfterMs: wait }) as Failure;
  }
  if (status >= 300 && status < 400) {
    // What a host adds to an address may be a token.
    const to = quoteServer((reply.headers.location ?? 'nowhere').replace(/[?#].*$/s, ''));
    return new Failure('HOST_API_MOVED', { host, attempt, to }) as Failure;
  }
  return named('refused', asking, reply);
}

const WORDS_MAX = 8;

/** The messages in the body, which each host keeps elsewhere; those nobody wrote for people stay out. */
function wordsOf({ status, json, headers }: HostReply): string {
  if (json === undefined)
    return `status ${status}, content type ${quoteServer(headers['content-type'] ?? 'none')}`;
  const words: string[] = [];
  collect(json, words, 0);
  return words.length === 0 ? `status ${status}` : quoteServer([...new Set(words)].join('; '));
}

const spoken = new Set(['message', 'detail', 'error', 'error_description', 'reason']);

function collect(value: unknown, words: string[], depth: number): void {
  if (depth > 4 || words.length >= WORDS_MAX || value === null || typeof value !== 'object') return;
  for (const [name, item] of Object.entries(value)) {
    const isSpoken = spoken.has(name) || Array.isArray(value);
    if (typeof item === 'string' && isSpoken && words.length < WORDS_MAX) words.push(item);
    else collect(item, words, depth + 1);
  }
}
