// A message that only its addressee can read and only its author can have written. Its claims stand in the open, since
// whoever carries it may see where it goes; the signature covers them, and through their digest what is sealed.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Opens, Sealer } from './hpke.js';
import { type Identity, isSignedBy, type Purpose } from './identity.js';

/** Every value has one spelling: the bits of the last character that hold nothing are zero. */
const base64Url = (bytes: number, last: string) =>
  z
    .string()
    .regex(
      new RegExp(`^[A-Za-z0-9_-]{${Math.floor((bytes * 4) / 3)}}[${last}]$`),
      `does not hold ${bytes} bytes`,
    );
const Bytes32 = base64Url(32, 'AEIMQUYcgkosw048');

/** A public key of either kind, in base64url. */
export const PublicKey = Bytes32;
/** An uncompressed point of P-256. */
export const P256Key = base64Url(65, 'AEIMQUYcgkosw048');
export const Signature = base64Url(64, 'AQgw');

export const SealedMessage = z.strictObject({
  /** JSON, signed as it stands. */
  claims: z.string().max(4_096),
  enc: Bytes32,
  box: z.string(),
  signature: Signature,
});
export type SealedMessage = z.infer<typeof SealedMessage>;

/** Why a message was refused; none of it was looked at any further. */
export class MessageRefused extends Error {}

export async function sealMessage(
  payload: unknown,
  claims: Record<string, unknown>,
  { purpose, sealer, author }: { purpose: Purpose; sealer: Sealer; author: Identity },
): Promise<SealedMessage> {
  const { enc, box } = await sealer.seal(Buffer.from(JSON.stringify(payload)), purpose);
  const text = JSON.stringify({ ...claims, digest: digestOf(enc, box) });
  return { claims: text, enc, box, signature: author.sign(purpose, text) };
}

/**
 * Checks who wrote the message and what it claims, then opens it.
 * @param check says what is wrong with claims that are authentic, if anything
 * @throws MessageRefused
 */
export async function openMessage<C extends { digest: string }>(
  data: unknown,
  {
    purpose,
    claims: schema,
    authorKey,
    check,
    opener,
  }: {
    purpose: Purpose;
    claims: z.ZodType<C>;
    authorKey: string | ((claims: C) => string | undefined);
    check: (claims: C) => string | undefined;
    opener: Opens;
  },
): Promise<{ claims: C; payload: unknown }> {
  const message = SealedMessage.safeParse(data);
  if (!message.success) throw new MessageRefused('it is not a sealed message');
  const { enc, box, signature } = message.data;
  const claims = readOr('its claims are not readable', () => schema.parse(JSON.parse(message.data.claims)));
  const key = typeof authorKey === 'string' ? authorKey : authorKey(claims);
  if (key === undefined) throw new MessageRefused('its author is not known');
  if (!isSignedBy(key, purpose, message.data.claims, signature))
    throw new MessageRefused('its signature is not its author’s');
  const objection = check(claims);
  if (objection !== undefined) throw new MessageRefused(objection);
  if (claims.digest !== digestOf(enc, box)) throw new MessageRefused('its content was exchanged');
  const content = await opener.open({ enc, box }, purpose).catch((cause: unknown) => {
    throw new MessageRefused('it was sealed for somebody else', { cause });
  });
  return {
    claims,
    payload: readOr('its content is not readable', () => JSON.parse(content.toString('utf8'))),
  };
}

function readOr<T>(refusal: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new MessageRefused(refusal, { cause });
  }
}

const digestOf = (enc: string, box: string): string =>
  createHash('sha256').update(enc).update('.').update(box).digest('base64url');
