// Which data keys a delegate remembers, for how long, and for whom: against the KMS, which notes what it is asked.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type CarriedManager,
  ManagerSettings,
  type SettingsOf,
} from '../../../src/contract/secret-managers.js';
import { EnvelopeManager } from '../../../src/envelope/envelope-manager.js';
import { openKeyFile } from '../../../src/envelope/key-file.js';
import type { SecretManager, StoredSecret } from '../../../src/envelope/secret-manager.js';
import { Failure } from '../../../src/kernel/failure.js';
import { Secret } from '../../../src/kernel/secret.js';
import { AwsKms } from '../../../workers/secret-managers/aws-kms.js';
import { DataKeys, RememberingWrapper } from '../../../workers/secret-managers/data-keys.js';
import { Keyring } from '../../../workers/secret-managers/keyring.js';
import { SecretManagerRegistry } from '../../../workers/secret-managers/registry.js';
import { AwsServer } from '../../support/secret-servers/aws.js';
import { Refusal } from '../../support/secret-servers/aws-accounts.js';
import { GoogleServer } from '../../support/secret-servers/google.js';
import { setupFor as googleSetup, KEY } from '../../support/secret-servers/google-subject.js';
import { VaultServer } from '../../support/secret-servers/vault.js';
import { approle, documentedPolicy, roleId, secretId } from '../../support/secret-servers/vault-subject.js';
import { failureFrom } from '../support/refusals.js';

const SECONDS = 300;
const place = { scope: 'accounts/acme', secret: 'git-token' };

let home: string;
let server: AwsServer;
let arn: string;
let registry: SecretManagerRegistry;
let refuse: (() => Failure) | undefined;
beforeEach(async () => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-data-keys-'));
  server = await AwsServer.open();
  arn = server.keys.create();
  refuse = undefined;
  registry = open(SECONDS);
});
afterEach(async () => {
  vi.useRealTimers();
  await registry.close();
  await server.close();
  fs.rmSync(home, { recursive: true });
});

function open(seconds: number): SecretManagerRegistry {
  return new SecretManagerRegistry({
    deployment: 'test',
    keyring: new Keyring(openKeyFile(path.join(home, 'keyring.json'), { createIfMissing: true }), 'test'),
    deadlineMs: 5_000,
    dataKeyMsMax: seconds * 1_000,
    proxy: undefined,
    environment: {},
    assertAllowed: () => {
      if (refuse !== undefined) throw refuse();
    },
    assertPathAllowed: () => undefined,
  });
}

const base64 = (value: string): string => Buffer.from(value).toString('base64');

function newCredential(): CarriedManager['credential'] {
  const { accessKeyId, secretAccessKey } = server.accounts.issue('user');
  return { kind: 'builtin', value: base64(JSON.stringify({ accessKeyId, secretAccessKey })) };
}

/** The secret manager as tasks bring it. */
function carry(more: Partial<CarriedManager> = {}): CarriedManager {
  const settings = ManagerSettings.parse({
    kind: 'aws-kms',
    region: server.region,
    key: arn,
    endpoint: server.url,
  });
  return {
    scope: 'accounts/acme',
    id: 'team',
    revision: '1',
    settings,
    credential: newCredential(),
    ...more,
  };
}

const put = (carried: CarriedManager) =>
  registry.use(carried, (manager) => manager.put(Buffer.from('value'), place));
const use = async (carried: CarriedManager, stored: StoredSecret, where = place): Promise<string> => {
  const secret = await registry.use(carried, (manager) => manager.open(stored, where));
  const text = secret.use(String);
  secret.wipe();
  return text;
};
const asked = (operation = 'Decrypt'): number => server.operations.filter((one) => one === operation).length;

/** How often the KMS was asked to decrypt during the work. */
async function decryptsOf(work: () => Promise<unknown>): Promise<number> {
  const before = asked();
  await work();
  return asked() - before;
}

async function kept(): Promise<{ carried: CarriedManager; stored: StoredSecret }> {
  const carried = carry();
  return { carried, stored: await put(carried) };
}

describe('a data key that AWS KMS unwrapped', () => {
  it('is used again without asking, for the same secret alone', async () => {
    const { carried, stored } = await kept();
    const other = await put(carried);
    expect(await decryptsOf(() => use(carried, stored))).toBe(1);
    expect(await decryptsOf(() => use(carried, stored))).toBe(0);
    expect(await use(carried, stored)).toBe('value');
    expect(await decryptsOf(() => use(carried, other))).toBe(1);
  });

  it.each([
    ['secret', { ...place, secret: 'other' }],
    ['scope', { ...place, scope: 'accounts/other' }],
  ])('opens nothing for another %s', async (_, elsewhere) => {
    const { carried, stored } = await kept();
    await use(carried, stored);
    const failing = async () =>
      expect((await failureFrom(use(carried, stored, elsewhere))).code).toBe('SECRET_UNREADABLE');
    expect(await decryptsOf(failing)).toBe(1);
  });

  it('opens nothing whose payload was changed', async () => {
    const { carried, stored } = await kept();
    const other = await put(carried);
    await use(carried, stored);
    const moved = { ...stored, payload: (other as { payload: object }).payload } as StoredSecret;
    expect((await failureFrom(use(carried, moved))).code).toBe('SECRET_UNREADABLE');
  });

  it('is used for so long and no longer, however often, though the KMS has disabled its key meanwhile', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { carried, stored } = await kept();
    await use(carried, stored);
    server.keys.set(arn, 'Disabled');
    vi.setSystemTime(Date.now() + SECONDS * 1_000 - 1);
    expect(await use(carried, stored)).toBe('value');
    vi.setSystemTime(Date.now() + 1);
    expect((await failureFrom(use(carried, stored))).code).toBe('SECRET_KEY_DISABLED');
  });

  it('is used a hundred times at most', async () => {
    const { carried, stored } = await kept();
    const many = async (times: number): Promise<void> => {
      for (let n = 0; n < times; n += 1) await use(carried, stored);
    };
    expect(await decryptsOf(() => many(100))).toBe(1);
    expect(await decryptsOf(() => many(1))).toBe(1);
  });

  it('is not remembered where the setting is 0', async () => {
    registry = open(0);
    const { carried, stored } = await kept();
    for (let times = 0; times < 2; times += 1) expect(await decryptsOf(() => use(carried, stored))).toBe(1);
  });

  it('opens nothing that the delegate’s operators do not allow', async () => {
    const { carried, stored } = await kept();
    await use(carried, stored);
    refuse = () => new Failure('DELEGATE_POLICY_REFUSED', { rule: 'secrets.allow', reason: 'it' }) as Failure;
    expect((await failureFrom(use(carried, stored))).code).toBe('DELEGATE_POLICY_REFUSED');
  });
});

describe('the KMS is asked', () => {
  it('whenever something is sealed: whatever is stored, it has opened', async () => {
    const { carried, stored } = await kept();
    await use(carried, stored);
    expect(await decryptsOf(() => put(carried))).toBe(1);
    const rewrap = (manager: SecretManager) => (manager as EnvelopeManager).rewrap(stored, place);
    expect(await decryptsOf(() => registry.use(carried, rewrap))).toBe(2);
    server.keys.plaintext = Buffer.alloc(32, 'another');
    expect((await failureFrom(put(carried))).code).toBe('SECRET_UNREADABLE');
    expect((await failureFrom(registry.use(carried, rewrap))).code).toBe('SECRET_UNREADABLE');
  });

  it('for every wrap: with no data key is ever anything sealed again', async () => {
    const { carried, stored } = await kept();
    await use(carried, stored);
    const before = asked('Encrypt');
    const reencrypt = (manager: SecretManager) =>
      (manager as EnvelopeManager).reencrypt(stored, place, '6ec2cf4c-1f8a-4c30-9a47-1e2ab6ed6cd0');
    const [one, two] = [await registry.use(carried, reencrypt), await registry.use(carried, reencrypt)];
    expect(asked('Encrypt') - before).toBe(2);
    expect(one.wrap).not.toEqual(two.wrap);
  });

  it('when a row was rewrapped in place, by another delegate', async () => {
    const { carried, stored } = await kept();
    await use(carried, stored);
    const other = open(SECONDS);
    const fresh = await other.use(carried, (manager) => (manager as EnvelopeManager).rewrap(stored, place));
    await other.close();
    expect(fresh.version).toBe(stored.version);
    expect(await decryptsOf(() => use(carried, fresh))).toBe(1);
    expect(await decryptsOf(() => use(carried, stored))).toBe(0);
  });

  it('by a try, and then by the next use', async () => {
    const { carried, stored } = await kept();
    await use(carried, stored);
    const attempt = () => registry.use(carried, (manager) => manager.tryOpening(stored, place));
    expect(await decryptsOf(attempt)).toBe(1);
    expect(await attempt()).toEqual({ keyId: arn, storeVersion: null });
    expect(await decryptsOf(() => use(carried, stored))).toBe(1);
    server.keys.set(arn, 'Disabled');
    expect((await failureFrom(attempt())).code).toBe('SECRET_KEY_DISABLED');
    // What the try has found holds for every use after it.
    expect((await failureFrom(use(carried, stored))).code).toBe('SECRET_KEY_DISABLED');
  });

  it('after every refusal of its own', async () => {
    const { carried, stored } = await kept();
    server.inject = () => new Refusal(400, 'AccessDeniedException', '');
    for (let times = 0; times < 2; times += 1)
      expect((await failureFrom(use(carried, stored))).code).toBe('SECRET_MANAGER_DENIED');
    server.inject = () => undefined;
    expect(await use(carried, stored)).toBe('value');
  });

  it.each<[string, (before: CarriedManager) => CarriedManager]>([
    ['an edit of its secret manager', (before) => ({ ...before, revision: '2' })],
    ['another credential', (before) => ({ ...before, credential: newCredential() })],
    ['a secret manager of another name', (before) => ({ ...before, id: 'other' })],
    ['a secret manager of another scope', (before) => ({ ...before, scope: 'accounts/acme/orgs/o' })],
  ])('after %s', async (_, edit) => {
    const { carried, stored } = await kept();
    await use(carried, stored);
    const edited = edit(carried);
    expect(await decryptsOf(() => use(edited, stored))).toBe(1);
    expect(await decryptsOf(() => use(edited, stored))).toBe(0);
  });

  it('for what was opened before an edit that was undone', async () => {
    const { carried, stored } = await kept();
    await use(carried, stored);
    await use({ ...carried, revision: '2' }, stored);
    expect(await decryptsOf(() => use(carried, stored))).toBe(1);
  });

  it('at once after an edit, also by what still works with the secret manager as it was', async () => {
    const { carried, stored } = await kept();
    await use(carried, stored);
    await registry.use(carried, async (manager) => {
      await use({ ...carried, revision: '2' }, stored);
      expect(await decryptsOf(() => manager.open(stored, place))).toBe(1);
    });
  });

  it('once its secret manager was closed, since nothing of it is left then', async () => {
    const { carried, stored } = await kept();
    const keys = new DataKeys(SECONDS * 1_000);
    const openOnce = async (): Promise<void> => {
      const credential = new Secret(Buffer.from((carried.credential as { value: string }).value, 'base64'));
      const settings = carried.settings as SettingsOf<'aws-kms'>;
      const keeper = { manager: 'team', scope: 'accounts/acme' };
      const kms = new AwsKms({ keeper, settings, credential, deadlineMs: 5_000, proxy: undefined });
      const manager = new EnvelopeManager('aws-kms', new RememberingWrapper(kms, keys, 'team 1'), 'test');
      for (let times = 0; times < 2; times += 1) (await manager.open(stored, place)).wipe();
      await manager.close();
      credential.wipe();
    };
    for (let times = 0; times < 2; times += 1) expect(await decryptsOf(openOnce)).toBe(1);
  });

  it('when the delegate may be none any more, also for what it was being asked at that moment', async () => {
    const { carried, stored } = await kept();
    await use(carried, stored);
    registry.forgetDataKeys();
    server.inject = () => {
      registry.forgetDataKeys();
      return undefined;
    };
    expect(await decryptsOf(() => use(carried, stored))).toBe(1);
    server.inject = () => undefined;
    expect(await decryptsOf(() => use(carried, stored))).toBe(1);
    expect(await decryptsOf(() => use(carried, stored))).toBe(0);
  });

  it('by whoever opens the secret managers again after they were closed', async () => {
    const { carried, stored } = await kept();
    await use(carried, stored);
    await registry.close();
    expect(await decryptsOf(() => use(carried, stored))).toBe(1);
  });
});

it('a data key that Google’s KMS unwrapped is remembered as well', async () => {
  const google = await GoogleServer.start();
  google.keys.make(KEY);
  const { settings, credential } = googleSetup(google, { kind: 'gcp-kms' as const, key: KEY });
  const value = credential?.use((bytes) => bytes.toString('base64')) ?? '';
  const carried = carry({
    settings: ManagerSettings.parse(settings),
    credential: { kind: 'builtin', value },
  });
  const stored = await put(carried);
  await use(carried, stored);
  google.keys.setState(KEY, 'DISABLED');
  expect(await use(carried, stored)).toBe('value');
  registry.forgetDataKeys();
  expect((await failureFrom(use(carried, stored))).code).toBe('SECRET_KEY_DISABLED');
  await registry.close();
  await google.close();
});

it('a data key that Vault unwrapped is never remembered', async () => {
  const vault = await VaultServer.start();
  vault.tokens.writePolicy('work', documentedPolicy('transit'));
  vault.allowAppRole(roleId, secretId);
  vault.transit.make('sallyport');
  const settings = ManagerSettings.parse({
    kind: 'vault-transit',
    address: vault.address,
    key: 'sallyport',
    auth: approle,
  });
  const carried = carry({ settings, credential: { kind: 'builtin', value: base64(secretId) } });
  const stored = await put(carried);
  const decrypts = () => vault.seen.filter(({ path: at }) => at.startsWith('transit/decrypt')).length;
  const before = decrypts();
  for (let times = 0; times < 2; times += 1) await use(carried, stored);
  expect(decrypts() - before).toBe(2);
  await registry.close();
  await vault.close();
});
