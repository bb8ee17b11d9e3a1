// `group.json` of a delegate: the private keys of its group, as they are or wrapped by a KMS, whichever its operators chose.
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../../src/config/config.js';
import { surroundings } from '../../src/config/process.js';
import { Failure } from '../../src/kernel/failure.js';
import {
  type EnrolmentFile,
  type GroupKeysFile,
  readDelegateFile,
  type WrappedKeysFile,
  writeDelegateFile,
} from './delegate-files.js';
import { GroupWrapper, type Line } from './group-wrapper.js';
import type { DelegatePolicy } from './policy.js';

type Content = GroupKeysFile | WrappedKeysFile;

export const isWrapped = (content: Content): content is WrappedKeysFile =>
  content.format === 'sallyport-group-wrapped-1';

export class GroupFile {
  /** What was last found or written, and what is in it: the KMS is asked once for each content. */
  #seen: Content | undefined;
  #keys: GroupKeysFile | undefined;

  constructor(
    readonly folder: string,
    readonly enrolment: EnrolmentFile,
    private readonly wrapper?: GroupWrapper,
  ) {}

  /** Whether a KMS wraps what was last read or written. */
  get isWrapped(): boolean {
    return this.#seen !== undefined && isWrapped(this.#seen);
  }

  /** Undefined where there is none, or only what was wrapped for another group. @throws KEY_FILE_UNUSABLE, CONFIGURATION_INVALID, SECRET_* */
  async read(): Promise<GroupKeysFile | undefined> {
    const content = readDelegateFile(this.folder, 'group.json');
    if (content !== undefined && isDeepStrictEqual(content, this.#seen)) return this.#keys;
    const keys = content === undefined ? undefined : await this.#open(content);
    this.#seen = content;
    this.#keys = keys;
    return keys;
  }

  /** In the place of what was read. @throws KEY_FILE_UNUSABLE, CONFIGURATION_INVALID, SECRET_* */
  async write(keys: GroupKeysFile): Promise<void> {
    const before = this.#seen;
    this.#replace(before, this.wrapper === undefined ? keys : await this.wrapper.wrap(keys), keys);
  }

  /** Leaves it as any delegate can read it. @throws as `read` */
  async unwrap(): Promise<void> {
    const keys = await this.read();
    if (keys !== undefined) this.#replace(this.#seen, keys, keys);
  }

  async #open(content: Content): Promise<GroupKeysFile | undefined> {
    if (!isWrapped(content)) return content;
    if (content.group !== this.enrolment.group.id) return undefined;
    if (this.wrapper === undefined)
      throw new Failure('CONFIGURATION_INVALID', {
        problems: [`${this.#path} is wrapped by a KMS, and the policy file has no groupKeys.wrappedBy`],
      });
    try {
      return await this.wrapper.unwrap(content);
    } catch (cause) {
      if (cause instanceof Failure && cause.code !== 'SECRET_UNREADABLE') throw cause;
      throw this.#unusable('it was changed, or was wrapped for another group or deployment', cause);
    }
  }

  /** Nothing awaits between the look and the change: what another process wrote meanwhile is not lost. */
  #replace(before: Content | undefined, content: Content, keys: GroupKeysFile): void {
    if (!isDeepStrictEqual(readDelegateFile(this.folder, 'group.json'), before))
      throw this.#unusable('another process changed it meanwhile');
    writeDelegateFile(this.folder, 'group.json', content);
    this.#seen = content;
    this.#keys = keys;
  }

  get #path(): string {
    return path.join(this.folder, 'group.json');
  }

  #unusable(reason: string, cause?: unknown): Failure {
    return new Failure('KEY_FILE_UNUSABLE', { file: this.#path, reason }, { cause }) as Failure;
  }
}

/** The file, and the KMS that the policy names for it. */
export function openGroupFile(config: Config, enrolment: EnrolmentFile, policy: DelegatePolicy): GroupFile {
  const rule = policy.wrappedBy;
  const wrapper = rule === undefined ? undefined : new GroupWrapper(enrolment, rule, lineOf(config));
  return new GroupFile(config.SALLYPORT_DATA_DIR, enrolment, wrapper);
}

/** How this delegate reaches whoever is outside. */
export function lineOf(config: Config): Line {
  const { SALLYPORT_GIT_PROXY_URL: url, SALLYPORT_GIT_PROXY_BYPASS: bypass = [] } = config;
  return {
    deadlineMs: config.SALLYPORT_SECRETS_DEADLINE_SECONDS * 1_000,
    proxy: url === undefined ? undefined : { url, bypass },
    environment: surroundings(),
  };
}
