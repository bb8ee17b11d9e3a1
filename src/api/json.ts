// JSON to the letter of RFC 8259, and nothing in it that could not be kept as it is.
import { Failure } from '../kernel/failure.js';

/** Deeper than any schema is, and shallow enough for whatever walks through the value. */
const DEPTH_MAX = 256;

/** @throws REQUEST_INVALID */
export function parseJson(bytes: Buffer): unknown {
  if (!isShallow(bytes)) throw invalid(`The body is nested more than ${DEPTH_MAX} levels deep`);
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid('The body is not JSON (RFC 8259, UTF-8)', cause);
  }
  if (PROTO_KEY.test(text)) throw invalid('The body has a field __proto__');
  return value;
}

const invalid = (problem: string, cause?: unknown): Failure =>
  new Failure('REQUEST_INVALID', { problem }, { cause }) as Failure;

/** The key, each of its characters as it is or as an escape. */
const PROTO_KEY =
  /"(?:_|\\u005[fF]){2}(?:p|\\u0070)(?:r|\\u0072)(?:o|\\u006[fF])(?:t|\\u0074)(?:o|\\u006[fF])(?:_|\\u005[fF]){2}"\s*:/;

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
/** [ { and ] } */
const [OPENING, CLOSING] = [new Set([0x5b, 0x7b]), new Set([0x5d, 0x7d])];

/** Counts brackets outside of texts, before anything is made of them. */
function isShallow(bytes: Buffer): boolean {
  let [depth, isText] = [0, false];
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (byte === QUOTE) isText = !isText;
    else if (isText && byte === BACKSLASH) i += 1;
    else if (!isText && OPENING.has(byte) && ++depth > DEPTH_MAX) return false;
    else if (!isText && CLOSING.has(byte)) depth -= 1;
  }
  return true;
}

/** Whether PostgreSQL keeps the value as it is: no NUL, no half of a surrogate pair, no number beyond the range of a double. */
export function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0');
  if (typeof value === 'number') return Number.isFinite(value);
  if (value === null || typeof value !== 'object') return true;
  return Object.entries(value).every(([key, item]) => isStorable(key) && isStorable(item));
}
