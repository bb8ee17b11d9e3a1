import { describe, expect, it } from 'vitest';
import {
  makeSigningSecret,
  readSigningSecret,
  signatureHeaders,
} from '../../../src/subscriptions/signature.js';

const base64 = (bytes: number): string => Buffer.alloc(bytes, 0xfb).toString('base64');
const key = (text: string): Buffer => readSigningSecret(text) as Buffer;

describe('a signature', () => {
  // The vector of Standard Webhooks, as its own libraries test it.
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const message = {
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    at: new Date(1_614_265_330_999),
    body: Buffer.from('{"test": 2432232314}'),
  };
  const signature = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';

  it('is that of the documented vector', () => {
    expect(signatureHeaders(message, [key(secret)])).toEqual({
      'webhook-id': message.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': signature,
    });
  });

  it('is there for each of two keys', () => {
    const { 'webhook-signature': signed } = signatureHeaders(message, [
      key(makeSigningSecret()),
      key(secret),
    ]);
    const [other, same, ...rest] = signed?.split(' ') ?? [];
    expect([same, rest]).toEqual([signature, []]);
    expect(other).toMatch(/^v1,[A-Za-z0-9+/]{43}=$/);
    expect(other).not.toBe(same);
  });
});

describe('a signing secret', () => {
  it('that is made can be read, and is another one each time', () => {
    const [one, other] = [makeSigningSecret(), makeSigningSecret()];
    expect(readSigningSecret(one)).toHaveLength(32);
    expect(one).not.toBe(other);
  });

  it.each([24, 25, 32, 64])('of %i bytes is taken, with padding and without', (bytes) => {
    expect(readSigningSecret(`whsec_${base64(bytes)}`)).toEqual(Buffer.alloc(bytes, 0xfb));
    expect(readSigningSecret(`whsec_${base64(bytes).replace(/=+$/, '')}`)).toHaveLength(bytes);
  });

  it.each([
    '',
    'whsec_',
    base64(32),
    `whsec_${base64(23)}`,
    `whsec_${base64(65)}`,
    `whsec_${base64(32)}\n`,
    ` whsec_${base64(32)}`,
    `whsec_${base64(32)}===`,
    `whsec_${Buffer.alloc(32, 0xfb).toString('base64url')}`,
    `whsec_${base64(24)}a`,
    `WHSEC_${base64(32)}`,
  ])('%j is none', (text) => {
    expect(readSigningSecret(text)).toBeUndefined();
  });
});
