// One delivery as a line of JSON, and what the door would make of it: the same codecs, no server, no database. It looks into a body
// that is not proven, which the door does not: here nothing follows from it.
import { z } from 'zod';
import { Secret } from '../kernel/secret.js';
import { codecs } from './codecs.js';
import { verifyHook } from './hook-proof.js';
import { Provider } from './provider.js';
import { HOOK_BODY_BYTES_MAX, unreadable } from './readable-hook.js';
import { type HookCodec, type HookEvent, type HookHeaders, MalformedHook } from './webhook.js';

const HEADERS_MAX = 1_000;
const HEADER_CHARACTERS_MAX = 64 * 1024;

/** Codes of this command; docs/reference/webhooks.md explains them. */
export type InspectionCode =
  | 'LINE_INVALID'
  | 'HOST_UNKNOWN'
  | 'BODY_TOO_LARGE'
  | 'MEDIA_TYPE_UNSUPPORTED'
  | 'SIGNATURE_MISSING'
  | 'SIGNATURE_WRONG'
  | 'SIGNATURE_STALE'
  | 'BODY_MALFORMED';

type Id = string | number | null;

interface Refusal {
  id: Id;
  verified: false;
  code: InspectionCode;
  why: string;
}

interface Inspection {
  id: Id;
  verified: boolean;
  code?: InspectionCode;
  why?: string;
  deliveryId: string;
  event: ShownEvent;
  repo: { id?: string; fullName?: string; cloneUrls: string[] };
}

type ShownEvent = HookEvent extends infer Event
  ? Event extends HookEvent
    ? Omit<Event, 'repo'>
    : never
  : never;

/** Never fails: a line that is no delivery is answered too. */
export function inspectDelivery(line: string): Inspection | Refusal {
  const fields = readLine(line);
  if (fields === undefined) return refuseLine('The line is not a JSON object');
  const id = Id.safeParse(fields.id).data ?? null;
  if (typeof fields.host === 'string' && !Provider.safeParse(fields.host).success)
    return {
      id,
      verified: false,
      code: 'HOST_UNKNOWN',
      why: `host is not one of ${Provider.options.join(', ')}`,
    };
  const { data, error } = Delivery.safeParse(fields);
  if (error !== undefined) {
    const { path, message } = error.issues[0] ?? { path: [], message: '' };
    return refuseLine(`${String(path[0])}: ${message}`, id);
  }
  const raw = Buffer.from(data.bodyBase64, 'base64');
  if (!isBase64Of(data.bodyBase64, raw)) return refuseLine('bodyBase64: is not base64', id);
  if (raw.length > HOOK_BODY_BYTES_MAX)
    return { id, verified: false, code: 'BODY_TOO_LARGE', why: 'The body has more than 25 MiB' };
  return { id, ...inspect(data, raw) };
}

export function refuseLine(why: string, id: Id = null): Refusal {
  return { id, verified: false, code: 'LINE_INVALID', why };
}

function readLine(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return Fields.safeParse(value).success ? (value as Record<string, unknown>) : undefined;
  } catch {
    // Nothing of the parser's words, which quote the line: there are secrets in it.
    return undefined;
  }
}

const Fields = z.object({});
const Id = z.union([z.string().max(1_000), z.number(), z.null()]);
const HeaderText = z.string().max(HEADER_CHARACTERS_MAX, 'has a value of more than 64 KiB');
const Headers = z
  .custom<Record<string, unknown>>((value) => Fields.safeParse(value).success, 'is not an object')
  .transform((headers, context): HookHeaders => {
    const given = Object.entries(headers);
    if (given.length > HEADERS_MAX) {
      context.addIssue(`has more than ${HEADERS_MAX.toLocaleString('en')} names`);
      return {};
    }
    const entries = given.map(([name, value]) => {
      const values = z.union([HeaderText, z.array(HeaderText)]).safeParse(value).data;
      if (values === undefined) context.addIssue('has a value that is neither a text nor a list of texts');
      return { name: name.toLowerCase(), values: [values ?? []].flat() };
    });
    return joinByName(entries);
  });

/** Names in any letter case are one header; given twice, it came twice. */
function joinByName(entries: { name: string; values: string[] }[]): HookHeaders {
  const joined = new Map<string, string[]>();
  for (const { name, values } of entries) {
    const there = joined.get(name);
    if (there === undefined) joined.set(name, [...values]);
    else for (const value of values) there.push(value);
  }
  return Object.fromEntries(joined);
}

const INSTANT_PROBLEM = 'is neither ISO 8601 nor milliseconds';
const Instant = z
  .union([z.string().regex(/^\d{4}-\d\d-\d\d(?:T|$)/), z.number().nonnegative()], INSTANT_PROBLEM)
  .transform((instant) => new Date(instant))
  .refine((instant) => !Number.isNaN(instant.getTime()), INSTANT_PROBLEM);

const Delivery = z.object({
  id: Id.optional(),
  host: Provider,
  headers: Headers,
  bodyBase64: z.string('is not a text'),
  secrets: z.array(z.string('has something that is not a text'), 'is not a list').max(16, 'has more than 16'),
  now: Instant.nullish(),
});

function isBase64Of(text: string, raw: Buffer): boolean {
  return raw.toString('base64').replace(/=+$/, '') === text.replace(/={1,2}$/, '');
}

function inspect(
  { host, headers, secrets, now }: z.infer<typeof Delivery>,
  raw: Buffer,
): Omit<Inspection, 'id'> {
  const codec = codecs[host];
  const proof = verify(codec, raw, headers, { secrets, now: now ?? new Date() });
  const { event, malformed } = parse(codec, raw, headers);
  const isReadable = unreadable(codec, headers) === undefined;
  const problem = isReadable ? problemOf(proof, malformed) : unread(malformed);
  const { repo, ...shown } = event;
  const { hostRepoId, ...described } = repo;
  return {
    verified: isReadable && proof === 'ok',
    ...problem,
    deliveryId: codec.deliveryId(headers, raw),
    event: shown,
    repo: hostRepoId === undefined ? described : { id: hostRepoId, ...described },
  };
}

function verify(
  codec: HookCodec,
  raw: Buffer,
  headers: HookHeaders,
  { secrets, now }: { secrets: string[]; now: Date },
) {
  const live = secrets.map((secret) => new Secret(Buffer.from(secret)));
  try {
    return verifyHook(codec, raw, { headers, secrets: live, now });
  } finally {
    for (const secret of live) secret.wipe();
  }
}

/** What is malformed is shown as something that nothing follows from. */
function parse(
  codec: HookCodec,
  raw: Buffer,
  headers: HookHeaders,
): { event: HookEvent; malformed?: MalformedHook } {
  try {
    return { event: codec.parse(raw, headers) };
  } catch (error) {
    if (!(error instanceof MalformedHook)) throw error;
    return { event: { kind: 'ignored', why: error.message, repo: { cloneUrls: [] } }, malformed: error };
  }
}

const proofs = {
  missing: { code: 'SIGNATURE_MISSING', why: 'No proof came with it' },
  bad: { code: 'SIGNATURE_WRONG', why: 'None of the secrets explains its proof' },
  stale: { code: 'SIGNATURE_STALE', why: 'It was signed more than five minutes away from now' },
} as const;

interface Problem {
  code: InspectionCode;
  why: string;
}

/** The door finds that out before anything else. */
function unread(malformed: MalformedHook | undefined): Problem {
  const why = malformed?.reason === 'media-type' ? malformed.message : 'A compressed body is not read';
  return { code: 'MEDIA_TYPE_UNSUPPORTED', why };
}

function problemOf(
  proof: keyof typeof proofs | 'ok',
  malformed: MalformedHook | undefined,
): Problem | undefined {
  if (proof !== 'ok') return proofs[proof];
  return malformed === undefined ? undefined : { code: 'BODY_MALFORMED', why: malformed.message };
}
