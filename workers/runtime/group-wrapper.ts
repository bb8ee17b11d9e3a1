// Wraps the private keys of a group by the KMS that this delegate's operators name. It is opened for each use and closed again: that
// is seldom, and a credential that was renewed in its file is the one that counts.
import fs from 'node:fs';
import { EnvelopeManager } from '../../src/envelope/envelope-manager.js';
import { Failure } from '../../src/kernel/failure.js';
import { Secret } from '../../src/kernel/secret.js';
import { openKms, type RegistryOptions } from '../secret-managers/registry.js';
import { type EnrolmentFile, GroupKeysFile, type WrappedKeysFile } from './delegate-files.js';
import type { DelegatePolicy } from './policy.js';

/** How it is reached. */
export type Line = Pick<RegistryOptions, 'deadlineMs' | 'proxy' | 'environment'>;

/** How failures name it. */
const keeper = { manager: 'groupKeys.wrappedBy', scope: 'the policy file of this delegate' };

export class GroupWrapper {
  readonly #enrolment: EnrolmentFile;
  readonly #rule: NonNullable<DelegatePolicy['wrappedBy']>;
  readonly #line: Line;

  constructor(enrolment: EnrolmentFile, rule: NonNullable<DelegatePolicy['wrappedBy']>, line: Line) {
    this.#enrolment = enrolment;
    this.#rule = rule;
    this.#line = line;
  }

  /** Known to open again. @throws CONFIGURATION_INVALID, and what a KMS throws */
  async wrap(keys: GroupKeysFile): Promise<WrappedKeysFile> {
    const bytes = Buffer.from(JSON.stringify(keys));
    try {
      const envelope = await this.#use((manager) => manager.put(bytes, this.#place));
      return { format: 'sallyport-group-wrapped-1', group: this.#enrolment.group.id, envelope };
    } finally {
      bytes.fill(0);
    }
  }

  /** @throws SECRET_UNREADABLE for what was changed, or wrapped elsewhere; CONFIGURATION_INVALID, and what a KMS throws */
  async unwrap({ envelope }: WrappedKeysFile): Promise<GroupKeysFile> {
    const secret = await this.#use((manager) => manager.open(envelope, this.#place));
    try {
      return secret.use((bytes) => GroupKeysFile.parse(JSON.parse(bytes.toString('utf8'))));
    } finally {
      secret.wipe();
    }
  }

  get #place() {
    return { scope: 'delegate-group', secret: this.#enrolment.group.id };
  }

  async #use<T>(work: (manager: EnvelopeManager) => Promise<T>): Promise<T> {
    const { settings, credentialFile } = this.#rule;
    const credential = credentialFile === undefined ? null : readCredential(credentialFile);
    try {
      const keys = await openKms({ ...this.#line, keeper, settings, credential });
      const manager = new EnvelopeManager(settings.kind, keys, this.#enrolment.deployment);
      try {
        return await work(manager);
      } finally {
        await manager.close();
      }
    } finally {
      credential?.wipe();
    }
  }
}

/** As it is, but for one line end behind it. @throws CONFIGURATION_INVALID */
function readCredential(file: string): Secret {
  const invalid = (problem: string): Failure =>
    new Failure('CONFIGURATION_INVALID', {
      problems: [`groupKeys.wrappedBy.credentialFile of the policy file: ${file} ${problem}`],
    }) as Failure;
  let bytes: Buffer;
  try {
    const { mode } = fs.statSync(file);
    if ((mode & 0o077) !== 0) throw invalid(`has mode ${(mode & 0o777).toString(8)}, not 600`);
    bytes = fs.readFileSync(file);
  } catch (error) {
    throw error instanceof Failure ? error : invalid(`cannot be read: ${(error as Error).message}`);
  }
  const end = bytes.at(-1) === 0x0a ? -1 : bytes.length;
  if (bytes.subarray(0, end).length === 0) throw invalid('is empty');
  return new Secret(bytes.subarray(0, end));
}
