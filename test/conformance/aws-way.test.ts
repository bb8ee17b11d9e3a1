// The way to AWS: what a developer left behind matters nothing to it; authorities, proxies, deadlines and connections.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { AwsKms } from '../../workers/secret-managers/aws-kms.js';
import { AwsSecretsManager } from '../../workers/secret-managers/aws-secrets-manager.js';
import { type Certificates, makeCertificates } from '../support/certificates.js';
import { ConnectProxy } from '../support/connect-proxy.js';
import { AwsServer } from '../support/secret-servers/aws.js';
import { AwsWorld, allWays, keeper, seenAs } from '../support/secret-servers/aws-world.js';
import { failureFrom } from '../unit/support/refusals.js';

let world: AwsWorld;
beforeEach(async () => {
  world = await AwsWorld.open();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await world.close();
});

describe('what a developer left behind', () => {
  /** Keys and addresses of somebody else, in every place where the SDK would look. */
  function poison(trap: string): void {
    const home = fs.mkdtempSync(path.join(world.folder, 'home-'));
    const lines = [
      'region = us-east-1',
      'aws_access_key_id = AKIAPOISONPOISON0000',
      'aws_secret_access_key = poison',
      `endpoint_url = ${trap}`,
      `ec2_metadata_service_endpoint = ${trap}`,
      'credential_process = /bin/false',
      'use_fips_endpoint = true',
      'use_dualstack_endpoint = true',
      'max_attempts = 9',
    ].join('\n');
    fs.mkdirSync(path.join(home, '.aws'));
    for (const [name, head] of [
      ['config', '[default]\n'],
      ['credentials', '[default]\n'],
    ] as const)
      fs.writeFileSync(path.join(home, '.aws', name), `${head}${lines}\n[profile poison]\n${lines}\n`);
    for (const [name, value] of Object.entries({
      HOME: home,
      AWS_PROFILE: 'poison',
      AWS_ACCESS_KEY_ID: 'AKIAPOISONPOISON0000',
      AWS_SECRET_ACCESS_KEY: 'poison',
      AWS_SESSION_TOKEN: 'poison',
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_ENDPOINT_URL: trap,
      AWS_ENDPOINT_URL_KMS: trap,
      AWS_ENDPOINT_URL_STS: trap,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: trap,
      AWS_USE_FIPS_ENDPOINT: 'true',
      AWS_USE_DUALSTACK_ENDPOINT: 'true',
      AWS_STS_REGIONAL_ENDPOINTS: 'legacy',
      HTTP_PROXY: trap,
      HTTPS_PROXY: trap,
    }))
      vi.stubEnv(name, value);
  }

  it.each(allWays)('matters nothing to who the %s is, with and without a role', async (way) => {
    const trap = await AwsServer.open();
    const seen: string[] = [];
    trap.inject = (operation) => {
      seen.push(operation);
      return 'cut';
    };
    poison(trap.url);
    const role = world.server.sts.role('kms', { trusts: new Set([seenAs[way]]) });
    await world.kms(world.ways[way]()).check();
    expect(world.principals.at(-1)).toBe(seenAs[way]);
    await world.kms(world.ways[way](), { role: { arn: role.arn } }).check();
    expect(world.principals.at(-1)).toBe(role.arn);
    expect([seen, trap.connections]).toEqual([[], 0]);
    await trap.close();
  });

  it('gives no identity where none is offered', async () => {
    poison('http://127.0.0.1:1');
    const none = {
      ...world.ways.machine(),
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_ACCESS_KEY_ID: 'AKIAPOISONPOISON0000',
    };
    expect((await failureFrom(world.kms(none).check())).code).toBe('SECRET_MANAGER_SIGN_IN_REFUSED');
    expect(world.server.asked).toEqual([]);
  });

  it('changes no address where none is set: those of the region are asked for', async () => {
    const proxy = await ConnectProxy.open({ refuseWith: 403 });
    poison('http://127.0.0.1:1');
    const credential = world.keyOf('user');
    const role = { arn: 'arn:aws:iam::111122223333:role/x' };
    const setup = { keeper, credential, deadlineMs: 8_000, proxy: { url: proxy.url, bypass: [] } };
    const settings = { region: 'eu-west-1', key: world.arn };
    const managers = [
      new AwsKms({ ...setup, settings: { kind: 'aws-kms', ...settings } }),
      new AwsKms({ ...setup, settings: { kind: 'aws-kms', ...settings, role } }),
      new AwsSecretsManager({
        ...setup,
        settings: { kind: 'aws-secrets-manager', region: 'cn-north-1', prefix: 'sallyport' },
      }),
    ];
    for (const manager of managers) {
      expect((await failureFrom(manager.check())).code).toBe('SECRET_MANAGER_UNAVAILABLE');
      await manager.close();
    }
    expect([...new Set(proxy.lines)]).toEqual([
      'kms.eu-west-1.amazonaws.com:443',
      'sts.eu-west-1.amazonaws.com:443',
      'secretsmanager.cn-north-1.amazonaws.com.cn:443',
    ]);
    credential.wipe();
    await proxy.close();
  });

  it('is not even read', async () => {
    const home = fs.mkdtempSync(path.join(world.folder, 'home-'));
    fs.mkdirSync(path.join(home, '.aws'));
    // Whoever opens one of these waits for ever.
    for (const name of ['config', 'credentials']) execFileSync('mkfifo', [path.join(home, '.aws', name)]);
    vi.stubEnv('HOME', home);
    for (const way of allWays) await world.kms(world.ways[way]()).check();
    const credential = world.keyOf('user');
    await world.kms({}, {}, { credential }).check();
    credential.wipe();
    expect(world.principals).toHaveLength(5);
  });
});

describe('the way there', () => {
  let certificates: Certificates;
  let secure: AwsServer;
  beforeAll(() => {
    certificates = makeCertificates();
  });
  beforeEach(async () => {
    const { keyFile, certificateFile } = certificates.server;
    const tls = { key: fs.readFileSync(keyFile, 'utf8'), cert: fs.readFileSync(certificateFile, 'utf8') };
    secure = await AwsServer.open({ accounts: world.server.accounts, tls });
    world.arn = secure.keys.create();
  });
  afterEach(() => secure.close());
  afterAll(() => certificates.remove());

  const authority = (): { ca: string } => ({ ca: fs.readFileSync(certificates.authorityFile, 'utf8') });

  it('is secured by the authority that is set, for the service and for the exchange of tokens', async () => {
    const role = secure.sts.role('pod', { tokens: new Set(['token-1']) });
    const environment = { AWS_WEB_IDENTITY_TOKEN_FILE: world.file('token-1'), AWS_ROLE_ARN: role.arn };
    const addresses = { endpoint: secure.url, stsEndpoint: secure.url };
    await world.kms(environment, { ...addresses, ...authority() }).check();
    expect(secure.operations).toEqual(['AssumeRoleWithWebIdentity', 'Encrypt', 'Decrypt']);
    const failure = await failureFrom(world.kms(environment, addresses).check());
    expect(failure.code).toBe('SECRET_MANAGER_MISCONFIGURED');
    expect(secure.operations).toHaveLength(3);
  });

  it.each([
    ['without the authority', () => ({})],
    [
      'with another authority',
      () => ({ ca: fs.readFileSync(certificates.selfSigned.certificateFile, 'utf8') }),
    ],
  ])('is not believed %s, whatever the environment says', async (_, trust) => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const proxy = await ConnectProxy.open();
    for (const way of [undefined, { url: proxy.url, bypass: [] }]) {
      const settings = { endpoint: secure.url, ...trust() };
      const kms = world.kms(world.ways.machine(), settings, { proxy: way });
      const failure = await failureFrom(kms.check());
      expect(failure).toMatchObject({ code: 'SECRET_MANAGER_MISCONFIGURED', data: keeper });
      expect(failure.message).toContain('not to be trusted');
    }
    expect(secure.asked).toEqual([]);
    await proxy.close();
  });

  it('shows a proxy that is not to be trusted neither its password nor where it goes', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const { keyFile, certificateFile } = certificates.selfSigned;
    const tls = { key: fs.readFileSync(keyFile, 'utf8'), cert: fs.readFileSync(certificateFile, 'utf8') };
    const proxy = await ConnectProxy.open({ tls });
    const settings = { endpoint: secure.url, ...authority() };
    const kms = world.kms(world.ways.machine(), settings, { proxy: { url: proxy.url, bypass: [] } });
    expect((await failureFrom(kms.check())).code).toBe('SECRET_MANAGER_MISCONFIGURED');
    expect(proxy.lines).toEqual([]);
    await proxy.close();
  });

  it.each([
    ['one', () => ''],
    ['one of several', () => authority().ca],
  ])('is not asked where %s of the authorities is no certificate', async (_, before) => {
    const ca = `${before()}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`;
    const failure = await failureFrom(
      (async () => world.kms(world.ways.machine(), { endpoint: secure.url, ca }).check())(),
    );
    expect(failure).toMatchObject({
      code: 'SECRET_MANAGER_MISCONFIGURED',
      data: { ...keeper, reason: 'the authorities of the settings are no certificates' },
    });
    expect(secure.asked).toEqual([]);
  });

  it.each(['http', 'https'])('goes through the proxy with its password, over %s', async (scheme) => {
    const proxy = await ConnectProxy.open({ credential: 'user:p%w' });
    const target = scheme === 'https' ? secure : world.server;
    world.arn = target.keys.create();
    const url = proxy.url.replace('://', '://user:p%25w@');
    const settings = { endpoint: target.url, ...authority() };
    const kms = world.kms(world.ways.machine(), settings, { proxy: { url, bypass: [] } });
    await kms.check();
    expect(proxy.lines).toEqual([`127.0.0.1:${target.port}`]);
    expect(proxy.addresses).toEqual([]);
    await proxy.close();
  });

  it('goes past the proxy to where it is not needed', async () => {
    const proxy = await ConnectProxy.open({ refuseWith: 403 });
    const settings = { endpoint: secure.url, ...authority() };
    const bypass = ['127.0.0.0/8'];
    await world.kms(world.ways.machine(), settings, { proxy: { url: proxy.url, bypass } }).check();
    expect(proxy.lines).toEqual([]);
    await proxy.close();
  });

  it('lets go of a line that the proxy has not opened yet', async () => {
    const sockets = new Set<net.Socket>();
    const silent = net.createServer((socket) => {
      sockets.add(socket);
      socket
        .resume()
        .on('close', () => sockets.delete(socket))
        .on('error', () => undefined);
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(silent.address() as net.AddressInfo).port}`;
    const kms = world.kms(world.ways.machine(), {}, { proxy: { url, bypass: [] } });
    const cancel = new AbortController();
    const checking = failureFrom(kms.check(cancel.signal));
    await vi.waitFor(() => expect(sockets.size).toBe(1), 30_000);
    cancel.abort();
    expect((await checking).code).toBe('SECRET_MANAGER_UNAVAILABLE');
    await kms.close();
    await vi.waitFor(() => expect(sockets.size).toBe(0), 30_000);
    await new Promise((resolve) => silent.close(resolve));
  });

  it('ends with the deadline or the caller, wherever it is, and leaves no connection open', async () => {
    world.server.inject = () => 'silent';
    world.metadata.instead = 'silent';
    for (const environment of [world.ways.machine(), world.ways['web identity']()]) {
      const kms = world.kms(environment, { endpoint: world.server.url }, { deadlineMs: 500 });
      expect(await failureFrom(kms.check())).toMatchObject({
        code: 'SECRET_MANAGER_UNAVAILABLE',
        data: { reason: expect.stringContaining('no answer in time') },
      });
      const cancelled = AbortSignal.abort();
      expect(await failureFrom(kms.check(cancelled))).toMatchObject({ data: { reason: 'it was cancelled' } });
      await kms.close();
    }
    await vi.waitFor(() => expect(world.server.connections).toBe(0), 30_000);
  });

  it('uses one connection for calls one after another, and closes it', async () => {
    const credential = world.keyOf('user');
    const kms = world.kms({}, { endpoint: secure.url, ...authority() }, { credential });
    for (let turn = 0; turn < 3; turn++) await kms.check();
    expect(secure.connections).toBe(1);
    await kms.close();
    await vi.waitFor(() => expect(secure.connections).toBe(0), 30_000);
    credential.wipe();
  });
});
