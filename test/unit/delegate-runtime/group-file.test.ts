// The file of a group's private keys as a KMS wraps it: against a server with AWS's keys.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Identity } from '../../../src/sealing/identity.js';
import {
  type EnrolmentFile,
  type GroupKeysFile,
  makeGroupKeys,
  makeKeys,
  readDelegateFile,
  sweepDelegateFolder,
  type WrappedKeysFile,
  writeDelegateFile,
} from '../../../workers/runtime/delegate-files.js';
import { GroupFile } from '../../../workers/runtime/group-file.js';
import { findGroupKeys, hasGroupKeys } from '../../../workers/runtime/group-keys.js';
import { GroupWrapper } from '../../../workers/runtime/group-wrapper.js';
import { AwsServer } from '../../support/secret-servers/aws.js';
import { codeFrom, failureFrom } from '../support/refusals.js';

let folder: string;
let aws: AwsServer;
let key: string;
let credentialFile: string;
let keys: GroupKeysFile;
let enrolment: EnrolmentFile;
let file: GroupFile;

beforeEach(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-wrapped-'));
  aws = await AwsServer.open();
  key = aws.keys.create();
  const { accessKeyId, secretAccessKey } = aws.accounts.issue('operator');
  credentialFile = path.join(folder, 'kms.json');
  fs.writeFileSync(credentialFile, `${JSON.stringify({ accessKeyId, secretAccessKey })}\n`, { mode: 0o600 });
  keys = await makeGroupKeys();
  enrolment = await enrolmentOf('g1', keys);
  file = openAs(enrolment);
});
afterEach(async () => {
  fs.rmSync(folder, { recursive: true });
  await aws.close();
});

async function enrolmentOf(id: string, of: GroupKeysFile): Promise<EnrolmentFile> {
  const { sealing, identity } = await makeKeys();
  const group = new Identity(of.identity);
  const sealingKey = of.sealing.publicKey;
  const signature = group.sign('sealing-key', sealingKey);
  return {
    format: 'sallyport-enrolment-1',
    name: 'd1',
    managerUrl: 'https://manager.example',
    deployment: 'test',
    delegate: 'd1',
    group: { id, name: 'g', scope: 'accounts/a', identityKey: group.publicKey, sealingKey, signature },
    manager: { identityKey: new Identity(identity).publicKey, sealingKey: sealing.publicKey },
    queue: { kind: 'postgres' },
  };
}

function openAs(of: EnrolmentFile, arn = key): GroupFile {
  const settings = { kind: 'aws-kms' as const, region: aws.region, key: arn, endpoint: aws.url };
  const line = { deadlineMs: 5_000, proxy: undefined, environment: {} };
  return new GroupFile(folder, of, new GroupWrapper(of, { settings, credentialFile }, line));
}

const content = (): WrappedKeysFile => readDelegateFile(folder, 'group.json') as WrappedKeysFile;
const decryptions = (): number => aws.operations.filter((operation) => operation === 'Decrypt').length;

describe('a file that a KMS wraps', () => {
  beforeEach(() => file.write(keys));

  it('is opened by the KMS once, as long as it stays as it is', async () => {
    const other = openAs(enrolment);
    const before = decryptions();
    expect(await other.read()).toEqual(keys);
    expect(await findGroupKeys(other)).toEqual(keys);
    expect(decryptions()).toBe(before + 1);
    await file.write({ ...keys, p256: null });
    expect(await other.read()).toEqual({ ...keys, p256: null });
    expect(hasGroupKeys(folder, enrolment)).toBe(true);
  });

  it('becomes what any delegate can read, and back', async () => {
    await file.unwrap();
    expect(readDelegateFile(folder, 'group.json')).toEqual(keys);
    expect(await new GroupFile(folder, enrolment).read()).toEqual(keys);
    expect(await openAs(enrolment).read()).toEqual(keys);
  });

  it.each<[string, (before: WrappedKeysFile) => unknown]>([
    [
      'its payload',
      ({ envelope }) => ({ payload: { ...envelope.payload, tag: Buffer.alloc(16).toString('base64url') } }),
    ],
    ['what is wrapped', () => ({ wrap: { blob: Buffer.alloc(200, 1).toString('base64url') } })],
    ['its version', () => ({ version: '6f7bd7b6-6a8c-4f5c-9a52-2d1b9e1d3b4f' })],
  ])('opens no more after a change of %s', async (_, change) => {
    const before = content();
    const envelope = { ...before.envelope, ...(change(before) as object) };
    writeDelegateFile(folder, 'group.json', { ...before, envelope });
    expect(await failureFrom(file.read())).toMatchObject({
      code: 'KEY_FILE_UNUSABLE',
      data: { reason: 'it was changed, or was wrapped for another group or deployment' },
    });
  });

  it('opens for no other group, whatever it says, and for no other deployment', async () => {
    const stranger = await enrolmentOf('g2', await makeGroupKeys());
    expect(await openAs(stranger).read()).toBeUndefined();
    expect(hasGroupKeys(folder, stranger)).toBe(false);
    expect(await codeFrom(openAs({ ...enrolment, deployment: 'other' }).read())).toBe('KEY_FILE_UNUSABLE');
    writeDelegateFile(folder, 'group.json', { ...content(), group: 'g2' });
    expect(await codeFrom(openAs(stranger).read())).toBe('KEY_FILE_UNUSABLE');
  });

  it.each<[string, () => void]>([
    ['SECRET_KEY_DISABLED', () => aws.keys.set(key, 'Disabled')],
    ['SECRET_KEY_GONE', () => aws.keys.set(key, 'PendingDeletion')],
    ['SECRET_MANAGER_UNAVAILABLE', () => Object.assign(aws, { inject: () => 'cut' })],
    ['CONFIGURATION_INVALID', () => fs.chmodSync(credentialFile, 0o640)],
    ['CONFIGURATION_INVALID', () => fs.writeFileSync(credentialFile, '\n')],
    ['CONFIGURATION_INVALID', () => fs.rmSync(credentialFile)],
  ])('is left as it is with %s', async (code, harm) => {
    const before = content();
    harm();
    expect(await codeFrom(openAs(enrolment).read())).toBe(code);
    expect(await codeFrom(file.write({ ...keys, p256: null }))).toBe(code);
    expect(content()).toEqual(before);
    expect(await file.read()).toEqual(keys);
  });

  it('needs the key that wrapped it, and a policy that names one', async () => {
    expect(await codeFrom(openAs(enrolment, aws.keys.create()).read())).toBe('SECRET_KEY_WRONG');
    expect((await failureFrom(new GroupFile(folder, enrolment).read())).message).toContain(
      'is wrapped by a KMS, and the policy file has no groupKeys.wrappedBy',
    );
  });

  it('is not replaced by what did not know of it', async () => {
    const late = openAs(enrolment);
    await late.read();
    await file.write({ ...keys, p256: null });
    expect((await failureFrom(late.write(keys))).message).toContain('another process changed it meanwhile');
    expect(await file.read()).toEqual({ ...keys, p256: null });
  });

  it('is not written where the KMS does not open what it wrapped', async () => {
    const before = content();
    aws.keys.plaintext = Buffer.alloc(32, 7);
    expect(await codeFrom(file.write({ ...keys, p256: null }))).toBe('SECRET_UNREADABLE');
    expect(content()).toEqual(before);
  });
});

it('what killed processes left is swept, and nothing else', () => {
  for (const name of [
    'group.json.12',
    'pending-enrolment.json.3',
    'group.json',
    'group.json.bak',
    'keyring.json',
  ])
    fs.writeFileSync(path.join(folder, name), '');
  sweepDelegateFolder(folder);
  expect(fs.readdirSync(folder).sort()).toEqual(['group.json', 'group.json.bak', 'keyring.json', 'kms.json']);
});
