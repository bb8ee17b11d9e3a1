// Signatures after Standard Webhooks (https://www.standardwebhooks.com): who has the secret can tell that an event is from us,
// unchanged, and of when.
import { createHmac, randomBytes } from 'node:crypto';

const PREFIX = 'whsec_';
const KEY_BYTES = 32;
const KEY_BYTES_MIN = 24;
const KEY_BYTES_MAX = 64;

export const makeSigningSecret = (): string => PREFIX + randomBytes(KEY_BYTES).toString('base64');

/** The key that a secret’s text stands for; undefined where it is no such secret. */
export function readSigningSecret(text: string): Buffer | undefined {
  const [, encoded] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
  if (encoded === undefined) return undefined;
  const key = Buffer.from(encoded, 'base64');
  const isWhole = key.toString('base64').replace(/=+$/, '') === encoded.replace(/=+$/, '');
  return isWhole && key.length >= KEY_BYTES_MIN && key.length <= KEY_BYTES_MAX ? key : undefined;
}

/** The headers of a message, with one signature for each key. */
export function signatureHeaders(
  { id, at, body }: { id: string; at: Date; body: Buffer },
  keys: Buffer[],
): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1_000));
  const signatures = keys.map((key) => {
    const mac = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
    return `v1,${mac}`;
  });
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
}
