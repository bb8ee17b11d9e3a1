// What a delegate has on its own machine: its folder, its keys, its policy, programs, space.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { openKeyFile } from '../../../src/envelope/key-file.js';
import { fingerprintOf, Identity } from '../../../src/sealing/identity.js';
import { freeSpace, lookAtFolder } from '../../../src/telemetry/data-folder-findings.js';
import { type Finding, note, ok, skipped, wrong } from '../../../src/telemetry/examination.js';
import { readDelegateFile } from '../../runtime/delegate-files.js';
import { openGroupFile } from '../../runtime/group-file.js';
import { findGroupKeys, hasGroupKeys, hasKeyring, keyringFile } from '../../runtime/group-keys.js';
import { openPolicy } from '../../runtime/policy.js';
import { type DelegateCheck, NOT_ENROLLED } from './check.js';

/** Below this the task journal and the native engine are in danger. */
const FREE_MIB_MIN = 256;
const PROGRAM_MS = 5_000;
const SECRET_FILES = [
  'pending-enrolment.json',
  'identity.json',
  'delegate.json',
  'group.json',
  'keyring.json',
  'begun-tasks',
];

export const machineChecks: DelegateCheck[] = [
  {
    name: 'data folder',
    look: ({ folder }) =>
      lookAtFolder(
        folder,
        'delegate',
        'Set SALLYPORT_DATA_DIR to where this delegate has enrolled, or enrol it',
      ),
  },
  { name: 'key files', look: ({ folder }) => [lookAtFiles(folder)] },
  {
    name: 'enrolment',
    look: ({ folder, enrolment }) => {
      const keys = readDelegateFile(folder, 'identity.json');
      if (
        readDelegateFile(folder, 'delegate.json') === undefined ||
        enrolment === undefined ||
        keys === undefined
      )
        return [
          wrong(
            'this delegate has not enrolled',
            'npm run -s delegate -- enrol --manager URL --token-file FILE',
          ),
        ];
      const { group, delegate, name } = enrolment;
      const fingerprint = fingerprintOf(new Identity(keys.identity).publicKey);
      return [ok(`${name} (${delegate}) in group ${group.name} of ${group.scope}, ${fingerprint}`)];
    },
  },
  {
    name: 'group keys',
    look: async ({ config, enrolment, policy }) => {
      if (enrolment === undefined) return [skipped(NOT_ENROLLED)];
      if (policy === undefined) return [skipped('not looked at: the policy file has to be mended first')];
      const file = openGroupFile(config, enrolment, policy);
      if ((await findGroupKeys(file)) === undefined)
        return [
          note(
            'not here yet',
            'Start this delegate while another one of the group runs, which hands them over',
          ),
        ];
      const fingerprint = fingerprintOf(enrolment.group.identityKey);
      if (file.isWrapped)
        return [ok(`held here, wrapped by ${policy.wrappedBy?.settings.kind}, ${fingerprint}`)];
      if (policy.wrappedBy === undefined) return [ok(`held here, ${fingerprint}`)];
      return [
        note(
          'held here as they are, and the policy wants them wrapped',
          'Stop this delegate, and wrap them: npm run -s delegate -- group-keys wrap',
        ),
      ];
    },
  },
  {
    name: 'keyring',
    look: ({ folder, enrolment }) => {
      const file = keyringFile(folder);
      if (!hasKeyring(folder) && enrolment !== undefined && hasGroupKeys(folder, enrolment))
        return [
          wrong(
            'it is gone, and the keys of the group are here: this delegate waits for the keyring',
            'Restore its copy, or start this delegate while another one of the group runs. If no other delegate of the group has it, ' +
              'make a new one (npm run -s delegate -- keyring make), which opens nothing that was sealed before',
          ),
        ];
      if (!hasKeyring(folder))
        return [
          note(
            'there is none yet',
            'Start this delegate while another one of the group runs, which hands it over',
          ),
        ];
      openKeyFile(file, { createIfMissing: false });
      return [ok('can be opened; keep a copy of it')];
    },
  },
  {
    name: 'policy file',
    look: ({ config }) => {
      const allowed = openPolicy(config).gitAllowed;
      const what = allowed === null ? 'no rule for Git hosts' : `${allowed.length} patterns of Git hosts`;
      return [ok(`valid or absent: ${what}`)];
    },
  },
  {
    name: 'system git',
    look: ({ config }) => lookAtPrograms(config.SALLYPORT_DELEGATE_GIT_ENGINE === 'native'),
  },
  { name: 'disk space', look: ({ folder, config }) => [lookAtSpace(folder, config.SALLYPORT_GIT_DISK_MIB)] },
];

function lookAtFiles(folder: string): Finding {
  const present = SECRET_FILES.map((file) => path.join(folder, file)).filter((file) => fs.existsSync(file));
  const bad = present.filter((file) => {
    const stat = fs.lstatSync(file);
    return !stat.isFile() || (stat.mode & 0o077) !== 0 || stat.uid !== (process.getuid?.() ?? stat.uid);
  });
  if (bad.length > 0)
    return wrong(
      `${bad.join(', ')}: not a file of this user alone`,
      `Give them to the delegate’s user and chmod 600 ${bad.join(' ')}`,
    );
  return ok(`${present.length} files, each for this user alone`);
}

function lookAtPrograms(isNative: boolean): Finding[] {
  const version = outputOf('git', '--version');
  const need = isNative ? wrong : note;
  if (version === undefined)
    return [
      need(
        'there is none, and repositories over SSH need it',
        'Install git (on Debian: apt-get install git)',
      ),
    ];
  const missing = [
    ['ssh', '-V'],
    ['flock', '--version'],
    ['timeout', '--version'],
    ['mkfifo', '--version'],
  ]
    .filter(([program = '', flag = '']) => outputOf(program, flag) === undefined)
    .map(([program]) => program);
  const found = version.replace(/^git version /, '');
  if (missing.length === 0) return [ok(found)];
  return [
    need(
      `${found}, but the native engine also needs ${missing.join(', ')}`,
      'Install them (on Debian: apt-get install openssh-client util-linux coreutils)',
    ),
  ];
}

/** What the program says of itself; undefined where there is no such program. */
function outputOf(program: string, flag: string): string | undefined {
  const { error, stdout, status } = spawnSync(program, [flag], { encoding: 'utf8', timeout: PROGRAM_MS });
  return error !== undefined || status !== 0 ? undefined : stdout.trim();
}

function lookAtSpace(folder: string, wantedMib: number): Finding {
  const { freeMib, found } = freeSpace(folder);
  if (freeMib < FREE_MIB_MIN) return wrong(found, `Make room: a delegate needs ${FREE_MIB_MIN} MiB at least`);
  if (freeMib < wantedMib)
    return note(
      found,
      `The native engine may use ${wantedMib} MiB: make room, or lower SALLYPORT_GIT_DISK_MIB`,
    );
  return ok(found);
}
