// Both engines over a network of a test's making.

import type dns from 'node:dns';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Git } from '../../src/git/git.js';
import { InProcessGit } from '../../src/git/in-process-git.js';
import type { Limits } from '../../src/git/limits.js';
import { Network } from '../../src/git/network.js';
import type { NetworkOptions } from '../../src/git/network-dial.js';
import { Secret } from '../../src/kernel/secret.js';
import { NativeGit } from '../../workers/native-git/native-git.js';
import type { TestRemote } from './git-world.js';

export type EngineName = 'in-process' | 'native';

/** A network that may dial loopback, where nothing else is said. */
export const networkOf = (options: Partial<NetworkOptions> = {}): Network =>
  new Network({ addresses: { allowPrivate: true }, http2: false, ...options });

export interface EngineSettings {
  deadlineMs?: number;
  limits?: Partial<Limits>;
  signal?: AbortSignal;
}

/** Makes engines, and removes what they leave. */
export class Engines {
  readonly #root = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-engines-'));

  open(
    name: EngineName,
    { url, username, password }: TestRemote,
    network: Network,
    settings: EngineSettings = {},
  ): Git {
    const credential = { username, open: async () => new Secret(Buffer.from(password)) };
    const options = { allowHttp: true, allowPrivate: true, network, ...settings };
    if (name === 'in-process') return new InProcessGit({ url, credential }, options);
    return new NativeGit({ url, credential }, { ...options, root: this.#root });
  }

  close(): void {
    fs.rmSync(this.#root, { recursive: true, force: true });
  }
}

/** A name server that knows these names, as they are when it is asked. */
export function resolverOf(names: Record<string, string[]>): typeof dns.lookup {
  // Only the form of the call that the engines make is needed.
  return ((
    name: string,
    _: dns.LookupAllOptions,
    callback: (error: Error | null, found?: dns.LookupAddress[]) => void,
  ) => {
    const known = names[name];
    if (known === undefined) return callback(Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }));
    callback(
      null,
      known.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  }) as unknown as typeof dns.lookup;
}
