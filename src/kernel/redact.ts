// Secrets never reach a message, a log or an error: what is known to be secret is struck out, and so is what looks it.
const known = new Map<symbol, string[]>();
const MASK = '******';

/** Strikes this value, also in its usual encodings, out of every message of this process until the answer is called. */
export function registerSecret(value: string): () => void {
  if (value.length < 4) return () => undefined;
  const key = Symbol('secret');
  known.set(key, [
    value,
    encodeURIComponent(value),
    Buffer.from(value).toString('base64'),
    Buffer.from(value).toString('base64url'),
    JSON.stringify(value).slice(1, -1),
  ]);
  return () => void known.delete(key);
}

const PATTERNS: [RegExp, string][] = [
  // The last @ ends the user-info: a password may hold others.
  [/\b([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/]+@/gi, `$1${MASK}@`],
  [
    /\b(authorization["']?\s*[:=]\s*["']?(?:(?:basic|bearer|digest|negotiate|token)[ \t]+)?)[^\s,;"']+/gi,
    `$1${MASK}`,
  ],
  [/([?&](?:access_token|private_token|token|password|secret|key)=)[^&\s"']+/gi, `$1${MASK}`],
];

/** The text without user-info in URLs, Authorization values, token parameters and registered secrets. */
export function redact(text: string): string {
  let clean = text;
  // The longest first: a secret that holds another one goes as a whole.
  const forms = [...known.values()].flat().toSorted((a, b) => b.length - a.length);
  for (const form of forms) clean = clean.replaceAll(form, MASK);
  for (const [pattern, replacement] of PATTERNS) clean = clean.replace(pattern, replacement);
  return clean;
}

/** The value with every text in it redacted, names of properties too; or cleaned otherwise, where that is said. */
export function redactDeep(value: unknown, clean: (text: string) => string = redact): unknown {
  if (typeof value === 'string') return clean(value);
  if (Array.isArray(value)) return value.map((item) => redactDeep(item, clean));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      clean(key),
      /^(?:proxy-)?authorization$/i.test(key) ? MASK : redactDeep(item, clean),
    ]),
  );
}
