// What the suites ask of Azure: a server with certificates of its own, the faults by name, and setups of our store.
import fs from 'node:fs';
import { Secret } from '../../../src/kernel/secret.js';
import { AzureKeyVault } from '../../../workers/secret-managers/azure-key-vault.js';
import { type Fault, keeper } from '../../conformance/secret-manager.conformance.js';
import { type Certificates, makeCertificates } from '../certificates.js';
import { AzureServer, type Interference } from './azure.js';
import { client, refuseSignIn, tenant } from './azure-entra.js';
import { refuse } from './azure-vault.js';

type Setup = ConstructorParameters<typeof AzureKeyVault>[0];

/** Whatever the store is to be made with instead of what works. */
export interface Otherwise extends Partial<Omit<Setup, 'settings' | 'credential'>> {
  settings?: Partial<Setup['settings']>;
  /** Null: the delegate itself. */
  credential?: string | null;
}

export class AzureWorld {
  readonly #certificates: Certificates;
  readonly #stores: AzureKeyVault[] = [];

  private constructor(
    certificates: Certificates,
    readonly server: AzureServer,
  ) {
    this.#certificates = certificates;
  }

  static async start(): Promise<AzureWorld> {
    const certificates = makeCertificates();
    const { certificateFile, keyFile } = certificates.server;
    const pair = { cert: fs.readFileSync(certificateFile), key: fs.readFileSync(keyFile) };
    return new AzureWorld(certificates, await AzureServer.start(pair));
  }

  get ca(): string {
    return fs.readFileSync(this.#certificates.authorityFile, 'utf8');
  }

  open({ settings, credential, ...more }: Otherwise = {}): AzureKeyVault {
    const text = credential === undefined ? this.server.entra.clientSecret : credential;
    const { vaultUrl: vault, authority } = this.server;
    const ids = text === null ? {} : { tenant, client };
    const store = new AzureKeyVault({
      keeper,
      settings: {
        kind: 'azure-key-vault',
        vault,
        authority,
        prefix: 'sallyport',
        ca: this.ca,
        ...ids,
        ...settings,
      },
      credential: text === null ? null : new Secret(Buffer.from(text)),
      deadlineMs: 5_000,
      proxy: undefined,
      ...more,
    });
    this.#stores.push(store);
    return store;
  }

  /** Leaves nothing of a test but what the vault keeps. */
  async reset(): Promise<void> {
    for (const store of this.#stores.splice(0)) await store.close();
    this.server.interfere = () => undefined;
    this.server.entra.rights = new Set(['get', 'set', 'list']);
    this.server.entra.lifeSeconds = 3_600;
    this.server.entra.signIns.length = 0;
  }

  async close(): Promise<void> {
    await this.reset();
    this.#certificates.remove();
    await this.server.close();
  }
}

const ofVault =
  (answer: ReturnType<Interference>): Interference =>
  ({ at, isSignedIn }) =>
    at === 'vault' && isSignedIn ? answer : undefined;

/** Each fault, as the real one would have it. */
export const faults: Partial<Record<Fault, Interference>> = {
  denied: ofVault(refuse(403, 'Forbidden', 'ForbiddenByRbac')),
  'not-signed-in': ({ at }) => (at === 'authority' ? refuseSignIn('invalid_client', 7000222) : undefined),
  throttled: ofVault({ ...refuse(429, 'Throttled'), headers: { 'retry-after': '7' } }),
  down: () => 'hang-up',
  silent: () => 'silence',
  garbled: ofVault({ text: '<html>It works!</html>' }),
  'version-gone': ofVault(refuse(403, 'Forbidden', 'SecretDisabled')),
  'not-there': ofVault(refuse(404, 'SecretNotFound')),
};
