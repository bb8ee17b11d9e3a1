// Secrets of Google's Secret Manager: numbered versions with states. The project is asked for by its id and answered by its number.
import { crc32c } from './google-crc32c.js';
import { Refusal } from './google-refusal.js';

export type SecretState = 'ENABLED' | 'DISABLED' | 'DESTROYED';

interface Version {
  data: Buffer;
  state: SecretState;
}

export const PROJECT = 'acme-prod';
const PROJECT_NUMBER = '461375020958';

export class GoogleSecrets {
  readonly secrets = new Map<string, Version[]>();
  /** Names that somebody gave to versions. */
  readonly aliases = new Map<string, number>();

  /** As somebody else would write it. */
  put(id: string, ...values: Uint8Array[]): void {
    this.secrets.set(
      id,
      values.map((data) => ({ data: Buffer.from(data), state: 'ENABLED' })),
    );
  }

  setState(state: SecretState): void {
    for (const versions of this.secrets.values()) for (const version of versions) version.state = state;
  }

  state(): unknown {
    return [...this.secrets].map(([id, versions]) => [
      id,
      versions.map(({ data, state }) => [data.toString('hex'), state]),
    ]);
  }

  accessSecretVersion({ name }: { name: string }) {
    const { id, version, number } = this.#find(name);
    if (version.state !== 'ENABLED')
      throw new Refusal(9, `Secret Version [${name}] is in ${version.state} state.`);
    const { data } = version;
    return { name: nameOf(id, number), payload: { data, dataCrc32c: crc32c(data) } };
  }

  addSecretVersion({ parent, payload }: { parent: string; payload: Payload | null }) {
    const id = idOf(parent);
    const versions = this.#versionsOf(id);
    if (payload === null || payload.dataCrc32c === undefined) throw new Error('a value came without its sum');
    if (payload.dataCrc32c !== String(crc32c(payload.data)))
      throw new Refusal(3, 'The payload data does not match its checksum.');
    if (payload.data.byteLength > 65_536) throw new Refusal(3, 'The payload is too large.');
    versions.push({ data: Buffer.from(payload.data), state: 'ENABLED' });
    return { name: nameOf(id, versions.length), state: 'ENABLED', clientSpecifiedPayloadChecksum: true };
  }

  createSecret({ parent, secretId, secret }: CreateRequest) {
    if (parent !== `projects/${PROJECT}`) throw new Refusal(7, `Permission denied on ${parent}.`);
    if (secret?.replication?.automatic == null)
      throw new Error('a secret came without automatic replication');
    if (!/^[A-Za-z0-9_-]{1,255}$/.test(secretId)) throw new Error('the id is not one');
    if (this.secrets.has(secretId))
      throw new Refusal(6, `Secret [${parent}/secrets/${secretId}] already exists.`);
    this.secrets.set(secretId, []);
    return { name: `projects/${PROJECT_NUMBER}/secrets/${secretId}` };
  }

  listSecretVersions({ parent, pageSize }: { parent: string; pageSize: number }) {
    const id = idOf(parent);
    const versions = this.#versionsOf(id);
    return {
      versions: versions
        .map(({ state }, index) => ({ name: nameOf(id, index + 1), state }))
        .toReversed()
        .slice(0, pageSize),
      totalSize: versions.length,
    };
  }

  destroySecretVersion({ name }: { name: string }) {
    const { id, version, number } = this.#find(name);
    Object.assign(version, { data: Buffer.alloc(0), state: 'DESTROYED' });
    return { name: nameOf(id, number), state: 'DESTROYED' };
  }

  #versionsOf(id: string): Version[] {
    const versions = this.secrets.get(id);
    if (versions === undefined) throw new Refusal(5, `Secret [projects/${PROJECT}/secrets/${id}] not found.`);
    return versions;
  }

  #find(name: string): { id: string; version: Version; number: number } {
    const [, parent = '', asked = ''] = /^(.*)\/versions\/([\w-]+)$/.exec(name) ?? [];
    const id = idOf(parent);
    const versions = this.#versionsOf(id);
    const number = asked === 'latest' ? versions.length : (this.aliases.get(asked) ?? Number(asked));
    const version = versions[number - 1];
    if (version === undefined) throw new Refusal(5, `Secret Version [${name}] not found.`);
    return { id, version, number };
  }
}

interface Payload {
  data: Buffer;
  dataCrc32c: string | undefined;
}

interface CreateRequest {
  parent: string;
  secretId: string;
  secret: { replication: { automatic?: object | null } | null } | null;
}

const nameOf = (id: string, number: number): string =>
  `projects/${PROJECT_NUMBER}/secrets/${id}/versions/${number}`;

function idOf(name: string): string {
  const [, project, id] = /^projects\/([^/]+)\/secrets\/([^/]+)$/.exec(name) ?? [];
  if (id === undefined) throw new Error(`${name} is no name of a secret`);
  if (project !== PROJECT) throw new Refusal(7, `Permission denied on ${name}.`);
  return id;
}
