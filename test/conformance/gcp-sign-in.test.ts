// Whom Google sees: service accounts, the metadata server, and nobody else.
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { redact } from '../../src/kernel/redact.js';
import { Secret } from '../../src/kernel/secret.js';
import { GcpSecretManager } from '../../workers/secret-managers/gcp-secret-manager.js';
import { ConnectProxy } from '../support/connect-proxy.js';
import { GoogleServer } from '../support/secret-servers/google.js';
import { Refusal } from '../support/secret-servers/google-refusal.js';
import { PROJECT } from '../support/secret-servers/google-secrets.js';
import { credentialOf, KEY, setupFor } from '../support/secret-servers/google-subject.js';
import { failureFrom, failureOf } from '../unit/support/refusals.js';
import { keeper } from './secret-manager.conformance.js';

let server: GoogleServer;
const stores: GcpSecretManager[] = [];
beforeAll(async () => {
  server = await GoogleServer.start();
  server.secrets.put('db', Buffer.from('value'));
  server.keys.make(KEY);
});
beforeEach(() => {
  server.interfere = () => undefined;
  server.accounts.fault = undefined;
  server.accounts.livesSeconds = 3_600;
  server.accounts.given.length = 0;
});
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});
afterAll(() => server?.close());

const settings = { kind: 'gcp-secret-manager' as const, project: PROJECT, prefix: 'sallyport' };

function open(credential: Secret | null, more: { metadata?: string; deadlineMs?: number } = {}) {
  const { metadata = server.accounts.url, ...rest } = more;
  const store = new GcpSecretManager(setupFor(server, settings, { credential, ...rest }), { metadata });
  stores.push(store);
  return store;
}

const account = (changed: Record<string, unknown> = {}): Secret =>
  credentialOf({ ...server.accounts.sharedKey, ...changed });

async function read(store: GcpSecretManager, signal?: AbortSignal): Promise<string> {
  const { value } = await store.read({ path: 'db', field: null, version: null }, signal);
  return value.use((bytes) => bytes.toString());
}

describe('A token', () => {
  it.each([
    ['a service account', () => account(), 'sallyport@acme.iam.gserviceaccount.com'],
    ['the delegate’s own identity', () => null, 'attached@acme.iam.gserviceaccount.com'],
  ])('is asked for once for many questions, by %s', async (_, credential, who) => {
    const store = open(credential());
    await Promise.all([read(store), read(store), read(store)]);
    await read(store);
    expect(server.accounts.given).toEqual([who]);
    expect(new Set(server.seen.slice(-4).map(({ by }) => by))).toEqual(new Set([who]));
  });

  it('is replaced once when it is refused, for everybody who waits', async () => {
    const store = open(account());
    await read(store);
    server.accounts.expireTokens();
    expect(await Promise.all([read(store), read(store), read(store)])).toEqual(['value', 'value', 'value']);
    expect(server.accounts.given).toHaveLength(2);
  });

  it('that is refused again is not replaced again', async () => {
    server.interfere = () => new Refusal(16, 'no');
    const failure = await failureFrom(read(open(account())));
    expect(failure).toMatchObject({ code: 'SECRET_MANAGER_SIGN_IN_REFUSED', data: keeper });
    expect(server.accounts.given).toHaveLength(2);
  });

  it.each([
    [59, 2],
    [120, 1],
  ])('that lives for %i more seconds is asked for %i times by two questions', async (livesSeconds, times) => {
    server.accounts.livesSeconds = livesSeconds;
    const store = open(account());
    await read(store);
    await read(store);
    expect(server.accounts.given).toHaveLength(times);
  });

  it('is struck out of messages until the end', async () => {
    const tokens: string[] = [];
    const ownerOf = server.accounts.ownerOf.bind(server.accounts);
    server.accounts.ownerOf = (token) => {
      tokens.push(token);
      return ownerOf(token);
    };
    const store = open(account());
    await read(store);
    server.accounts.ownerOf = ownerOf;
    const [token = ''] = tokens;
    expect(redact(`Token ${token}`)).not.toContain(token);
    await store.close();
    expect(redact(`Token ${token}`)).toContain(token);
  });

  it.each([
    [{ status: 400, text: '{"error":"invalid_grant"}' }, 'SECRET_MANAGER_SIGN_IN_REFUSED'],
    [{ status: 401, text: '{"error":"invalid_client"}' }, 'SECRET_MANAGER_SIGN_IN_REFUSED'],
    [{ status: 404, text: '' }, 'SECRET_MANAGER_SIGN_IN_REFUSED'],
    [{ status: 429, text: '' }, 'SECRET_MANAGER_THROTTLED'],
    [{ status: 503, text: '' }, 'SECRET_MANAGER_UNAVAILABLE'],
    [{ status: 302, text: '' }, 'SECRET_MANAGER_GARBLED'],
    [{ status: 200, text: 'It works!' }, 'SECRET_MANAGER_GARBLED'],
    [
      { status: 200, text: '{"access_token":"a\\nb","expires_in":1,"token_type":"Bearer"}' },
      'SECRET_MANAGER_GARBLED',
    ],
    [{ status: 200, text: '{"id_token":"a"}' }, 'SECRET_MANAGER_GARBLED'],
    [{ status: 200, text: 'a'.repeat(70_000) }, 'SECRET_MANAGER_UNAVAILABLE'],
    ['hang-up', 'SECRET_MANAGER_UNAVAILABLE'],
    ['silence', 'SECRET_MANAGER_UNAVAILABLE'],
  ] as const)('is not had where the answer is %j', async (fault, code) => {
    server.accounts.fault = fault;
    const asked = server.seen.length;
    const failure = await failureFrom(read(open(account(), { deadlineMs: 3_000 })));
    expect(failure).toMatchObject({ code, data: keeper });
    expect(server.seen.length).toBe(asked);
  });

  it('is not waited for by a call that was cancelled, and is there for the next', async () => {
    server.accounts.fault = 'silence';
    const store = open(account(), { deadlineMs: 4_000 });
    const cancel = new AbortController();
    const { asked } = server.accounts;
    const reading = failureFrom(read(store, cancel.signal));
    await vi.waitFor(() => expect(server.accounts.asked).toBe(asked + 1), 30_000);
    cancel.abort();
    expect((await reading).message).toContain('it was cancelled');
    server.accounts.fault = undefined;
    // The question that was begun for the one before has its own end.
    await failureFrom(read(store));
    expect(await read(store)).toBe('value');
  });
});

describe('A service account', () => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  });
  const short = generateKeyPairSync('rsa', { modulusLength: 1_024 }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  });

  it.each([
    ['no JSON', () => new Secret(Buffer.from('correct-horse'))],
    ['a login of a developer', () => account({ type: 'authorized_user', refresh_token: 'correct-horse' })],
    [
      'an account elsewhere, whose token a program or a URL gives',
      () =>
        account({
          type: 'external_account',
          credential_source: { executable: { command: '/bin/correct-horse' } },
        }),
    ],
    ['an impersonated one', () => account({ type: 'impersonated_service_account' })],
    ['without a key', () => account({ private_key: undefined })],
    ['with a key that is none', () => account({ private_key: 'correct-horse' })],
    ['with a key of another kind', () => account({ private_key: ec })],
    ['with a key that is too short', () => account({ private_key: short })],
    ['with an address that is none', () => account({ client_email: 'correct horse' })],
  ])('is not %s', (_, credential) => {
    const failure = failureOf(() => open(credential()));
    expect(failure).toMatchObject({ code: 'SECRET_MANAGER_MISCONFIGURED', data: keeper });
    expect(JSON.stringify(failure.toWire())).not.toMatch(/correct.horse|BEGIN/);
  });

  it('is asked for its token where the settings say, whatever its file says', async () => {
    const elsewhere = { token_uri: 'http://127.0.0.1:1/token', universe_domain: 'universe.invalid' };
    expect(await read(open(account(elsewhere)))).toBe('value');
  });

  it('is refused with a key that is not known any more', async () => {
    const removed = server.accounts.makeKey('removed@acme.iam.gserviceaccount.com');
    const failure = await failureFrom(
      read(open(credentialOf({ ...removed, private_key_id: server.accounts.sharedKey.private_key_id }))),
    );
    expect(failure.code).toBe('SECRET_MANAGER_SIGN_IN_REFUSED');
  });
});

describe('The delegate’s own identity', () => {
  it('is refused where the machine has none', async () => {
    const { attached } = server.accounts;
    server.accounts.attached = null;
    const failure = await failureFrom(read(open(null)));
    server.accounts.attached = attached;
    expect(failure.code).toBe('SECRET_MANAGER_SIGN_IN_REFUSED');
  });

  it('is not had where nobody has metadata', async () => {
    const failure = await failureFrom(read(open(null, { metadata: 'http://127.0.0.1:1' })));
    expect(failure.code).toBe('SECRET_MANAGER_UNAVAILABLE');
  });

  it('is not taken from what does not say that it is the metadata server', async () => {
    const token = { access_token: 'abcdef', expires_in: 3_600, token_type: 'Bearer' };
    server.accounts.fault = { status: 200, text: JSON.stringify(token) };
    expect((await failureFrom(read(open(null)))).code).toBe('SECRET_MANAGER_GARBLED');
  });
});

describe('In bad company', () => {
  const run = promisify(execFile);
  let home: string;
  let proxy: ConnectProxy;
  let environment: Record<string, string>;
  beforeAll(async () => {
    home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-home-'));
    proxy = await ConnectProxy.open({ refuseWith: 403 });
    const login = {
      type: 'authorized_user',
      client_id: '1',
      client_secret: 's',
      refresh_token: 'r',
      token_uri: `${server.accounts.url}/login`,
      // Whoever so much as looks at it fails.
      universe_domain: 'universe.invalid',
    };
    const write = (name: string, content: object): string => {
      const file = path.join(home, name);
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, JSON.stringify(content));
      return file;
    };
    const file = write('.config/gcloud/application_default_credentials.json', login);
    write('.secureConnect/context_aware_metadata.json', {
      cert_provider_command: ['touch', path.join(home, 'was-run')],
    });
    environment = {
      PATH: process.env.PATH ?? '',
      HOME: home,
      GOOGLE_APPLICATION_CREDENTIALS: file,
      CLOUDSDK_CONFIG: path.dirname(file),
      GCE_METADATA_HOST: new URL(server.accounts.url).host,
      GCE_METADATA_IP: new URL(server.accounts.url).host,
      GOOGLE_CLOUD_PROJECT: 'other',
      GOOGLE_CLOUD_UNIVERSE_DOMAIN: 'universe.invalid',
      GOOGLE_API_USE_CLIENT_CERTIFICATE: 'true',
      GOOGLE_API_USE_MTLS_ENDPOINT: 'always',
      GOOGLE_SDK_NODE_LOGGING: '*',
      GRPC_TRACE: 'all',
      GRPC_VERBOSITY: 'DEBUG',
      grpc_proxy: proxy.url,
      https_proxy: proxy.url,
      http_proxy: proxy.url,
    };
  });
  afterAll(async () => {
    await proxy?.close();
    fs.rmSync(home, { recursive: true, force: true });
  });

  async function readThere(credential: object | null, metadata?: string) {
    const full = { ...settings, endpoint: server.url, tokenEndpoint: server.accounts.url };
    const surroundings = metadata === undefined ? {} : { metadata };
    const asked = run(process.execPath, ['test/support/google-in-bad-company.mjs'], {
      env: environment,
      timeout: 120_000,
    });
    asked.child.stdin?.end(JSON.stringify({ settings: full, key: KEY, credential, surroundings }));
    return await asked;
  }

  it.each([
    ['a service account', () => readThere(server.accounts.sharedKey), 'value'],
    ['the delegate’s own identity', () => readThere(null, server.accounts.url), 'value'],
    [
      'an identity that the machine does not have',
      () => readThere(null, 'http://127.0.0.1:1'),
      'SECRET_MANAGER_UNAVAILABLE',
    ],
  ])('%s is used and nothing else, in silence, and the process ends', async (_, there, printed) => {
    expect(await there()).toEqual({ stdout: printed, stderr: '' });
    expect(fs.existsSync(path.join(home, 'was-run'))).toBe(false);
    expect([...proxy.lines, ...proxy.addresses]).toEqual([]);
    expect(server.accounts.violations).toEqual([]);
  });
});
