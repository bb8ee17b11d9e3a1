// `delegate group-keys wrap` and `unwrap`: turn the file of the group's private keys from one form into the other. Cut off anywhere,
// either is done again; what opens the keys is never gone before what replaces it is known to open.
import type { Writable } from 'node:stream';
import type { Config } from '../../src/config/config.js';
import { Failure } from '../../src/kernel/failure.js';
import { step } from '../../src/kernel/step.js';
import { forgetFinishedEnrolment, readDelegateFile, sweepDelegateFolder } from '../runtime/delegate-files.js';
import { openGroupFile } from '../runtime/group-file.js';
import { findGroupKeys } from '../runtime/group-keys.js';
import { openPolicy } from '../runtime/policy.js';

export interface GroupKeysCommand {
  arguments: string[];
  stdout: Writable;
  stderr: Writable;
  config: Config;
}

/** The command's exit code. @throws DELEGATE_NOT_ENROLLED, DELEGATE_KEYS_MISSING, KEY_FILE_UNUSABLE, CONFIGURATION_INVALID, SECRET_* */
export async function changeGroupKeys(command: GroupKeysCommand): Promise<number> {
  const [form, ...rest] = command.arguments;
  if ((form !== 'wrap' && form !== 'unwrap') || rest.length > 0) {
    command.stderr.write('Usage: group-keys wrap | unwrap\n');
    return 2;
  }
  const folder = command.config.SALLYPORT_DATA_DIR;
  const enrolment = readDelegateFile(folder, 'delegate.json');
  if (enrolment === undefined)
    throw new Failure('DELEGATE_NOT_ENROLLED', { folder, reason: 'it holds no delegate.json' });
  const policy = openPolicy(command.config);
  if (form === 'wrap' && policy.wrappedBy === undefined)
    throw new Failure('CONFIGURATION_INVALID', {
      problems: ['The policy file does not say which KMS wraps the keys of the group: groupKeys.wrappedBy'],
    });
  const file = openGroupFile(command.config, enrolment, policy);
  const keys = await findGroupKeys(file);
  if (keys === undefined)
    throw new Failure('DELEGATE_KEYS_MISSING', { folder, reason: 'it has no keys of its group' });
  await step(`delegate.${form}-group-keys`, () => (form === 'wrap' ? file.write(keys) : file.unwrap()));
  // Either may hold the keys of the group as they are.
  forgetFinishedEnrolment(folder);
  sweepDelegateFolder(folder);
  command.stdout.write(said[form](folder));
  return 0;
}

const said = {
  wrap: (folder: string) =>
    `The private keys of the group in ${folder} are wrapped, and will be whenever they change.\n` +
    'Copies made before, and what the disk still has of them, hold the keys as they are: destroy the copies, and rotate the keys.\n',
  unwrap: (folder: string) =>
    `${folder}/group.json holds the private keys of the group as they are. Take groupKeys.wrappedBy out of the policy file\n` +
    'before this delegate starts, or the next change of the keys wraps them again.\n',
};
