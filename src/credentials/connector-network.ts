// The network of a connector that believes somebody else, shows who comes, or goes through a proxy: that of the process, changed.
// Each is kept with its connections for as long as it is used.
import { createHash } from 'node:crypto';
import { Network } from '../git/network.js';
import { Proxy } from '../git/network-proxy.js';
import { registerSecret } from '../kernel/redact.js';
import type { Secret } from '../kernel/secret.js';

/** What of a trust is no secret. */
export interface TrustSettings {
  ca?: string | undefined;
  clientCertificate?: string | undefined;
  proxyUrl?: string | undefined;
  proxyUsername?: string | undefined;
  noProxy?: string[] | undefined;
}

/** Its secrets, opened; whoever opened them wipes them. */
export interface TrustSecrets {
  clientKey?: Secret | undefined;
  proxyPassword?: Secret | undefined;
}

interface Kept {
  network: Network;
  forget: () => void;
  timer: NodeJS.Timeout;
}

const KEPT_MAX = 256;
const IDLE_MS = 600_000;

export class ConnectorNetworks {
  readonly #kept = new Map<string, Kept>();

  constructor(readonly base: Network) {}

  /** `secretsKey` names the versions of the secrets; they are opened where nothing is kept of these. */
  async find(
    trust: TrustSettings | null,
    secretsKey: string,
    openSecrets: () => Promise<TrustSecrets>,
  ): Promise<Network> {
    if (trust === null) return this.base;
    const key = createHash('sha256')
      .update(JSON.stringify([trust, secretsKey]))
      .digest('base64url');
    const known = this.#kept.get(key);
    if (known !== undefined) {
      this.#kept.delete(key);
      this.#kept.set(key, known);
      known.timer.refresh();
      return known.network;
    }
    const secrets = await openSecrets();
    try {
      // Somebody else may have opened them meanwhile, and uses what came of it.
      return this.#kept.get(key)?.network ?? this.#keep(key, trust, secrets);
    } finally {
      secrets.clientKey?.wipe();
      secrets.proxyPassword?.wipe();
    }
  }

  close(): void {
    for (const key of this.#kept.keys()) this.#drop(key);
  }

  #keep(key: string, trust: TrustSettings, { clientKey, proxyPassword }: TrustSecrets): Network {
    this.#drop(key);
    const { options } = this.base;
    const { ca, clientCertificate: certificate, proxyUrl } = trust;
    const password = proxyPassword?.use((bytes) => bytes.toString('utf8'));
    const network = new Network({
      ...options,
      ca: ca === undefined ? options.ca : [options.ca, ca].filter((one) => one !== undefined).join('\n'),
      client:
        certificate === undefined || clientKey === undefined
          ? options.client
          : { certificate, key: clientKey.use((bytes) => Buffer.from(bytes)) },
      proxy:
        proxyUrl === undefined
          ? options.proxy
          : new Proxy(withCredential(proxyUrl, trust.proxyUsername, password), {
              bypass: trust.noProxy ?? [],
              resolves: options.proxy?.resolves ?? false,
              addresses: options.addresses,
            }),
    });
    const forget = password === undefined ? () => undefined : registerSecret(password);
    const timer = setTimeout(() => this.#drop(key), IDLE_MS).unref();
    this.#kept.set(key, { network, forget, timer });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT_MAX && oldest !== undefined) this.#drop(oldest);
    return network;
  }

  #drop(key: string): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    clearTimeout(kept.timer);
    this.#kept.delete(key);
    kept.forget();
    void kept.network.close();
  }
}

function withCredential(proxyUrl: string, username = '', password = ''): string {
  const url = new URL(proxyUrl);
  url.username = encodeURIComponent(username);
  url.password = encodeURIComponent(password);
  return url.href;
}
