// Opens secret managers by what a task says of them, each once: a second task finds it signed in already. Clients of the big
// providers are loaded when a secret manager needs them.
import { createHash } from 'node:crypto';
import type {
  CarriedManager,
  KmsSettings,
  ManagerSettings,
  SettingsOf,
} from '../../src/contract/secret-managers.js';
import { EnvelopeManager } from '../../src/envelope/envelope-manager.js';
import type { KeyWrapper } from '../../src/envelope/key-wrapper.js';
import type { SecretManager } from '../../src/envelope/secret-manager.js';
import { Secret } from '../../src/kernel/secret.js';
import { DataKeys, RememberingWrapper } from './data-keys.js';
import type { Keyring } from './keyring.js';
import type { ProviderSetup } from './provider.js';
import type { SecretStore } from './secret-store.js';
import { StoreManager } from './store-manager.js';

/** Secret managers that are kept open, the one used last at the end. */
const OPEN_MAX = 64;

export interface RegistryOptions {
  deployment: string;
  keyring: Keyring;
  /** For one call of a secret manager. */
  deadlineMs: number;
  /** How long the data keys of a KMS are remembered. */
  dataKeyMsMax: number;
  proxy: ProviderSetup<ManagerSettings>['proxy'];
  /** Where ambient identities are named. */
  environment: Readonly<Record<string, string | undefined>>;
  /** Both throw for what this delegate's operators do not allow. */
  assertAllowed: (carried: CarriedManager) => void;
  assertPathAllowed: (settings: ManagerSettings, path: string) => void;
}

type Outside = Exclude<ManagerSettings['kind'], 'keyring'>;
type Provider = { keys: KeyWrapper } | { store: SecretStore };
type Open<K extends Outside, P = Provider> = (setup: ProviderSetup<SettingsOf<K>>) => Promise<P>;
type Kms = KmsSettings['kind'];

const wrappers: { [K in Kms]: Open<K, { keys: KeyWrapper }> } = {
  'aws-kms': async (setup) => ({ keys: new (await import('./aws-kms.js')).AwsKms(setup) }),
  'gcp-kms': async (setup) => ({ keys: new (await import('./gcp-kms.js')).GcpKms(setup) }),
  'vault-transit': async (setup) => ({ keys: new (await import('./vault-transit.js')).VaultTransit(setup) }),
};

const providers: { [K in Outside]: Open<K> } = {
  ...wrappers,
  'vault-kv': async (setup) => ({ store: new (await import('./vault-kv.js')).VaultKv(setup) }),
  'aws-secrets-manager': async (setup) => ({
    store: new (await import('./aws-secrets-manager.js')).AwsSecretsManager(setup),
  }),
  'gcp-secret-manager': async (setup) => ({
    store: new (await import('./gcp-secret-manager.js')).GcpSecretManager(setup),
  }),
  'azure-key-vault': async (setup) => ({
    store: new (await import('./azure-key-vault.js')).AzureKeyVault(setup),
  }),
};

/** A KMS that no task carries, but this delegate's operators name. @throws SECRET_MANAGER_MISCONFIGURED */
export async function openKms(setup: ProviderSetup<KmsSettings>): Promise<KeyWrapper> {
  const open = wrappers[setup.settings.kind] as Open<Kms, { keys: KeyWrapper }>;
  return (await open(setup)).keys;
}

/** Those that are far away and counted by the call; Vault is asked every time. */
const remembered: ReadonlySet<ManagerSettings['kind']> = new Set(['aws-kms', 'gcp-kms']);

interface Opened {
  manager: Promise<SecretManager>;
  credential: Secret | null;
  users: number;
  /** Was edited since: it goes as soon as nobody uses it. */
  isStale: boolean;
}

export class SecretManagerRegistry {
  readonly #options: RegistryOptions;
  readonly #opened = new Map<string, Opened>();
  readonly #farewells = new Set<Promise<void>>();
  readonly #dataKeys: DataKeys;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#dataKeys = new DataKeys(options.dataKeyMsMax);
  }

  /**
   * Lends the secret manager for one piece of work.
   * @throws DELEGATE_POLICY_REFUSED, and what the secret manager throws
   */
  async use<T>(carried: CarriedManager, work: (manager: SecretManager) => Promise<T>): Promise<T> {
    const { settings } = carried;
    this.#options.assertAllowed(carried);
    if (settings.kind === 'keyring') return work(this.#options.keyring);
    const key = keyOf(carried);
    const known = this.#opened.get(key);
    if (known === undefined) this.#outdate(carried);
    const opened = known ?? this.#open(carried, settings);
    this.#opened.delete(key);
    this.#opened.set(key, opened);
    opened.users += 1;
    try {
      return await work(await opened.manager);
    } finally {
      opened.users -= 1;
      // The work is done: it does not wait for the farewell of another secret manager.
      this.#shrink(OPEN_MAX);
    }
  }

  /** Where it is not sure any more that this delegate is one. */
  forgetDataKeys(): void {
    this.#dataKeys.forgetAll();
  }

  /** Once nobody uses them any more. */
  async close(): Promise<void> {
    this.forgetDataKeys();
    this.#shrink(0);
    await Promise.all(this.#farewells);
  }

  #open(task: CarriedManager, settings: SettingsOf<Outside>): Opened {
    const { scope, id, credential: carried } = task;
    const credential = carried.kind === 'ambient' ? null : new Secret(Buffer.from(carried.value, 'base64'));
    const { deployment, deadlineMs, proxy, environment, assertPathAllowed } = this.#options;
    const setup = { keeper: { manager: id, scope }, settings, credential, deadlineMs, proxy, environment };
    // Each provider gets the settings of its own kind, which no type can say of a table that is looked up.
    const open = providers[settings.kind] as Open<Outside>;
    const manager = open(setup).then((provider) =>
      'keys' in provider
        ? new EnvelopeManager(settings.kind, this.#remembering(provider.keys, task), deployment)
        : new StoreManager(settings.kind, provider.store, deployment, (path) =>
            assertPathAllowed(settings, path),
          ),
    );
    const opened = { manager, credential, users: 0, isStale: false };
    // The next task tries anew.
    manager.catch(() => Object.assign(opened, { isStale: true }));
    return opened;
  }

  #remembering(keys: KeyWrapper, task: CarriedManager): KeyWrapper {
    return remembered.has(task.settings.kind)
      ? new RememberingWrapper(keys, this.#dataKeys, keyOf(task))
      : keys;
  }

  /** What is open of the same secret manager is of an older edit. */
  #outdate({ scope, id }: CarriedManager): void {
    this.#dataKeys.forgetOf(`${scope} ${id} `);
    for (const [key, opened] of this.#opened) if (key.startsWith(`${scope} ${id} `)) opened.isStale = true;
  }

  /** Closes the outdated, and the ones that were not used for longest until this many are left. */
  #shrink(left: number): void {
    const idle = [...this.#opened].filter(([, { users }]) => users === 0);
    const excess = Math.max(0, this.#opened.size - left);
    const over = idle.filter(([, { isStale }], index) => isStale || index < excess);
    for (const [key, opened] of over) {
      this.#opened.delete(key);
      const farewell = close(opened).finally(() => this.#farewells.delete(farewell));
      this.#farewells.add(farewell);
    }
  }
}

async function close({ manager, credential }: Opened): Promise<void> {
  try {
    await (await manager).close();
  } catch {
    // It never was open, or is closed as far as it can be.
  } finally {
    credential?.wipe();
  }
}

/** Another one after every edit, also of the credential’s value. */
function keyOf({ scope, id, revision, credential }: CarriedManager): string {
  const value = credential.kind === 'builtin' ? credential.value : '';
  const hash = createHash('sha256').update(value).digest('base64url');
  return `${scope} ${id} ${revision} ${hash}`;
}
