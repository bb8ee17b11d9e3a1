// AES-GCM does not commit to its key: whoever has two keys can make a ciphertext that both open. A payload commits to one.
import { createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decrypt, derive, NONCE_BYTES, SALT_BYTES } from '../../../src/envelope/cipher.js';
import { type Envelope, encodePlace, openPayload } from '../../../src/envelope/envelope.js';
import { EnvelopeManager } from '../../../src/envelope/envelope-manager.js';
import { KeyRing } from '../../../src/envelope/key-file.js';
import { KeyRingWrapper } from '../../../src/envelope/key-ring-wrapper.js';
import { openToBoth } from '../../support/two-keys.js';
import { failureFrom } from '../support/refusals.js';

const place = {
  deployment: 'd-1',
  scope: 'accounts/acme',
  secret: 'git-token',
  version: '6ec2cf4c-1f8a-4c30-9a47-1e2ab6ed6cd0',
};
const { deployment, version, ...where } = place;
const context = encodePlace('payload', place);
const makeKey = (): KeyObject => createSecretKey(randomBytes(32));

/** A payload that the ciphers of both data keys open, and that commits to the first. */
function makePayload(dataKeys: [KeyObject, KeyObject], blocks?: number) {
  const salt = randomBytes(SALT_BYTES);
  const [one, two] = dataKeys.map((dataKey) => derive(dataKey, salt, context)) as [Derived, Derived];
  const both = openToBoth([one.key, two.key], randomBytes(NONCE_BYTES), context, blocks);
  const payload: Envelope['payload'] = {
    salt: salt.toString('base64url'),
    commitment: one.commitment.toString('base64url'),
    nonce: both.nonce.toString('base64url'),
    ciphertext: both.ciphertext.toString('base64url'),
    tag: both.tag.toString('base64url'),
  };
  return { payload, both, ciphers: [one.key, two.key] as const, other: two.commitment };
}
type Derived = ReturnType<typeof derive>;

describe.each([1, 2, 7])('a ciphertext of %i blocks that two keys open', (blocks) => {
  const dataKeys: [KeyObject, KeyObject] = [makeKey(), makeKey()];
  const { payload, both, ciphers, other } = makePayload(dataKeys, blocks);

  it('is opened under both by the cipher itself, and is something else each time', () => {
    const plaintexts = ciphers.map((key) => {
      const decipher = createDecipheriv('aes-256-gcm', key, both.nonce, { authTagLength: 16 });
      decipher.setAAD(context).setAuthTag(both.tag);
      return Buffer.concat([decipher.update(both.ciphertext), decipher.final()]);
    });
    expect(plaintexts.map(({ byteLength }) => byteLength)).toEqual([16 * blocks, 16 * blocks]);
    expect(plaintexts[0]).not.toEqual(plaintexts[1]);
    for (const [at, key] of ciphers.entries()) expect(decrypt(payload, key, context)).toEqual(plaintexts[at]);
  });

  it('is not opened under a third', () => {
    expect(() => decrypt(payload, makeKey(), context)).toThrow();
  });

  it('is as a payload opened under the key alone that it commits to, whichever that is', () => {
    expect(openPayload(payload, dataKeys[0], place)).toHaveLength(16 * blocks);
    expect(() => openPayload(payload, dataKeys[1], place)).toThrow('commitment');
    const turned = { ...payload, commitment: other.toString('base64url') };
    expect(openPayload(turned, dataKeys[1], place)).toHaveLength(16 * blocks);
    expect(() => openPayload(turned, dataKeys[0], place)).toThrow('commitment');
  });
});

it('a secret manager opens it with the one wrapped key, and neither opens it with the other nor wraps that anew', async () => {
  const wrapping = { id: 'key-1', key: makeKey() };
  const wrapper = new KeyRingWrapper(new KeyRing(wrapping, new Map([[wrapping.id, wrapping.key]])));
  const manager = new EnvelopeManager('keyring', wrapper, deployment);
  const raw = [randomBytes(32), randomBytes(32)] as const;
  const { payload } = makePayload([createSecretKey(raw[0]), createSecretKey(raw[1])]);
  const [one, two] = await Promise.all(
    raw.map(async (dataKey): Promise<Envelope> => {
      return { format: 'sallyport-1', version, payload, ...(await wrapper.wrap(dataKey, place)) };
    }),
  );
  const opened = await manager.open(one as Envelope, where);
  expect(opened.use(({ byteLength }) => byteLength)).toBe(32);
  for (const refused of [manager.open(two as Envelope, where), manager.rewrap(two as Envelope, where)])
    expect((await failureFrom(refused)).code).toBe('SECRET_UNREADABLE');
});
