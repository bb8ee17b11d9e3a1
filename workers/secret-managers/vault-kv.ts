// A KV engine of version 2 of Vault or OpenBao as a store. What is written through Sallyport is an object that people can read:
// `value` and its `encoding`; what others wrote is read as it is.
import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import type { SettingsOf } from '../../src/contract/secret-managers.js';
import { Secret } from '../../src/kernel/secret.js';
import { isInexact, ownBytes } from './json-member.js';
import type { ProviderSetup } from './provider.js';
import { SecretStore, type StoredAt, type StorePlace, type WriteOptions } from './secret-store.js';
import { VaultClient, type VaultIdentity } from './vault-client.js';
import type { Answer, Question } from './vault-line.js';
import { says } from './vault-refusals.js';

/** Parts of a path as they may stand in a URL: nothing that climbs, ends a path or is hidden. */
const PATH = /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[\w.=@:+,~-]+(?:\/[\w.=@:+,~-]+)*$/;
/** Zero would be the latest. */
const VERSION = /^[1-9]\d{0,9}$/;

const Version = z.number().int().positive();
const Found = z.object({
  data: z.object({ data: z.record(z.string(), z.unknown()), metadata: z.object({ version: Version }) }),
});
const Gone = z.object({ data: z.object({ metadata: z.object({ version: Version }) }) });
const Written = z.object({ data: z.object({ version: Version }) });
const Mount = z.object({
  data: z.object({
    type: z.string(),
    path: z.string(),
    options: z.object({ version: z.string() }).partial().nullish(),
  }),
});
/** What Sallyport writes. */
const Ours = z.strictObject({ value: z.string(), encoding: z.enum(['utf-8', 'base64']) });

export class VaultKv extends SecretStore {
  readonly #client: VaultClient;
  readonly #mount: string;
  readonly #prefix: string;

  constructor(setup: ProviderSetup<SettingsOf<'vault-kv'>>, identity: VaultIdentity = {}) {
    super();
    this.#client = new VaultClient(setup, identity);
    this.#mount = setup.settings.mount;
    this.#prefix = setup.settings.prefix;
  }

  override async read(
    { path, field, version }: StoredAt,
    signal?: AbortSignal,
  ): Promise<{ value: Secret; version: string }> {
    if (!PATH.test(path))
      throw this.#client.refuse('SECRET_NOT_IN_STORE', 'this is no path that it can have');
    if (version !== null && !VERSION.test(version))
      throw this.#client.refuse('SECRET_NOT_IN_STORE', 'versions are numbers from 1 on');
    const query = version === null ? '' : `?version=${version}`;
    const answer = await this.#ask({ method: 'GET', path: `${this.#at(path)}${query}` }, signal);
    this.#assertThere(answer);
    const { data, metadata } = this.#client.parse(Found, answer).data;
    if (version !== null && String(metadata.version) !== version)
      throw this.#client.refuse(
        'SECRET_MANAGER_GARBLED',
        'it answered another version than the one asked for',
      );
    return { value: this.#valueOf(data, field), version: String(metadata.version) };
  }

  override async write(
    path: string,
    value: Uint8Array,
    { onlyIfAbsent }: WriteOptions,
    signal?: AbortSignal,
  ): Promise<{ version: string }> {
    if (!PATH.test(path))
      throw this.#client.refuse('SECRET_MANAGER_MISCONFIGURED', 'this is no path that it can have');
    return this.#client.within(signal, async (bounded) => {
      const data = encode(value);
      const latest = await this.#latest(path, bounded);
      if (isSame(latest.data, data)) return { version: String(latest.version) };
      const body = { options: { cas: onlyIfAbsent ? 0 : latest.version }, data };
      const answer = await this.#client.ask({ method: 'POST', path: this.#at(path), body }, bounded);
      if (answer.status !== 400 || !says(answer, /^check-and-set parameter did not match/))
        return { version: String(this.#client.parse(Written, answer).data.version) };
      // Whoever came in between may have been an earlier attempt at this.
      const now = await this.#latest(path, bounded);
      if (isSame(now.data, data)) return { version: String(now.version) };
      throw this.#client.refuse('SECRET_STORE_CONFLICT', conflict(onlyIfAbsent));
    });
  }

  override pathOf({ deployment, scope, secret }: StorePlace): string {
    const parts = [deployment, ...scope.split('/'), 'secrets', secret];
    return [this.#prefix, ...parts.map(encodePart)].join('/');
  }

  /** Asks about the engine, as its own command line does: whoever has any right in it may, and no value is read. */
  override async check(signal?: AbortSignal): Promise<void> {
    const answer = await this.#ask({ method: 'GET', path: `sys/internal/ui/mounts/${this.#mount}` }, signal);
    const { type, path, options } = this.#client.parse(Mount, answer).data;
    if (path !== `${this.#mount}/` || type !== 'kv' || options?.version !== '2')
      throw this.#client.refuse(
        'SECRET_MANAGER_MISCONFIGURED',
        `at ${this.#mount} is no KV engine of version 2`,
      );
  }

  override async close(): Promise<void> {
    await this.#client.close();
  }

  #at(path: string): string {
    return `${this.#mount}/data/${path.split('/').map(encodeURIComponent).join('/')}`;
  }

  async #ask(question: Question, signal: AbortSignal | undefined): Promise<Answer> {
    return this.#client.within(signal, (bounded) =>
      this.#client.ask({ ...question, isRepeatable: true }, bounded),
    );
  }

  /** The latest version, 0 where there is none, and what it holds: nothing where it was deleted, yet the next follows it. */
  async #latest(path: string, signal: AbortSignal): Promise<{ version: number; data?: unknown }> {
    const question: Question = { method: 'GET', path: this.#at(path), isRepeatable: true };
    const answer = await this.#client.ask(question, signal);
    const gone = answer.status === 404 ? Gone.safeParse(answer.body) : undefined;
    if (gone?.success === true) return { version: gone.data.data.metadata.version };
    if (answer.status === 404 && !says(answer, /./)) return { version: 0 };
    const { data, metadata } = this.#client.parse(Found, answer).data;
    return { version: metadata.version, data };
  }

  /** @throws SECRET_VERSION_GONE, SECRET_NOT_IN_STORE */
  #assertThere(answer: Answer): void {
    if (answer.status !== 404) return;
    if (Gone.safeParse(answer.body).success)
      throw this.#client.refuse('SECRET_VERSION_GONE', 'it was deleted or destroyed');
    if (!says(answer, /./))
      throw this.#client.refuse('SECRET_NOT_IN_STORE', 'nothing is at the path, or not in this version');
  }

  #valueOf(data: Record<string, unknown>, field: string | null): Secret {
    const ours = Ours.safeParse(data);
    if (field === null && ours.success) return new Secret(decode(ours.data));
    if (field !== null && !Object.hasOwn(data, field))
      throw this.#client.refuse('SECRET_NOT_IN_STORE', 'what is at the path has no such field');
    const value = field === null ? data : data[field];
    if (typeof value === 'string') return new Secret(ownBytes(value, 'utf8'));
    if (isInexact(value))
      throw this.#client.refuse(
        'SECRET_MANAGER_GARBLED',
        'it holds a number too long to be told exactly: keep it as text',
      );
    return new Secret(ownBytes(JSON.stringify(value), 'utf8'));
  }
}

function encode(value: Uint8Array): z.infer<typeof Ours> {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return isUtf8(bytes)
    ? { value: bytes.toString('utf8'), encoding: 'utf-8' }
    : { value: bytes.toString('base64'), encoding: 'base64' };
}

function isSame(found: unknown, { value, encoding }: z.infer<typeof Ours>): boolean {
  const ours = Ours.safeParse(found);
  return ours.success && ours.data.value === value && ours.data.encoding === encoding;
}

function decode({ value, encoding }: z.infer<typeof Ours>): Buffer {
  return ownBytes(value, encoding === 'utf-8' ? 'utf8' : encoding);
}

const conflict = (onlyIfAbsent: boolean): string =>
  onlyIfAbsent ? 'something is, or was, at the path' : 'somebody else wrote at the same time';

/** 'git.token' → 'git.token', 'a/b' → 'a=2Fb': no two parts become one. */
function encodePart(part: string): string {
  return [...Buffer.from(part, 'utf8')]
    .map((byte, at) => {
      const sign = String.fromCharCode(byte);
      const isPlain = /[A-Za-z0-9_-]/.test(sign) || (sign === '.' && at > 0);
      return isPlain ? sign : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}
