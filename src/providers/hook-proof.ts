// How a delivery proves that it comes from the host. Only digests of equal length are compared, in constant time. Every live secret
// is tried, whichever matches; an empty one is none.
import { createHash, createHmac, type Hmac, timingSafeEqual } from 'node:crypto';
import { headerOf } from './hook-headers.js';
import type { HookCodec, HookHeaders, HookProof, HookSecrets, HookVerdict } from './webhook.js';

const HEX_DIGEST = /^[0-9a-f]{64}$/;

/** HMAC-SHA-256 of the body in lower-case hex, after this prefix. */
export function hmacProof(
  given: string | undefined,
  prefix: '' | 'sha256=',
  secrets: HookSecrets,
): HookProof {
  if (given === undefined) return settledProof('missing');
  const hex = given.slice(prefix.length);
  if (!given.startsWith(prefix) || !HEX_DIGEST.test(hex)) return settledProof('bad');
  const claimed = Buffer.from(hex, 'hex');
  const digests = ofEach(secrets, (key) => createHmac('sha256', key));
  return digestProof(digests, (digest) => (timingSafeEqual(digest, claimed) ? 'ok' : 'bad'));
}

/** The secret itself, sent in clear. Node reads each byte of a header as a character, whatever the sender's encoding. */
export function checkShared(given: string | undefined, secrets: HookSecrets): HookVerdict {
  if (given === undefined) return 'missing';
  const claimed = (['utf8', 'latin1'] as const).map((encoding) => sha256(Buffer.from(given, encoding)));
  const isMatch = (secret: Buffer): boolean =>
    claimed.map((one) => timingSafeEqual(sha256(secret), one)).includes(true);
  return ofEach(secrets, isMatch).includes(true) ? 'ok' : 'bad';
}

const TOLERANCE_S = 300;
const SIGNING_SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/;

/**
 * A signature after Standard Webhooks (standardwebhooks.com): HMAC-SHA-256 over `id.timestamp.body`, one or several, of which one
 * has to match. The time counts once the signature is right, so that `stale` is told to nobody else. Undefined where there is none.
 */
export function standardWebhookProof(headers: HookHeaders, secrets: HookSecrets): HookProof | undefined {
  const [id, timestamp, signatures] = ['id', 'timestamp', 'signature'].map((part) =>
    headerOf(headers, `webhook-${part}`),
  );
  if (signatures === undefined) return undefined;
  if (id === undefined || timestamp === undefined || !/^\d{1,12}$/.test(timestamp))
    return settledProof('bad');
  const claimed = signatures
    .split(' ')
    .filter((one) => one.startsWith('v1,'))
    .map((one) => Buffer.from(one.slice(3)));
  const digests = ofEach(secrets, signingKeyOf).flatMap((key) =>
    key === undefined ? [] : createHmac('sha256', key).update(`${id}.${timestamp}.`),
  );
  return digestProof(digests, (digest, now) => {
    const expected = Buffer.from(digest.toString('base64'));
    const isSigned = claimed.some((one) => one.length === expected.length && timingSafeEqual(one, expected));
    if (!isSigned) return 'bad';
    const apart = Math.abs(Math.floor(now.getTime() / 1000) - Number(timestamp));
    return apart <= TOLERANCE_S ? 'ok' : 'stale';
  });
}

/** One whose verdict does not depend on the body. */
export const settledProof = (verdict: HookVerdict): HookProof => ({
  update: () => undefined,
  verdict: () => verdict,
});

/** Of a body that is there as a whole. */
export function verifyHook(
  codec: HookCodec,
  raw: Buffer,
  { headers, secrets, now }: { headers: HookHeaders; secrets: HookSecrets; now: Date },
): HookVerdict {
  const proof = codec.prove(headers, secrets);
  proof.update(raw);
  return proof.verdict(now);
}

/** 'whsec_' and base64 → the bytes; undefined where the secret is of another form. */
function signingKeyOf(secret: Buffer): Buffer | undefined {
  const [, base64] = SIGNING_SECRET.exec(secret.toString('latin1')) ?? [];
  const key = Buffer.from(base64 ?? '', 'base64');
  return key.length === 0 ? undefined : key;
}

/** One digest for each live secret; the verdict on the one that comes furthest counts. */
function digestProof(digests: Hmac[], judge: (digest: Buffer, now: Date) => HookVerdict): HookProof {
  return {
    update: (bytes) => {
      for (const one of digests) one.update(bytes);
    },
    verdict: (now) => {
      const verdicts = digests.map((one) => judge(one.digest(), now));
      return verdicts.find((one) => one === 'ok') ?? verdicts.find((one) => one === 'stale') ?? 'bad';
    },
  };
}

const ofEach = <T>(secrets: HookSecrets, use: (bytes: Buffer) => T): T[] =>
  secrets.flatMap((secret) => secret.use((bytes) => (bytes.length > 0 ? [use(bytes)] : [])));

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
