// From a body to an event. What an event is made of has to be there in the right form; what merely describes the repository may be
// absent or wrong, and is then left out. Only the named fields are read, so that other keys, `__proto__` among them, mean nothing.
import { z } from 'zod';
import { isReferenceName } from '../git/reference-names.js';
import { isJson } from './hook-headers.js';
import {
  type HookEvent,
  type HookHeaders,
  MalformedHook,
  type Pull,
  type RefChange,
  type RepoKey,
} from './webhook.js';

/** As many refs as one event names; more of them are `unknown`. */
const CHANGES_MAX = 5_000;
const LINKS_MAX = 16;
/** Values, and levels of them, of a body: several times what the largest one of a host has. */
const VALUES_MAX = 1_000_000;
const DEPTH_MAX = 200;
const [QUOTE = 0, COMMA = 0, BRACKET = 0, BRACE = 0, BACKSLASH = 0] = Buffer.from('",[{\\');
const REF_BYTES_MAX = 1_024;
const OBJECT_ID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** @throws MalformedHook unless it is said to be JSON, and is a JSON object */
export function readJsonBody(raw: Buffer, headers: HookHeaders): object {
  if (!isJson(headers))
    throw new MalformedHook(
      'media-type',
      'The body is not application/json, which the webhook can be set to',
    );
  return readJson(raw.toString());
}

/** @throws MalformedHook unless it is a JSON object, of no more than hosts send */
export function readJson(text: string): object {
  requireBounded(text);
  const value = parseJson(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new MalformedHook('body', 'The body is not a JSON object');
}

/**
 * Before it is parsed, which nothing can stop: twenty-five megabytes of brackets take half a minute and a gigabyte.
 * @throws MalformedHook
 */
function requireBounded(text: string): void {
  let depth = 0;
  let values = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfText(text, at);
    else if (code === COMMA) values += 1;
    else if (code === BRACKET || code === BRACE) {
      values += 1;
      depth += 1;
      if (depth > DEPTH_MAX) throw new MalformedHook('body', 'The body is nested too deeply');
    } else if (code === BRACKET + 2 || code === BRACE + 2) depth -= 1;
  }
  if (values > VALUES_MAX)
    throw new MalformedHook('body', `The body has more than ${VALUES_MAX.toLocaleString('en')} values`);
}

/** Of the text that begins there; what comes after the last one without an end is no JSON in any case. */
function endOfText(text: string, begin: number): number {
  for (let end = text.indexOf('"', begin + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not the parser's own words, which quote what it read.
    throw new MalformedHook('body', 'The body is not JSON');
  }
}

/** @throws MalformedHook */
export function pick<T>(schema: z.ZodType<T>, value: unknown): T {
  const { data, error } = schema.safeParse(value);
  if (error === undefined) return data as T;
  const { path = [], message = '' } = error.issues[0] ?? {};
  throw new MalformedHook('body', `${['The body', ...path].join('.')}: ${message}`);
}

/** A field that may be missing or wrong. */
export function lenient<T extends z.ZodType>(schema: T) {
  return schema.optional().catch(undefined);
}

const isPlain = (text: string): boolean => text.isWellFormed() && !/[\u0000-\u001f\u007f-\u009f]/.test(text);

/** The host's id of a repository: a number, or a text such as a UUID. */
export const HostRepoId = lenient(
  z.union([z.int().nonnegative(), z.string().regex(/^[\x21-\x7e]{1,200}$/)]).transform(String),
);
export const FullName = lenient(z.string().min(1).max(512).refine(isPlain));
export const CloneUrl = lenient(
  z
    .string()
    .min(1)
    .max(2_048)
    .refine((url) => isPlain(url) && !/\s/.test(url)),
);
export const PullNumber = z.int().positive();

interface FoundRepository {
  id?: string | undefined;
  fullName?: string | undefined;
  cloneUrls?: readonly (string | undefined)[];
}

export function repoKey({ id, fullName, cloneUrls = [] }: FoundRepository): RepoKey {
  const urls = cloneUrls.filter((url) => url !== undefined);
  return {
    ...(id === undefined ? {} : { hostRepoId: id }),
    ...(fullName === undefined ? {} : { fullName }),
    cloneUrls: [...new Set(urls)],
  };
}

export const changeList = <T extends z.ZodType>(change: T) => shortList(change, CHANGES_MAX);
export const linkList = <T extends z.ZodType>(link: T) => lenient(shortList(link, LINKS_MAX));

/** One that is too long is not read at all, as if it were absent. */
function shortList<T extends z.ZodType>(item: T, lengthMax: number) {
  return z.preprocess(
    (list) => (Array.isArray(list) && list.length > lengthMax ? undefined : list),
    z.array(item).nullish(),
  );
}

/** A change as the host wrote it. */
export interface WrittenChange {
  ref: string;
  before: string | null;
  after: string | null;
  forced?: boolean | undefined;
}

/**
 * A list that is absent, empty or too long, and one with a change that Git could not have made, count as `unknown`: the host says that
 * something moved, and looking at every ref is right whatever it was.
 */
export function refsEvent(
  repo: RepoKey,
  written: readonly (WrittenChange | undefined)[] | null | undefined,
): HookEvent {
  const changes = (written ?? []).map((one) => (one === undefined ? undefined : readChange(one)));
  const known = changes.filter((one) => one !== undefined);
  const isKnown = known.length > 0 && known.length === changes.length;
  return { kind: 'refs', repo, changes: isKnown ? known : 'unknown' };
}

function readChange({ ref, before, after, forced }: WrittenChange): RefChange | undefined {
  const [from, to] = [readId(before), readId(after)];
  if (!isFullRef(ref) || from === undefined || to === undefined) return undefined;
  return { ref, type: typeOf(ref), before: from, after: to, forced: forced ?? null };
}

/** Undefined: it is no object id. `null`: none at all, which hosts write as zeros. */
function readId(text: string | null): string | null | undefined {
  const id = text?.toLowerCase() ?? null;
  if (id === null || /^(?:0{40}|0{64})$/.test(id)) return null;
  return OBJECT_ID.test(id) ? id : undefined;
}

/** U+FFFD stands for bytes that are no UTF-8: then this is not what the ref is called. */
function isFullRef(ref: string): boolean {
  const isText = ref.isWellFormed() && !ref.includes('\ufffd') && Buffer.byteLength(ref) <= REF_BYTES_MAX;
  return isText && ref.startsWith('refs/') && isReferenceName(ref);
}

function typeOf(ref: string): RefChange['type'] {
  if (ref.startsWith('refs/heads/')) return 'branch';
  return ref.startsWith('refs/tags/') ? 'tag' : 'other';
}

interface FoundPull extends Omit<Pull, 'mergeSha'> {
  /** As the host wrote it; Bitbucket Cloud cuts it short, which then names nothing. */
  mergeSha?: string | null | undefined;
}

/** @throws MalformedHook where a branch has a name that Git would not take */
export function pullEvent(repo: RepoKey, { number, state, mergeSha, ...branches }: FoundPull): HookEvent {
  const [head, base] = [readBranch(branches.head, 'head'), readBranch(branches.base, 'base')];
  const merged = state === 'merged' ? readId(mergeSha ?? null) : null;
  const pull = { kind: 'pull', repo, number, state, head, base } as const;
  return typeof merged === 'string' ? { ...pull, mergeSha: merged } : pull;
}

/** 'refs/heads/main' and 'main' → 'main' */
function readBranch(name: string, side: string): string {
  const short = name.replace(/^refs\/heads\//, '');
  if (isFullRef(`refs/heads/${short}`)) return short;
  throw new MalformedHook('body', `The ${side} of the pull request is not the name of a branch`);
}

export function ignored(repo: RepoKey, why: string): HookEvent {
  return { kind: 'ignored', repo, why };
}

/** For an event that no codec has a use for. */
export function ignoredEvent(repo: RepoKey, event: string | undefined): HookEvent {
  if (event === undefined) return ignored(repo, 'it does not say which event it is');
  const name = event.slice(0, 80).replace(/[^\x20-\x7e]/g, '?');
  return ignored(repo, `event ${name} tells of no moved ref and of no state of a pull request`);
}
