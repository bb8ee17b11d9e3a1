// The KMS of AWS: the suite, and what is true of it alone.
import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SettingsOf } from '../../src/contract/secret-managers.js';
import type { VersionPlace } from '../../src/envelope/envelope.js';
import { EnvelopeManager } from '../../src/envelope/envelope-manager.js';
import type { WrappedKey } from '../../src/envelope/key-wrapper.js';
import { Secret } from '../../src/kernel/secret.js';
import { AwsKms } from '../../workers/secret-managers/aws-kms.js';
import { AwsServer } from '../support/secret-servers/aws.js';
import { Refusal } from '../support/secret-servers/aws-accounts.js';
import type { KeyState } from '../support/secret-servers/aws-kms.js';
import { failureFrom, failureOf } from '../unit/support/refusals.js';
import { describeSecretManager, type Fault, keeper } from './secret-manager.conformance.js';

type Settings = SettingsOf<'aws-kms'>;

const noProxy = { deadlineMs: 4_000, proxy: undefined };

async function start() {
  const server = await AwsServer.open();
  const arn = server.keys.create();
  const { accessKeyId, secretAccessKey } = server.accounts.issue('user');
  const credential = new Secret(Buffer.from(JSON.stringify({ accessKeyId, secretAccessKey })));
  const kms = (settings: Partial<Settings> = {}) => {
    const whole = { kind: 'aws-kms' as const, region: server.region, key: arn, endpoint: server.url };
    return new AwsKms({ keeper, settings: { ...whole, ...settings }, credential, ...noProxy });
  };
  const heal = (): void => {
    server.inject = () => undefined;
    server.keys.plaintext = undefined;
    server.keys.keyId = undefined;
    server.keys.set(arn, 'Enabled');
    server.accounts.revoked.clear();
  };
  const close = async (): Promise<void> => {
    credential.wipe();
    await server.close();
  };
  return { server, arn, accessKeyId, secretAccessKey, kms, heal, close };
}

describeSecretManager(
  'AWS KMS',
  'ciphertext',
  async () => {
    const { server, arn, accessKeyId, kms, heal, close } = await start();
    const all = (answer: AwsServer['inject']) => () => void (server.inject = answer);
    const faults: Partial<Record<Fault, () => void>> = {
      denied: all(() => new Refusal(400, 'AccessDeniedException', 'User is not authorized')),
      'not-signed-in': () => void server.accounts.revoked.add(accessKeyId),
      throttled: all(() => new Refusal(400, 'ThrottlingException', 'Rate exceeded')),
      down: all(() => 'cut'),
      silent: all(() => 'silent'),
      garbled: all(() => ({ status: 200, body: '<html>correct-horse</html>' })),
      'key-disabled': () => server.keys.set(arn, 'Disabled'),
      'key-gone': () => server.keys.set(arn, 'PendingDeletion'),
      'other-plaintext': () => void (server.keys.plaintext = randomBytes(32)),
    };
    return {
      make: () => new EnvelopeManager('aws-kms', kms(), 'deployment'),
      suffer: (fault) => faults[fault]?.(),
      heal,
      close,
    };
  },
  [
    'denied',
    'not-signed-in',
    'throttled',
    'down',
    'silent',
    'garbled',
    'key-disabled',
    'key-gone',
    'other-plaintext',
  ],
);

describe('AWS KMS alone', () => {
  let world: Awaited<ReturnType<typeof start>>;
  let server: AwsServer;
  let kms: AwsKms;
  const opened: AwsKms[] = [];
  const open = (settings?: Partial<Settings>): AwsKms => {
    const made = world.kms(settings);
    opened.push(made);
    return made;
  };
  beforeAll(async () => {
    world = await start();
    ({ server } = world);
    kms = open();
  });
  afterEach(() => {
    world.heal();
    server.padding = '';
    server.asked.length = 0;
  });
  afterAll(async () => {
    for (const one of opened) await one.close();
    await world?.close();
  });

  const place: VersionPlace = {
    deployment: 'deployment',
    scope: 'accounts/acme',
    secret: 'git-token',
    version: randomUUID(),
  };
  const dataKey = randomBytes(32);
  const wrap = (): Promise<WrappedKey> => kms.wrap(dataKey, place);

  it('asks for its key in every request and binds the place as the encryption context', async () => {
    const wrapped = await wrap();
    expect((await kms.unwrap(wrapped, place)).export()).toEqual(dataKey);
    expect(wrapped.keyId).toBe(world.arn);
    const context = {
      'sallyport:purpose': 'dek-wrap',
      'sallyport:deployment': 'deployment',
      'sallyport:scope': 'accounts/acme',
      'sallyport:secret': 'git-token',
      'sallyport:version': place.version,
    };
    const common = { KeyId: world.arn, EncryptionContext: context, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' };
    expect(server.asked.map(({ operation, input }) => [operation, input])).toEqual([
      ['Encrypt', { ...common, Plaintext: dataKey.toString('base64') }],
      ['Decrypt', { ...common, CiphertextBlob: expect.any(String) }],
    ]);
  });

  it('names the key by its ARN when it is set with the id alone', async () => {
    const short = open({ key: world.arn.split('/')[1] ?? '' });
    const wrapped = await short.wrap(dataKey, place);
    expect(wrapped.keyId).toBe(world.arn);
    expect((await short.unwrap(wrapped, place)).export()).toEqual(dataKey);
    expect((await kms.unwrap(wrapped, place)).export()).toEqual(dataKey);
    expect(server.asked[1]?.input.KeyId).toBe(world.arn);
  });

  it('opens with the replica of its key in another region', async () => {
    const arn = server.keys.create({ multiRegion: true });
    const wrapped = await open({ key: arn }).wrap(dataKey, place);
    const other = await AwsServer.open({ region: 'eu-central-1', accounts: server.accounts });
    const replica = other.keys.replicate(server.keys, arn);
    const there = open({ key: replica, region: 'eu-central-1', endpoint: other.url });
    expect((await there.unwrap(wrapped, place)).export()).toEqual(dataKey);
    expect(other.asked[0]?.input.KeyId).toBe(replica);
    await there.close();
    await other.close();
  });

  it.each([
    ['another key', () => server.keys.create()],
    ['the key of that id in another account', () => world.arn.replace('111122223333', '999900001111')],
    ['the key of that id in another region', () => world.arn.replace('eu-west-1', 'eu-west-2')],
    ['no ARN', () => 'alias/any'],
  ])('does not even ask when the envelope names %s', async (_, keyId) => {
    const wrapped = { ...(await wrap()), keyId: keyId() };
    server.asked.length = 0;
    expect((await failureFrom(kms.unwrap(wrapped, place))).code).toBe('SECRET_KEY_WRONG');
    expect(server.asked).toEqual([]);
  });

  it('says that another key wrapped it when the ciphertext is of another one', async () => {
    const other = await open({ key: server.keys.create() }).wrap(dataKey, place);
    const failure = await failureFrom(kms.unwrap({ ...other, keyId: world.arn }, place));
    expect(failure.code).toBe('SECRET_KEY_WRONG');
    expect(failure.message).toContain('IncorrectKeyException');
  });

  it.each([
    ['an answer that names another key', () => void (server.keys.keyId = server.keys.create())],
    ['an answer that names no key', () => void (server.keys.keyId = '')],
    ['31 bytes', () => void (server.keys.plaintext = randomBytes(31))],
    ['33 bytes', () => void (server.keys.plaintext = randomBytes(33))],
    ['nothing', () => void (server.keys.plaintext = Buffer.alloc(0))],
    [
      'a redirect',
      () => void (server.inject = () => ({ status: 307, body: '', headers: { location: server.url } })),
    ],
    ['an answer of 2 MB', () => void (server.padding = ' '.repeat(2e6))],
    ['JSON of another form', () => void (server.inject = () => ({ status: 200, body: '{"Plaintext":17}' }))],
    ['no body', () => void (server.inject = () => ({ status: 200, body: '' }))],
  ])('does not believe %s', async (_, make) => {
    const wrapped = await wrap();
    server.asked.length = 0;
    make();
    expect(await failureFrom(kms.unwrap(wrapped, place))).toMatchObject({
      code: 'SECRET_MANAGER_GARBLED',
      data: keeper,
    });
    expect(server.asked.length).toBeLessThanOrEqual(1);
  });

  it.each([
    ['another key', () => void (server.keys.keyId = server.keys.create())],
    ['nothing', () => void (server.inject = () => ({ status: 200, body: '{}' }))],
    [
      'the data key as it was',
      () => {
        const body = { KeyId: world.arn, CiphertextBlob: dataKey.toString('base64') };
        server.inject = () => ({ status: 200, body: JSON.stringify(body) });
      },
    ],
  ])('does not wrap when it is answered with %s', async (_, make) => {
    make();
    expect((await failureFrom(wrap())).code).toBe('SECRET_MANAGER_GARBLED');
  });

  describe.each([
    ['a byte of the ciphertext', (blob: Buffer) => blob.fill(0xff, blob.length - 1)],
    ['its end', (blob: Buffer) => blob.subarray(0, -1)],
    ['all but one byte', (blob: Buffer) => blob.subarray(0, 1)],
  ])('when somebody changed %s', (_, change) => {
    it('does not open', async () => {
      const { keyId, wrap: made } = await wrap();
      const blob = Buffer.from('blob' in made ? made.blob : '', 'base64url');
      const changed = { keyId, wrap: { blob: Buffer.from(change(blob)).toString('base64url') } };
      await expect(kms.unwrap(changed, place)).rejects.toThrow('the ciphertext or its context is another');
    });
  });

  it.each<[string, KeyState, string]>([
    ['disabled', 'Disabled', 'SECRET_KEY_DISABLED'],
    ['scheduled for deletion', 'PendingDeletion', 'SECRET_KEY_GONE'],
    ['without material', 'PendingImport', 'SECRET_KEY_GONE'],
    ['in a store that is away', 'Unavailable', 'SECRET_MANAGER_UNAVAILABLE'],
    ['deleted', 'Gone', 'SECRET_KEY_GONE'],
  ])('says so when the key is %s, when it wraps, unwraps and is checked', async (_, state, code) => {
    const arn = server.keys.create();
    const one = open({ key: arn });
    const wrapped = await one.wrap(dataKey, place);
    server.keys.set(arn, state);
    expect((await failureFrom(one.wrap(dataKey, place))).code).toBe(code);
    expect((await failureFrom(one.unwrap(wrapped, place))).code).toBe(code);
    expect((await failureFrom(one.check())).code).toBe(code);
  });

  it.each([
    ['AccessDeniedException', 400, 'SECRET_MANAGER_DENIED'],
    ['UnrecognizedClientException', 400, 'SECRET_MANAGER_SIGN_IN_REFUSED'],
    ['InvalidSignatureException', 400, 'SECRET_MANAGER_SIGN_IN_REFUSED'],
    ['ExpiredTokenException', 400, 'SECRET_MANAGER_SIGN_IN_REFUSED'],
    ['MissingAuthenticationTokenException', 403, 'SECRET_MANAGER_SIGN_IN_REFUSED'],
    ['ThrottlingException', 400, 'SECRET_MANAGER_THROTTLED'],
    ['LimitExceededException', 400, 'SECRET_MANAGER_THROTTLED'],
    ['KMSInternalException', 500, 'SECRET_MANAGER_UNAVAILABLE'],
    ['DependencyTimeoutException', 503, 'SECRET_MANAGER_UNAVAILABLE'],
    ['KeyUnavailableException', 500, 'SECRET_MANAGER_UNAVAILABLE'],
    ['InternalFailure', 500, 'SECRET_MANAGER_UNAVAILABLE'],
    ['SomethingNew', 500, 'SECRET_MANAGER_UNAVAILABLE'],
    ['InvalidKeyUsageException', 400, 'SECRET_MANAGER_MISCONFIGURED'],
    ['ValidationException', 400, 'SECRET_MANAGER_MISCONFIGURED'],
    ['IncorrectKeyException', 400, 'SECRET_KEY_WRONG'],
    ['SomethingNew', 400, 'SECRET_MANAGER_GARBLED'],
    ['SomethingNew', 403, 'SECRET_MANAGER_DENIED'],
    ['SomethingNew', 429, 'SECRET_MANAGER_THROTTLED'],
    ['toString', 400, 'SECRET_MANAGER_GARBLED'],
  ])('takes %s with %i for %s, and shows nothing of its message', async (type, status, code) => {
    const wrapped = await wrap();
    server.inject = () => new Refusal(status, type, `correct-horse https://evil.test/?token=1`);
    const failure = await failureFrom(kms.unwrap(wrapped, place));
    expect(failure).toMatchObject({ code, data: keeper });
    expect(failure.message).not.toMatch(/correct-horse|evil|SomethingNew/);
    expect(failure.cause).toBeUndefined();
  });

  it.each([
    ['twice, where it is not told how long to wait', {}, undefined, 2],
    ['no more, where it is told how long to wait', { 'retry-after': '7' }, 7, 1],
  ])('asks %s', async (_, headers: Record<string, string>, retryAfterSeconds, times) => {
    const attempts: string[] = [];
    server.inject = (operation) => {
      attempts.push(operation);
      return new Refusal(400, 'ThrottlingException', '', headers);
    };
    const failure = await failureFrom(wrap());
    expect(failure.code).toBe('SECRET_MANAGER_THROTTLED');
    expect(failure.data).toEqual({ ...keeper, reason: expect.any(String), retryAfterSeconds });
    expect(attempts).toHaveLength(times);
  });

  it('asks once more after one fault of the server', async () => {
    const faults = [new Refusal(500, 'KMSInternalException', ''), undefined];
    server.inject = () => faults.shift();
    expect((await wrap()).keyId).toBe(world.arn);
  });

  it('is not set with a key of another region', () => {
    const failure = failureOf(() => open({ region: 'eu-west-2' }));
    expect(failure).toMatchObject({
      code: 'SECRET_MANAGER_MISCONFIGURED',
      data: { ...keeper, reason: 'the key is in eu-west-1' },
    });
  });

  it('does not sign for another region than its own', async () => {
    const elsewhere = open({ key: world.arn.split('/')[1] ?? '', region: 'eu-west-2' });
    expect((await failureFrom(elsewhere.wrap(dataKey, place))).code).toBe('SECRET_MANAGER_SIGN_IN_REFUSED');
  });

  it('refuses a key that signs', async () => {
    const signing = open({ key: server.keys.create({ usage: 'SIGN_VERIFY' }) });
    expect((await failureFrom(signing.check())).code).toBe('SECRET_MANAGER_MISCONFIGURED');
  });

  describe('its check', () => {
    it('is a dry run of the two operations that the work needs', async () => {
      await kms.check();
      expect(server.asked.map(({ operation, input }) => [operation, input.DryRun])).toEqual([
        ['Encrypt', true],
        ['Decrypt', true],
      ]);
    });

    it.each(['Encrypt', 'Decrypt'])('notices that %s is not allowed', async (denied) => {
      server.inject = (operation) =>
        operation === denied ? new Refusal(400, 'AccessDeniedException', '') : undefined;
      expect((await failureFrom(kms.check())).code).toBe('SECRET_MANAGER_DENIED');
    });
  });
});
