// The two engines of a Vault that secret managers use, with their state: KV of version 2, and transit with real keys.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

export interface Reply {
  status: number;
  body?: object;
  headers?: Record<string, string>;
}

export interface Call {
  method: string;
  /** Below the engine’s mount. */
  path: string;
  query: URLSearchParams;
  body: Record<string, unknown>;
}

/** Something that no client of ours may send. */
export class Violation extends Error {}

export interface Engine {
  readonly type: string;
  readonly options: object | null;
  /** Whether a write to this path would be an update and not a creation. */
  exists: (path: string) => boolean;
  handle: (call: Call) => Reply;
}

const refuse = (status: number, ...errors: string[]): Reply => ({ status, body: { errors } });

/** Reads the fields of a body, and takes no others. */
export function fieldsOf(call: Call, ...names: string[]): Record<string, unknown> {
  const strange = Object.keys(call.body).filter((name) => !names.includes(name));
  if (strange.length > 0) throw new Violation(`${call.method} ${call.path} has ${strange.join(', ')}`);
  return call.body;
}

interface KvVersion {
  data: Record<string, unknown>;
  isDeleted: boolean;
  isDestroyed: boolean;
}

export class KvEngine implements Engine {
  readonly type = 'kv';
  readonly options = { version: '2' };
  readonly paths = new Map<string, KvVersion[]>();

  exists(path: string): boolean {
    return this.paths.has(path.replace(/^data\//, ''));
  }

  /** As its owner would write it. */
  put(path: string, data: Record<string, unknown>): void {
    const versions = this.paths.get(path) ?? [];
    this.paths.set(path, [...versions, { data, isDeleted: false, isDestroyed: false }]);
  }

  delete(path: string, version: number, how: 'isDeleted' | 'isDestroyed' = 'isDeleted'): void {
    const found = this.paths.get(path)?.[version - 1];
    if (found === undefined) throw new Error(`There is no version ${version} of ${path}`);
    found[how] = true;
  }

  handle(call: Call): Reply {
    const [, path] = /^data\/(.+)$/.exec(call.path) ?? [];
    if (path !== undefined && call.method === 'GET') return this.#read(path, call.query);
    if (path !== undefined && call.method === 'POST') return this.#write(path, call);
    throw new Violation(`${call.method} ${call.path} is nothing that KV has`);
  }

  #read(path: string, query: URLSearchParams): Reply {
    const strange = [...query.keys()].filter((name) => name !== 'version');
    if (strange.length > 0) throw new Violation(`a read with ${strange.join(', ')}`);
    const versions = this.paths.get(path) ?? [];
    // As the real one: no number, or zero, is the latest.
    const version = Number(query.get('version') ?? '0') || versions.length;
    const found = versions[version - 1];
    if (found === undefined) return refuse(404);
    const metadata = {
      version,
      destroyed: found.isDestroyed,
      deletion_time: found.isDeleted ? 'some time' : '',
    };
    if (found.isDeleted || found.isDestroyed)
      return { status: 404, body: { data: { data: null, metadata } } };
    return { status: 200, body: { data: { data: found.data, metadata } } };
  }

  #write(path: string, call: Call): Reply {
    const { options, data } = fieldsOf(call, 'options', 'data');
    const { cas } = options as { cas?: unknown };
    if (typeof cas !== 'number') throw new Violation('a write without check-and-set');
    const versions = this.paths.get(path) ?? [];
    if (cas !== versions.length)
      return refuse(400, 'check-and-set parameter did not match the current version');
    this.put(path, data as Record<string, unknown>);
    return { status: 200, body: { data: { version: cas + 1, destroyed: false, deletion_time: '' } } };
  }
}

export interface TransitKey {
  versions: Buffer[];
  isDerived: boolean;
  isConvergent: boolean;
  isSoftDeleted: boolean;
  minDecryptionVersion: number;
  type: string;
}

export class TransitEngine implements Engine {
  readonly type = 'transit';
  readonly options = null;
  readonly keys = new Map<string, TransitKey>();

  exists(path: string): boolean {
    // Only an encryption makes a key that is missing.
    return !path.startsWith('encrypt/') || this.keys.has(path.slice('encrypt/'.length));
  }

  make(name: string, more: Partial<TransitKey> = {}): TransitKey {
    const key: TransitKey = {
      versions: [randomBytes(32)],
      isDerived: true,
      isConvergent: false,
      isSoftDeleted: false,
      minDecryptionVersion: 1,
      type: 'aes256-gcm96',
      ...more,
    };
    this.keys.set(name, key);
    return key;
  }

  rotate(name: string): void {
    this.keys.get(name)?.versions.push(randomBytes(32));
  }

  handle(call: Call): Reply {
    const [, verb, name = ''] = /^(keys|encrypt|decrypt)\/([\w.-]+)$/.exec(call.path) ?? [];
    if (verb === 'keys' && call.method === 'GET') return this.#describe(name);
    if (verb === 'encrypt' && call.method === 'POST') return this.#encrypt(name, call);
    if (verb === 'decrypt' && call.method === 'POST') return this.#decrypt(name, call);
    throw new Violation(`${call.method} ${call.path} is nothing that transit has`);
  }

  #describe(name: string): Reply {
    const key = this.keys.get(name);
    if (key === undefined) return refuse(404);
    const doesEncrypt = !key.type.startsWith('ed');
    const data = {
      name,
      type: key.type,
      derived: key.isDerived,
      ...(key.isDerived ? { kdf: 'hkdf_sha256', convergent_encryption: key.isConvergent } : {}),
      soft_deleted: key.isSoftDeleted,
      supports_encryption: doesEncrypt,
      supports_decryption: doesEncrypt,
      latest_version: key.versions.length,
      min_decryption_version: key.minDecryptionVersion,
    };
    return { status: 200, body: { data } };
  }

  #encrypt(name: string, call: Call): Reply {
    const { plaintext, context } = fieldsOf(call, 'plaintext', 'context') as Record<string, string>;
    // As the real one: a key that is missing is made.
    const key = this.keys.get(name) ?? this.make(name, { isDerived: context !== undefined });
    if (key.isSoftDeleted) return refuse(400, 'key is soft deleted and cannot be used');
    const version = key.versions.length;
    const [secret, nonce] = [derive(key, version, context), randomBytes(12)];
    const cipher = createCipheriv('aes-256-gcm', secret, nonce, { authTagLength: 16 });
    const sealed = Buffer.concat([
      nonce,
      cipher.update(plaintext ?? '', 'base64'),
      cipher.final(),
      cipher.getAuthTag(),
    ]);
    return {
      status: 200,
      body: { data: { ciphertext: `vault:v${version}:${sealed.toString('base64')}`, key_version: version } },
    };
  }

  #decrypt(name: string, call: Call): Reply {
    const { ciphertext = '', context } = fieldsOf(call, 'ciphertext', 'context') as Record<string, string>;
    const key = this.keys.get(name);
    if (key === undefined) return refuse(400, 'encryption key not found');
    if (key.isSoftDeleted) return refuse(400, 'key is soft deleted and cannot be used');
    const [, digits, sealed = ''] = /^vault:v(\d+):(.*)$/.exec(ciphertext) ?? [];
    if (digits === undefined) return refuse(400, 'invalid ciphertext: no prefix');
    const version = Number(digits);
    if (version > key.versions.length) return refuse(400, 'invalid ciphertext: version is too new');
    if (version < key.minDecryptionVersion)
      return refuse(400, 'ciphertext or signature version is disallowed by policy (too old)');
    const plaintext = open(Buffer.from(sealed, 'base64'), derive(key, version, context));
    if (plaintext === undefined) return refuse(400, 'cipher: message authentication failed');
    return { status: 200, body: { data: { plaintext: plaintext.toString('base64') } } };
  }
}

/** A key that is not derived takes no notice of the context. */
function derive(key: TransitKey, version: number, context: string | undefined): Buffer {
  const secret = key.versions[version - 1] ?? Buffer.alloc(32);
  if (!key.isDerived) return secret;
  if (context === undefined) throw new Violation('a derived key without a context');
  return Buffer.from(hkdfSync('sha256', secret, '', Buffer.from(context, 'base64'), 32));
}

function open(sealed: Buffer, key: Buffer): Buffer | undefined {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), { authTagLength: 16 });
    decipher.setAuthTag(sealed.subarray(-16));
    return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
  } catch {
    return undefined;
  }
}
