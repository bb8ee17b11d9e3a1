// `delegate keyring make`: a new keyring where the group's is gone for good. What was sealed before stays shut.
import type { Writable } from 'node:stream';
import { openKeyFile } from '../../src/envelope/key-file.js';
import { Failure } from '../../src/kernel/failure.js';
import { readDelegateFile } from '../runtime/delegate-files.js';
import { hasGroupKeys, hasKeyring, keyringFile } from '../runtime/group-keys.js';

export interface KeyringMake {
  arguments: string[];
  stdout: Writable;
  stderr: Writable;
  dataDir: string;
}

/** The command's exit code. @throws DELEGATE_NOT_ENROLLED, DELEGATE_KEYS_MISSING, KEY_FILE_UNUSABLE */
export async function makeKeyring({
  arguments: args,
  stdout,
  stderr,
  dataDir: folder,
}: KeyringMake): Promise<number> {
  if (args.length > 0) {
    stderr.write('Usage: keyring make\n');
    return 2;
  }
  const enrolment = readDelegateFile(folder, 'delegate.json');
  if (enrolment === undefined)
    throw new Failure('DELEGATE_NOT_ENROLLED', { folder, reason: 'it holds no delegate.json' });
  if (!hasGroupKeys(folder, enrolment))
    throw new Failure('DELEGATE_KEYS_MISSING', {
      folder,
      reason: 'it has not been handed the keys of its group',
    });
  const file = keyringFile(folder);
  if (hasKeyring(folder))
    throw new Failure('KEY_FILE_UNUSABLE', {
      file,
      reason: 'it is there already, and a new one would open nothing that it has sealed',
    });
  openKeyFile(file, { createIfMissing: true });
  stdout.write(
    `A new keyring is in ${file}. Other delegates of the group get it from this one once they lack theirs.\n` +
      'It opens nothing that was sealed before: seal the secrets of the group again. Keep a copy of it.\n',
  );
  return 0;
}
