// What a key vault keeps: secrets by name, in versions that can be disabled; deleted ones until they are purged.
import { randomBytes } from 'node:crypto';

export interface Reply {
  status: number;
  body?: object;
  headers?: Record<string, string>;
}

/** Something that no client of ours may send. */
export class Violation extends Error {}

export interface Call {
  method: string;
  path: string;
  body: Record<string, unknown> | undefined;
}

interface Version {
  id: string;
  value: string;
  contentType: string | undefined;
  isEnabled: boolean;
}

export const refuse = (status: number, code: string, inner?: string): Reply => ({
  status,
  body: {
    error: { code, message: 'told by it', ...(inner === undefined ? {} : { innererror: { code: inner } }) },
  },
});

const VALUE_MAX = 25_600;

export class Vault {
  readonly secrets = new Map<string, Version[]>();
  readonly deleted = new Map<string, Version[]>();
  readonly #url: () => string;

  constructor(url: () => string) {
    this.#url = url;
  }

  /** Which right a call needs, as access policies name them. */
  static rightFor({ method, path }: Call): 'get' | 'set' | 'list' {
    if (method === 'PUT') return 'set';
    return path.endsWith('/versions') ? 'list' : 'get';
  }

  /** As somebody else would write it. */
  put(name: string, value: string, contentType?: string): string {
    const version = { id: randomBytes(16).toString('hex'), value, contentType, isEnabled: true };
    this.#versions(name).push(version);
    return version.id;
  }

  disable(name: string): void {
    for (const version of this.#versions(name)) version.isEnabled = false;
  }

  delete(name: string): void {
    this.deleted.set(name.toLowerCase(), this.#versions(name));
    this.secrets.delete(name.toLowerCase());
  }

  handle({ method, path, body }: Call): Reply {
    const [, what = '', name = '', last = ''] =
      /^\/(secrets|deletedsecrets)\/([A-Za-z0-9-]{1,127})(?:\/(versions|[0-9a-f]{32}))?$/.exec(path) ?? [];
    const kind = last.length === 32 ? 'version' : last;
    switch (`${method} ${what} ${kind}`) {
      case 'GET deletedsecrets ':
        return this.#getDeleted(name);
      case 'PUT secrets ':
        return this.#set(name, body ?? {});
      case 'GET secrets versions':
        return this.#list(name);
      case 'GET secrets ':
      case 'GET secrets version':
        return this.#get(name, last);
      default:
        throw new Violation(`${method} ${path} is not needed`);
    }
  }

  #versions(name: string): Version[] {
    const versions = this.secrets.get(name.toLowerCase()) ?? [];
    this.secrets.set(name.toLowerCase(), versions);
    return versions;
  }

  #get(name: string, id: string): Reply {
    const versions = this.secrets.get(name.toLowerCase()) ?? [];
    const version = id === '' ? versions.at(-1) : versions.find((one) => one.id === id);
    if (version === undefined) return refuse(404, 'SecretNotFound');
    if (!version.isEnabled) return refuse(403, 'Forbidden', 'SecretDisabled');
    return { status: 200, body: { value: version.value, ...this.#propertiesOf(name, version) } };
  }

  #getDeleted(name: string): Reply {
    const version = this.deleted.get(name.toLowerCase())?.at(-1);
    if (version === undefined) return refuse(404, 'SecretNotFound');
    const recoveryId = `${this.#url()}/deletedsecrets/${name}`;
    return { status: 200, body: { recoveryId, deletedDate: 1, ...this.#propertiesOf(name, version) } };
  }

  #list(name: string): Reply {
    const versions = this.secrets.get(name.toLowerCase());
    if (versions === undefined) return refuse(404, 'SecretNotFound');
    return {
      status: 200,
      body: { value: versions.map((one) => this.#propertiesOf(name, one)), nextLink: null },
    };
  }

  #set(name: string, body: Record<string, unknown>): Reply {
    const { value, contentType, attributes, ...others } = body;
    const given = Object.values((attributes ?? {}) as object).filter((one) => one !== undefined);
    if (typeof value !== 'string' || Object.keys(others).length > 0 || given.length > 0)
      throw new Violation(`a secret with ${Object.keys(body).join(', ')}`);
    if (value === '' || value.length > VALUE_MAX)
      throw new Violation(`a value of ${value.length} characters`);
    if (this.deleted.has(name.toLowerCase())) return refuse(409, 'Conflict', 'ObjectIsDeletedButRecoverable');
    const id = this.put(name, value, contentType as string | undefined);
    return this.#get(name, id);
  }

  #propertiesOf(name: string, { id, contentType, isEnabled }: Version): object {
    const attributes = { enabled: isEnabled, created: 1, updated: 1, recoveryLevel: 'Recoverable' };
    const kind = contentType === undefined ? {} : { contentType };
    return { id: `${this.#url()}/secrets/${name}/${id}`, ...kind, attributes };
  }
}
