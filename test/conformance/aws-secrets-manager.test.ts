// The store of AWS: the suite, and what is true of it alone.
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SettingsOf } from '../../src/contract/secret-managers.js';
import { Secret } from '../../src/kernel/secret.js';
import { AwsSecretsManager } from '../../workers/secret-managers/aws-secrets-manager.js';
import { StoreManager } from '../../workers/secret-managers/store-manager.js';
import { AwsServer } from '../support/secret-servers/aws.js';
import { Refusal } from '../support/secret-servers/aws-accounts.js';
import { codeFrom, failureFrom } from '../unit/support/refusals.js';
import { describeSecretManager, type Fault, keeper } from './secret-manager.conformance.js';

type Settings = SettingsOf<'aws-secrets-manager'>;

async function start() {
  const server = await AwsServer.open();
  const { accessKeyId, secretAccessKey } = server.accounts.issue('user');
  const credential = new Secret(Buffer.from(JSON.stringify({ accessKeyId, secretAccessKey })));
  const store = (settings: Partial<Settings> = {}) => {
    const whole = {
      kind: 'aws-secrets-manager' as const,
      region: server.region,
      prefix: 'sallyport',
      endpoint: server.url,
    };
    const setup = { keeper, settings: { ...whole, ...settings }, credential, deadlineMs: 4_000 };
    return new AwsSecretsManager({ ...setup, proxy: undefined });
  };
  const close = async (): Promise<void> => {
    credential.wipe();
    await server.close();
  };
  return { server, accessKeyId, store, close };
}

describeSecretManager(
  'AWS Secrets Manager',
  'value',
  async () => {
    const { server, accessKeyId, store, close } = await start();
    const all = (answer: AwsServer['inject']) => () => void (server.inject = answer);
    let restore = (): void => undefined;
    const faults: Partial<Record<Fault, () => void>> = {
      denied: all(() => new Refusal(400, 'AccessDeniedException', 'User is not authorized')),
      'not-signed-in': () => void server.accounts.revoked.add(accessKeyId),
      throttled: all(() => new Refusal(400, 'ThrottlingException', 'Rate exceeded')),
      down: all(() => 'cut'),
      silent: all(() => 'silent'),
      garbled: all(() => ({ status: 200, body: '<html>correct-horse</html>' })),
      'key-disabled': all(() => new Refusal(400, 'DecryptionFailure', 'The key is disabled')),
      'version-gone': () => void (restore = server.secrets.hide(() => true)),
      'not-there': () => void (restore = server.secrets.hide()),
    };
    return {
      make: () => new StoreManager('aws-secrets-manager', store(), 'deployment'),
      state: () => server.secrets.dump,
      suffer: (fault) => faults[fault]?.(),
      heal: () => {
        server.inject = () => undefined;
        server.accounts.revoked.clear();
        restore();
        restore = () => undefined;
      },
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
    'version-gone',
    'not-there',
  ],
);

describe('AWS Secrets Manager alone', () => {
  let world: Awaited<ReturnType<typeof start>>;
  let server: AwsServer;
  let store: AwsSecretsManager;
  beforeAll(async () => {
    world = await start();
    ({ server } = world);
    store = world.store();
  });
  afterEach(() => {
    server.inject = () => undefined;
    server.secrets.amend = undefined;
    server.asked.length = 0;
  });
  afterAll(async () => {
    await store?.close();
    await world?.close();
  });

  const textOf = async (path: string, field: string | null = null, version: string | null = null) => {
    const read = await store.read({ path, field, version });
    const text = read.value.use((bytes) => bytes.toString('latin1'));
    read.value.wipe();
    return text;
  };
  const write = (path: string, value: string | Buffer, onlyIfAbsent = false) =>
    store.write(path, Buffer.from(value), { onlyIfAbsent, version: randomUUID() });

  describe('reading', () => {
    it('finds what others wrote, as text and as bytes, by name, by ARN and by the ARN without its end', async () => {
      server.secrets.store('team/token', { SecretString: 'välue' });
      server.secrets.store('team/key', { SecretBinary: Buffer.from([0xff, 0]).toString('base64') });
      const arn = server.secrets.arnOf('team/token');
      const latin1 = Buffer.from('välue').toString('latin1');
      expect(await textOf('team/token')).toBe(latin1);
      expect(await textOf(arn)).toBe(latin1);
      expect(await textOf(arn.slice(0, -7))).toBe(latin1);
      expect(await textOf('team/key')).toBe('\u00ff\0');
    });

    it.each([
      ['a text', 'password', 'p"w'],
      ['a number', 'port', '5432'],
      ['an object', 'more', '{"a":[1]}'],
    ])('finds a field of a JSON object: %s', async (_, field, text) => {
      server.secrets.store('team/json', {
        SecretString: '{"password":"p\\"w","port":5432,"more":{"a":[1]}}',
      });
      expect(await textOf('team/json', field)).toBe(text);
    });

    it.each([
      ['there is no such field', '{"a":"b"}', 'b'],
      ['the field is one of every object', '{"a":"b"}', 'toString'],
      ['the field is empty', '{"a":""}', 'a'],
      ['the field is null', '{"a":null}', 'a'],
      ['the value is a list', '["b"]', '0'],
      ['the value is no JSON', 'correct-horse', 'a'],
      ['the value is no object', 'null', 'a'],
    ])('finds nothing where %s, and shows nothing', async (_, SecretString, field) => {
      server.secrets.store('team/odd', { SecretString });
      const failure = await failureFrom(store.read({ path: 'team/odd', field, version: null }));
      expect(failure).toMatchObject({ code: 'SECRET_NOT_IN_STORE', data: keeper });
      expect(failure.message).not.toContain('correct-horse');
    });

    it('takes the latest anew every time, or the version or the stage that is named', async () => {
      const first = server.secrets.store('team/versions', { SecretString: 'one' }, randomUUID());
      expect(await textOf('team/versions')).toBe('one');
      server.secrets.store('team/versions', { SecretString: 'two' }, randomUUID());
      expect(await textOf('team/versions')).toBe('two');
      expect(await textOf('team/versions', null, first)).toBe('one');
      expect(await textOf('team/versions', null, 'AWSPREVIOUS')).toBe('one');
      const gone = await failureFrom(
        store.read({ path: 'team/versions', field: null, version: 'AWSPENDING' }),
      );
      expect(gone.code).toBe('SECRET_VERSION_GONE');
    });

    it('says that a secret is scheduled for deletion, until it is restored', async () => {
      server.secrets.store('team/going', { SecretString: 'one' });
      server.secrets.scheduleDeletion('team/going');
      expect(await codeFrom(textOf('team/going'))).toBe('SECRET_VERSION_GONE');
      server.secrets.restore('team/going');
      expect(await textOf('team/going')).toBe('one');
    });

    it.each([
      ['another name', { Name: 'team/other', ARN: 'arn:aws:secretsmanager:eu-west-1:1:secret:x' }],
      ['another version', { VersionId: randomUUID() }],
      ['no version', { VersionId: undefined }],
      ['no value', { SecretString: undefined }],
      ['an empty value', { SecretString: '' }],
      ['a value of another type', { SecretString: 17 }],
      ['too long a value', { SecretString: 'x'.repeat(65_537) }],
    ])('does not believe an answer with %s', async (_, changes) => {
      const version = server.secrets.store('team/token', { SecretString: 'value' }, randomUUID());
      server.secrets.amend = (answer) => Object.assign(answer, changes);
      expect(await codeFrom(textOf('team/token', null, version))).toBe('SECRET_MANAGER_GARBLED');
    });

    it.each(['', 'a b', 'a?b', 'a\nb', '../ä', 'x'.repeat(1_025)])(
      'asks for nothing under what is no name: %j',
      async (path) => {
        expect(await codeFrom(textOf(path))).toBe('SECRET_MANAGER_MISCONFIGURED');
        expect(await codeFrom(write(path, 'x'))).toBe('SECRET_MANAGER_MISCONFIGURED');
        expect(server.asked).toEqual([]);
      },
    );
  });

  describe('writing', () => {
    it('makes a text where it is one, bytes where it is not', async () => {
      await write('made/text', 'l1\r\n\tl2 ä');
      await write('made/bom', '\ufeffx');
      await write('made/bytes', Buffer.from([0x61, 0xff]));
      await write('made/control', 'a\0b');
      expect(server.secrets.contentOf('made/text')).toEqual({ SecretString: 'l1\r\n\tl2 ä' });
      expect(server.secrets.contentOf('made/bom')).toEqual({ SecretString: '\ufeffx' });
      expect(server.secrets.contentOf('made/bytes')).toEqual({ SecretBinary: 'Yf8=' });
      expect(server.secrets.contentOf('made/control')).toEqual({ SecretBinary: 'YQBi' });
    });

    it('makes one version when the answer to the first attempt was lost', async () => {
      await write('made/lost', 'one');
      server.answersToLose = 1;
      const { version } = await write('made/lost', 'two');
      expect(server.operations).toEqual([
        'PutSecretValue',
        'CreateSecret',
        'PutSecretValue',
        'PutSecretValue',
      ]);
      expect(server.secrets.versionsOf('made/lost')).toHaveLength(2);
      expect(server.secrets.versionsOf('made/lost')[1]).toBe(version);
    });

    it('makes the secret once when the answer to the first attempt was lost', async () => {
      server.answersToLose = 1;
      const { version } = await write('made/once', 'one', true);
      expect(server.operations).toEqual(['CreateSecret', 'CreateSecret']);
      expect(server.secrets.versionsOf('made/once')).toEqual([version]);
    });

    it.each([true, false])('gives no version another value (onlyIfAbsent: %s)', async (onlyIfAbsent) => {
      const options = { onlyIfAbsent, version: randomUUID() };
      const path = `made/twice-${onlyIfAbsent}`;
      expect(await store.write(path, Buffer.from('one'), options)).toEqual({ version: options.version });
      expect(await codeFrom(store.write(path, Buffer.from('two'), options))).toBe('SECRET_STORE_CONFLICT');
      expect(server.secrets.contentOf(path)).toEqual({ SecretString: 'one' });
    });

    it('makes nothing where something is and nothing may be', async () => {
      server.secrets.store('made/first', { SecretString: 'theirs' });
      expect(await codeFrom(write('made/first', 'ours', true))).toBe('SECRET_STORE_CONFLICT');
      expect(server.secrets.contentOf('made/first')).toEqual({ SecretString: 'theirs' });
      await write('made/fresh', 'ours', true);
      expect(server.secrets.contentOf('made/fresh')).toEqual({ SecretString: 'ours' });
      expect(server.operations).toEqual(['CreateSecret', 'CreateSecret']);
    });

    it('adds a version to what somebody else made in the same moment', async () => {
      server.secrets.beforeCreate = () => server.secrets.store('made/race', { SecretString: 'theirs' });
      await write('made/race', 'ours');
      expect(server.operations).toEqual(['PutSecretValue', 'CreateSecret', 'PutSecretValue']);
      expect(server.secrets.versionsOf('made/race')).toHaveLength(2);
      expect(server.secrets.contentOf('made/race')).toEqual({ SecretString: 'ours' });
    });

    it.each([true, false])('leaves alone what is scheduled for deletion (onlyIfAbsent: %s)', async (only) => {
      server.secrets.store('made/going', { SecretString: 'theirs' });
      server.secrets.scheduleDeletion('made/going');
      expect(await codeFrom(write('made/going', 'ours', only))).toBe('SECRET_STORE_CONFLICT');
      server.secrets.restore('made/going');
      expect(server.secrets.contentOf('made/going')).toEqual({ SecretString: 'theirs' });
    });

    it.each([
      ['EncryptionFailure', 400, 'SECRET_KEY_DISABLED'],
      ['LimitExceededException', 400, 'SECRET_MANAGER_THROTTLED'],
      ['InvalidParameterException', 400, 'SECRET_MANAGER_MISCONFIGURED'],
      ['InvalidRequestException', 400, 'SECRET_MANAGER_MISCONFIGURED'],
      ['InternalServiceError', 500, 'SECRET_MANAGER_UNAVAILABLE'],
    ])('takes %s with %i for %s', async (type, status, code) => {
      server.inject = () => new Refusal(status, type, 'correct-horse');
      const failure = await failureFrom(write('made/never', 'x'));
      expect(failure).toMatchObject({ code, data: keeper });
      expect(failure.message).not.toContain('correct-horse');
    });
  });

  describe('its paths', () => {
    const place = { deployment: 'd', scope: 'accounts/acme/orgs/shop', secret: 'git-token' };

    it('are readable, the same for the same place, another for any other', () => {
      expect(store.pathOf(place)).toMatch(/^sallyport\/accounts\/acme\/orgs\/shop\/git-token-[0-9a-f]{32}$/);
      expect(store.pathOf({ ...place })).toBe(store.pathOf(place));
      const places = [
        place,
        { ...place, deployment: 'e' },
        { ...place, scope: 'accounts/acme/orgs', secret: 'shop/git-token' },
        { ...place, secret: 'git token' },
        { ...place, secret: 'git_token' },
        { ...place, secret: 'git\u00e4token' },
        { ...place, scope: `accounts/${'x'.repeat(250)}` },
        { ...place, deployment: 'da', scope: `ccounts/${'x'.repeat(250)}` },
      ];
      expect(new Set(places.map((one) => store.pathOf(one))).size).toBe(places.length);
    });

    it('are names that the store takes, however long the parts are', async () => {
      const long = world.store({ prefix: 'p'.repeat(256) });
      const path = long.pathOf({
        ...place,
        scope: `accounts/${'ä'.repeat(300)}`,
        secret: '\u{1f511} x'.repeat(90),
      });
      await long.write(path, Buffer.from('x'), { onlyIfAbsent: true, version: randomUUID() });
      await long.close();
      expect(server.secrets.names).toContain(path);
    });
  });

  describe('its check', () => {
    it('asks for a version below its prefix that nobody has, even where a secret is', async () => {
      await store.check();
      server.secrets.store('sallyport/sallyport.check', { SecretString: 'value' });
      const before = server.secrets.dump;
      await store.check();
      expect(server.secrets.dump).toBe(before);
      expect(server.asked.map(({ operation, input }) => [operation, input])).toEqual(
        [1, 2].map(() => [
          'GetSecretValue',
          { SecretId: 'sallyport/sallyport.check', VersionId: expect.any(String) },
        ]),
      );
    });

    it('does not believe that somebody has it', async () => {
      server.inject = () => ({ status: 200, body: '{"SecretString":"value"}' });
      expect(await codeFrom(store.check())).toBe('SECRET_MANAGER_GARBLED');
    });

    it('notices that reading is not allowed', async () => {
      server.inject = () => new Refusal(400, 'AccessDeniedException', '');
      expect(await codeFrom(store.check())).toBe('SECRET_MANAGER_DENIED');
    });
  });
});
