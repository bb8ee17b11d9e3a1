// How the client of Vault and OpenBao signs in, stays signed in, and leaves; asked through a KV engine.
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { redact } from '../../src/kernel/redact.js';
import { Secret } from '../../src/kernel/secret.js';
import { VaultKv } from '../../workers/secret-managers/vault-kv.js';
import type { VaultSettings } from '../../workers/secret-managers/vault-session.js';
import { VaultServer } from '../support/secret-servers/vault.js';
import { documentedPolicy, roleId, secretId, setupFor } from '../support/secret-servers/vault-subject.js';
import type { TokenTerms } from '../support/secret-servers/vault-tokens.js';
import { failureFrom } from '../unit/support/refusals.js';
import { keeper } from './secret-manager.conformance.js';

const LOGIN = 'auth/approle/login';
const RENEWAL = 'auth/token/renew-self';
const REVOCATION = 'auth/token/revoke-self';
const settings = { kind: 'vault-kv' as const, mount: 'secret', prefix: 'sallyport' };
const text = (value: string): Secret => new Secret(Buffer.from(value));

let server: VaultServer;
let stores: VaultKv[];
let timers: MockInstance<typeof setTimeout>;
beforeEach(async () => {
  server = await VaultServer.start();
  stores = [];
  server.tokens.writePolicy('work', documentedPolicy('secret'));
  server.kv.put('sallyport/db', { user: 'ann' });
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  server.interfere = () => undefined;
  for (const store of stores) await store.close();
  await server.close();
});

function open(
  more: {
    auth?: VaultSettings['auth'];
    credential?: Secret | null;
    deadlineMs?: number;
    namespace?: string;
  } = {},
): VaultKv {
  const { auth, namespace, ...rest } = more;
  const own = { ...settings, ...(auth && { auth }), ...(namespace && { namespace }) };
  const store = new VaultKv(setupFor(server, own, rest));
  stores.push(store);
  return store;
}

const openWithToken = (token: string): VaultKv =>
  open({ auth: { method: 'token' }, credential: text(token) });

async function read(store: VaultKv, signal?: AbortSignal): Promise<string> {
  const { value } = await store.read({ path: 'sallyport/db', field: 'user', version: null }, signal);
  return value.use((bytes) => bytes.toString());
}

/** Both sides’ clocks stand still until they are set forward; the network goes on. */
function holdClocks(): void {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
  timers = vi.spyOn(globalThis, 'setTimeout');
}

/** How long from now each renewal was planned for, so far; whatever else has a timer is due sooner. */
const plannedMs = (): number[] => timers.mock.calls.flatMap(([, ms = 0]) => (ms > 20_000 ? [ms] : []));

/** Waits for what the network is about to bring. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

describe('An AppRole', () => {
  const allow = (terms: Partial<TokenTerms> & { secretIdUses?: number } = {}): void =>
    server.allowAppRole(roleId, secretId, terms);

  it('logs in once for all who ask at once, and for all who ask later', async () => {
    allow();
    const store = open();
    expect(await Promise.all(Array.from({ length: 20 }, () => read(store)))).toEqual(Array(20).fill('ann'));
    await read(store);
    expect(server.count(LOGIN)).toBe(1);
  });

  it('revokes its token when it is closed, and only then', async () => {
    allow();
    const store = open();
    await read(store);
    expect([server.tokens.alive.length, server.count(REVOCATION)]).toEqual([1, 0]);
    await store.close();
    expect([server.tokens.alive.length, server.count(REVOCATION)]).toEqual([0, 1]);
    expect((await failureFrom(read(store))).code).toBe('SECRET_MANAGER_UNAVAILABLE');
  });

  it('is closed in time where revoking is never answered', async () => {
    allow();
    const store = open();
    await read(store);
    server.interfere = () => 'silence';
    holdClocks();
    const closing = store.close();
    await until(() => server.count(REVOCATION) === 1);
    await vi.advanceTimersByTimeAsync(2_000);
    await closing;
    await until(() => server.open === 0);
    expect(server.tokens.alive).toHaveLength(1);
  });

  it('logs in again when less than a minute is left', async () => {
    holdClocks();
    allow({ ttlSeconds: 300, isRenewable: false });
    const store = open();
    await read(store);
    vi.setSystemTime(Date.now() + 240_000);
    await read(store);
    expect(server.count(LOGIN)).toBe(1);
    vi.setSystemTime(Date.now() + 1_000);
    const [first] = server.tokens.alive;
    expect(redact(`x ${first?.text}`)).toBe('x ******');
    await read(store);
    // What is over is no longer looked for in every message.
    expect(redact(`x ${first?.text}`)).toBe(`x ${first?.text}`);
    expect([server.count(LOGIN), server.count(RENEWAL)]).toEqual([2, 0]);
  });

  it('renews its token at two thirds of its life, or a little earlier, without being asked', async () => {
    holdClocks();
    allow({ ttlSeconds: 300 });
    await read(open());
    const [delayMs = 0] = plannedMs();
    expect(delayMs).toBeGreaterThanOrEqual(180_000);
    expect(delayMs).toBeLessThanOrEqual(200_000);
    await vi.advanceTimersByTimeAsync(delayMs - 1);
    expect(server.count(RENEWAL)).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    await until(() => plannedMs().length === 2);
    expect([server.count(RENEWAL), server.count(LOGIN)]).toEqual([1, 1]);
    expect(server.tokens.alive[0]?.expiresAt).toBe(server.now() + 300_000);
  });

  it('lives on renewals far beyond one life', async () => {
    holdClocks();
    allow({ ttlSeconds: 300 });
    const store = open();
    await read(store);
    for (let renewals = 1; renewals <= 10; renewals++) {
      await vi.advanceTimersByTimeAsync(plannedMs().at(-1) ?? 0);
      await until(() => plannedMs().length === renewals + 1);
      expect(await read(store)).toBe('ann');
    }
    expect([server.count(RENEWAL), server.count(LOGIN)]).toEqual([10, 1]);
  });

  it('stops renewing where nothing is gained any more, and logs in again', async () => {
    holdClocks();
    allow({ ttlSeconds: 3_000, maxTtlSeconds: 3_200 });
    const store = open();
    await read(store);
    await vi.advanceTimersByTimeAsync(plannedMs()[0] ?? 0);
    await until(() => plannedMs().length === 2);
    await vi.advanceTimersByTimeAsync(plannedMs()[1] ?? 0);
    await until(() => server.count(RENEWAL) === 2);
    await until(() => vi.getTimerCount() === 0);
    expect(plannedMs()).toHaveLength(2);
    vi.setSystemTime((server.tokens.alive[0]?.lastsUntil ?? 0) - 59_000);
    expect(await read(store)).toBe('ann');
    expect(server.count(LOGIN)).toBe(2);
  });

  it('tries a renewal again that met a sealed Vault', async () => {
    holdClocks();
    allow({ ttlSeconds: 600 });
    const store = open();
    await read(store);
    server.interfere = () => ({ status: 503, body: { errors: ['Vault is sealed'] } });
    await vi.advanceTimersByTimeAsync(plannedMs()[0] ?? 0);
    await until(() => plannedMs().length === 2);
    server.interfere = () => undefined;
    await vi.advanceTimersByTimeAsync(plannedMs()[1] ?? 0);
    await until(() => plannedMs().length === 3);
    expect(await read(store)).toBe('ann');
    expect([server.count(RENEWAL), server.count(LOGIN)]).toEqual([2, 1]);
  });

  it('logs in again for the next call when a renewal was refused', async () => {
    holdClocks();
    allow({ ttlSeconds: 300 });
    const store = open();
    await read(store);
    server.tokens.revokeAll();
    await vi.advanceTimersByTimeAsync(plannedMs()[0] ?? 0);
    await until(() => server.count(RENEWAL) === 1);
    await until(() => vi.getTimerCount() === 0);
    expect(await read(store)).toBe('ann');
    expect([server.count(LOGIN), server.count(/^secret/)]).toEqual([2, 2]);
  });

  it('is not renewed, and not waited for, after it was closed', async () => {
    holdClocks();
    allow({ ttlSeconds: 300 });
    const store = open();
    await read(store);
    expect(vi.getTimerCount()).toBe(1);
    await store.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('with a life of years sets no timer that is due at once', async () => {
    holdClocks();
    allow({ ttlSeconds: 20 * 365 * 86_400 });
    await read(open());
    expect(plannedMs()).toEqual([2 ** 31 - 1]);
  });

  it('whose tokens have no record is neither renewed nor revoked', async () => {
    holdClocks();
    allow({ type: 'batch', ttlSeconds: 300, isRenewable: false });
    const store = open();
    await read(store);
    expect(vi.getTimerCount()).toBe(0);
    await store.close();
    expect(server.count(REVOCATION)).toBe(0);
  });

  it('logs in once more, for all at once, when its token was revoked', async () => {
    allow();
    const store = open();
    await read(store);
    server.tokens.revokeAll();
    expect(await Promise.all(Array.from({ length: 10 }, () => read(store)))).toEqual(Array(10).fill('ann'));
    expect(server.count(LOGIN)).toBe(2);
  });

  it('does not log in again for a refusal that comes after another call has replaced the token', async () => {
    allow();
    const store = open();
    await read(store);
    server.tokens.revokeAll();
    let release: () => void = () => undefined;
    const replaced = new Promise<undefined>((resolve) => {
      release = () => resolve(undefined);
    });
    let held = 0;
    server.interfere = ({ path }) => (path.startsWith('secret/') && held++ === 0 ? replaced : undefined);
    const late = read(store);
    await until(() => held === 1);
    expect(await read(store)).toBe('ann');
    release();
    expect(await late).toBe('ann');
    expect(server.count(LOGIN)).toBe(2);
  });

  it('logs in as often as a token with few uses needs', async () => {
    allow({ uses: 2 });
    const store = open();
    for (let turn = 0; turn < 5; turn++) expect(await read(store)).toBe('ann');
    expect(server.count(LOGIN)).toBe(3);
  });

  it('that is denied with a fresh token does not log in again for that', async () => {
    allow({ policies: [] });
    expect(await failureFrom(read(open()))).toMatchObject({ code: 'SECRET_MANAGER_DENIED', data: keeper });
    expect(server.count(LOGIN)).toBe(1);
  });

  it('that is denied with an older token logs in once per call, and leaves no token behind', async () => {
    allow({ policies: [] });
    const store = open();
    await failureFrom(read(store));
    for (let turn = 0; turn < 3; turn++)
      expect((await failureFrom(read(store))).code).toBe('SECRET_MANAGER_DENIED');
    expect(server.count(LOGIN)).toBe(4);
    await until(() => server.tokens.alive.length === 1);
  });

  it('gets the rights it was given since', async () => {
    allow({ policies: [] });
    const store = open();
    await failureFrom(read(store));
    server.tokens.doors.approle.length = 0;
    allow();
    expect(await read(store)).toBe('ann');
  });

  it.each([
    ['another secret id', () => allow(), text('other')],
    ['a secret id that is used up', () => allow({ secretIdUses: 0 }), text(secretId)],
  ])('is refused with %s', async (_, prepare, credential) => {
    prepare();
    const failure = await failureFrom(read(open({ credential })));
    expect(failure).toMatchObject({ code: 'SECRET_MANAGER_SIGN_IN_REFUSED', data: keeper });
    expect(JSON.stringify(failure.toWire())).not.toContain(secretId);
  });

  it.each([
    ['no credential', null],
    ['an empty one', text('')],
    ['one with a line end in it', text('a\nb')],
    ['one that is no text', new Secret(Buffer.from([0xff, 0xfe]))],
  ])('cannot log in with %s, and does not try', async (_, credential) => {
    expect((await failureFrom(read(open({ credential })))).code).toBe('SECRET_MANAGER_MISCONFIGURED');
    expect(server.seen).toEqual([]);
  });

  it('takes a credential that ends with a line end', async () => {
    allow();
    expect(await read(open({ credential: text(`${secretId}\n`) }))).toBe('ann');
  });

  it.each([
    ['without a token', { lease_duration: 60, renewable: true }],
    [
      'with a token that would end the header',
      { client_token: 'a\r\nb', lease_duration: 60, renewable: true },
    ],
    ['with a life that is no number', { client_token: 'a', lease_duration: '1h', renewable: true }],
  ])('does not believe a login %s', async (_, auth) => {
    server.interfere = () => ({ status: 200, body: { auth } });
    expect((await failureFrom(read(open()))).code).toBe('SECRET_MANAGER_GARBLED');
  });

  it('goes on logging in for the others when one of them gives up', async () => {
    allow();
    const store = open();
    const cancel = new AbortController();
    const hasty = failureFrom(read(store, cancel.signal));
    const patient = read(store);
    cancel.abort();
    expect((await hasty).code).toBe('SECRET_MANAGER_UNAVAILABLE');
    expect(await patient).toBe('ann');
    expect(server.count(LOGIN)).toBe(1);
  });

  it('takes nothing from the environment', async () => {
    vi.stubEnv('VAULT_TOKEN', server.makeToken({ policies: ['root'] }));
    vi.stubEnv('VAULT_ADDR', 'http://127.0.0.1:9');
    vi.stubEnv('VAULT_NAMESPACE', 'other');
    const failure = await failureFrom(read(open())).finally(() => vi.unstubAllEnvs());
    expect(failure.code).toBe('SECRET_MANAGER_SIGN_IN_REFUSED');
  });
});

describe('A token', () => {
  it('is asked about itself, used, and never revoked', async () => {
    const token = server.makeToken();
    const store = openWithToken(token);
    expect(await read(store)).toBe('ann');
    await store.close();
    expect([server.count(/lookup-self$/), server.count(REVOCATION)]).toEqual([1, 0]);
    expect(server.tokens.alive.map((one) => one.text)).toEqual([token]);
  });

  it('is renewed while nobody asks', async () => {
    holdClocks();
    await read(openWithToken(server.makeToken({ ttlSeconds: 300 })));
    await vi.advanceTimersByTimeAsync(plannedMs()[0] ?? 0);
    await until(() => plannedMs().length === 2);
    expect(server.count(RENEWAL)).toBe(1);
  });

  it('that never expires is not renewed', async () => {
    holdClocks();
    await read(openWithToken(server.makeToken({ ttlSeconds: 0, policies: ['root'] })));
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is refused when it is none, and when it ended between two reads', async () => {
    expect((await failureFrom(read(openWithToken('hvs.none')))).code).toBe('SECRET_MANAGER_SIGN_IN_REFUSED');
    const store = openWithToken(server.makeToken());
    await read(store);
    server.advance(3_601);
    expect((await failureFrom(read(store))).code).toBe('SECRET_MANAGER_SIGN_IN_REFUSED');
  });

  it('that is good and not allowed to read is denied', async () => {
    const store = openWithToken(server.makeToken({ policies: [] }));
    for (let turn = 0; turn < 2; turn++)
      expect((await failureFrom(read(store))).code).toBe('SECRET_MANAGER_DENIED');
  });
});

it('A namespace goes with every request, logins included', async () => {
  await server.close();
  server = await VaultServer.start({ namespace: 'team/eu' });
  server.tokens.writePolicy('work', documentedPolicy('secret'));
  server.kv.put('sallyport/db', { user: 'ann' });
  server.allowAppRole(roleId, secretId);
  expect(await read(open({ namespace: 'team/eu' }))).toBe('ann');
  expect((await failureFrom(read(open()))).code).toBe('SECRET_MANAGER_SIGN_IN_REFUSED');
});
