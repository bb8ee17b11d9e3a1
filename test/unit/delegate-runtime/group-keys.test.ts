import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { groupKeysInfo } from '../../../src/contract/presence.js';
import type { TaskInput } from '../../../src/contract/tasks.js';
import { contractVersion } from '../../../src/contract/version.js';
import { openKeyFile } from '../../../src/envelope/key-file.js';
import { Opener, Sealer } from '../../../src/sealing/hpke.js';
import { fingerprintOf, Identity } from '../../../src/sealing/identity.js';
import {
  type EnrolmentFile,
  type GroupKeysFile,
  type IdentityFile,
  makeGroupKeys,
  makeKeys,
  writeDelegateFile,
} from '../../../workers/runtime/delegate-files.js';
import { GroupFile } from '../../../workers/runtime/group-file.js';
import {
  adopt,
  findGroupKeys,
  handOver,
  keyringFile,
  signNewcomer,
} from '../../../workers/runtime/group-keys.js';
import { DelegatePolicy } from '../../../workers/runtime/policy.js';
import { failureFrom } from '../support/refusals.js';

interface Member {
  folder: string;
  groupFile: GroupFile;
  keys: IdentityFile;
  identity: Identity;
  enrolment: EnrolmentFile;
}

let home = '';
let group: GroupKeysFile;
let founder: Member;
let newcomer: Member;
const anyone = new DelegatePolicy({});

beforeEach(async () => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-group-'));
  group = await makeGroupKeys();
  founder = await makeMember('founder');
  newcomer = await makeMember('newcomer');
  writeDelegateFile(founder.folder, 'group.json', group);
  openKeyFile(keyringFile(founder.folder), { createIfMissing: true });
});
afterEach(() => {
  fs.rmSync(home, { recursive: true, force: true });
});

async function makeMember(delegate: string, of: GroupKeysFile = group): Promise<Member> {
  const keys: IdentityFile = { format: 'sallyport-identity-1', ...(await makeKeys()) };
  const groupIdentity = new Identity(of.identity);
  const manager = await makeKeys();
  const enrolment: EnrolmentFile = {
    format: 'sallyport-enrolment-1',
    name: delegate,
    managerUrl: 'https://manager.example',
    deployment: 'test',
    delegate,
    group: {
      id: 'g1',
      name: 'group',
      scope: 'accounts/a',
      identityKey: groupIdentity.publicKey,
      sealingKey: of.sealing.publicKey,
      signature: groupIdentity.sign('sealing-key', of.sealing.publicKey),
    },
    manager: { identityKey: new Identity(manager.identity).publicKey, sealingKey: manager.sealing.publicKey },
    queue: { kind: 'postgres' },
  };
  const folder = path.join(home, delegate);
  fs.mkdirSync(folder);
  const groupFile = new GroupFile(folder, enrolment);
  return { folder, groupFile, keys, identity: new Identity(keys.identity), enrolment };
}

const request = ({ enrolment, identity, keys }: Member): TaskInput<'group.handOver'> => ({
  delegate: enrolment.delegate,
  identityKey: identity.publicKey,
  sealingKey: keys.sealing.publicKey,
  signature: signNewcomer(identity, keys.sealing.publicKey),
  contract: contractVersion,
});
const give = (more: Partial<TaskInput<'group.handOver'>> = {}, policy = anyone) =>
  handOver(founder.groupFile, policy, { ...request(newcomer), ...more });
const take = (sealed: Awaited<ReturnType<typeof give>>, by = newcomer) =>
  adopt(by.groupFile, by.keys, sealed);
const sealed = (content: unknown, { to = newcomer, info = 'g1' } = {}) =>
  new Sealer(to.keys.sealing.publicKey, groupKeysInfo(info)).seal(
    Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)),
    to.enrolment.delegate,
  );
const keyring = (member: Member) => openKeyFile(keyringFile(member.folder), { createIfMissing: false });

describe('the keys of a group', () => {
  it('come over whole: the newcomer then has what the founder has', async () => {
    expect(await findGroupKeys(newcomer.groupFile)).toBeUndefined();
    expect(await take(await give())).toEqual(group);
    expect(await findGroupKeys(newcomer.groupFile)).toEqual(group);
    expect(keyring(newcomer).active).toEqual(keyring(founder).active);
    for (const name of ['group.json', 'keyring.json'])
      expect(fs.statSync(path.join(newcomer.folder, name)).mode & 0o777).toBe(0o600);
  });

  it('may be handed on by whoever received them', async () => {
    await take(await give());
    const third = await makeMember('third');
    expect(await take(await handOver(newcomer.groupFile, anyone, request(third)), third)).toEqual(group);
    expect(keyring(third).active.id).toBe(keyring(founder).active.id);
  });

  it('leave the newcomer’s own keyring to open with, and seal with the group’s from then on', async () => {
    const own = openKeyFile(keyringFile(newcomer.folder), { createIfMissing: true }).active.id;
    await take(await give());
    expect(keyring(newcomer).active.id).toBe(keyring(founder).active.id);
    expect(keyring(newcomer).find(own)).toBeDefined();
    const handed = fs.readFileSync(keyringFile(newcomer.folder), 'utf8');
    await take(await give());
    expect(fs.readFileSync(keyringFile(newcomer.folder), 'utf8')).toBe(handed);
  });

  it('are not readable on their way, and not by another delegate', async () => {
    const handed = await give();
    const bytes = Buffer.from(handed.box, 'base64url').toString('latin1');
    expect(bytes).not.toContain('sallyport');
    const third = await makeMember('third');
    expect(await failureFrom(take(handed, third))).toMatchObject({ code: 'KEY_FILE_UNUSABLE' });
    // Nor under another name with the newcomer's own key.
    const groupFile = new GroupFile(newcomer.folder, { ...newcomer.enrolment, delegate: 'third' });
    const renamed = { ...newcomer, groupFile };
    expect(await failureFrom(take(handed, renamed))).toMatchObject({ code: 'KEY_FILE_UNUSABLE' });
    expect(fs.readdirSync(third.folder)).toEqual([]);
  });
});

describe('a delegate hands nothing over', () => {
  const refusalOf = async (more: Partial<TaskInput<'group.handOver'>>): Promise<unknown> => {
    const { code, data } = await failureFrom(give(more));
    return code === 'TASK_REFUSED' ? data : code;
  };

  it('to a sealing key that the newcomer has not signed', async () => {
    const other = await makeMember('other');
    const reason = 'the newcomer has not signed its sealing key';
    expect(await refusalOf({ sealingKey: other.keys.sealing.publicKey })).toEqual({ reason });
    expect(await refusalOf({ identityKey: other.identity.publicKey })).toEqual({ reason });
    expect(
      await refusalOf({ signature: newcomer.identity.sign('sealing-key', newcomer.keys.sealing.publicKey) }),
    ).toEqual({ reason });
    expect(await refusalOf({ signature: '' })).toEqual({ reason });
  });

  it('to a newcomer that its operators do not list, and does to one that they do', async () => {
    const none = new DelegatePolicy({ handOver: { allow: [] } });
    const own = fingerprintOf(newcomer.identity.publicKey);
    const rule = { rule: 'handOver.allow', reason: `it does not list ${own}` };
    expect(await failureFrom(give({}, none))).toMatchObject({ code: 'DELEGATE_POLICY_REFUSED', data: rule });
    await take(await give({}, new DelegatePolicy({ handOver: { allow: [own] } })));
  });

  it('when it lacks the keys itself, or has those of another group', async () => {
    const reason = 'this delegate lacks the keys itself';
    writeDelegateFile(founder.folder, 'group.json', await makeGroupKeys());
    expect(await refusalOf({})).toEqual({ reason });
    fs.rmSync(path.join(founder.folder, 'group.json'));
    expect(await refusalOf({})).toEqual({ reason });
  });

  it('when its keyring is gone, and makes no other one', async () => {
    fs.rmSync(keyringFile(founder.folder));
    expect(await refusalOf({})).toEqual({ reason: 'this delegate lacks the keyring itself' });
    expect(fs.existsSync(keyringFile(founder.folder))).toBe(false);
  });

  it('to a key of low order, for which everybody could open it', async () => {
    const sealingKey = Buffer.alloc(32).toString('base64url');
    const signature = signNewcomer(newcomer.identity, sealingKey);
    await expect(give({ sealingKey, signature })).rejects.toThrow();
  });
});

describe('a newcomer keeps nothing', () => {
  const cases: [string, string, () => unknown][] = [
    ['of another group', 'what was handed over is of another group', () => makeGroupKeys()],
    [
      'with the identity of another group',
      'what was handed over is of another group',
      async () => ({ ...group, identity: (await makeKeys()).identity }),
    ],
    [
      'whose private key is not the public one’s',
      'what was handed over is of another group',
      async () => {
        const { sealing } = await makeKeys();
        return { ...group, sealing: { ...sealing, publicKey: group.sealing.publicKey } };
      },
    ],
    ['of another format', 'what was handed over is not readable', () => ({ ...group, format: 'x' })],
    ['without keys', 'what was handed over is not readable', () => null],
  ];
  it.each(cases)('%s', async (_, reason, make) => {
    await give();
    const ring = JSON.parse(fs.readFileSync(keyringFile(founder.folder), 'utf8')) as unknown;
    const failure = await failureFrom(take(await sealed({ group: await make(), keyring: ring })));
    expect(failure).toMatchObject({ code: 'KEY_FILE_UNUSABLE', data: { reason } });
    expect(fs.readdirSync(newcomer.folder)).toEqual([]);
  });

  it('that is no JSON, and tells none of it', async () => {
    const failure = await failureFrom(take(await sealed('not-json-but-secret')));
    expect(failure).toMatchObject({ data: { reason: 'what was handed over is not readable' } });
    expect(`${failure.message}${JSON.stringify(failure.data)}${String(failure.cause)}`).not.toContain(
      'secret',
    );
  });

  it('that was sealed for another group, or changed on its way', async () => {
    const reason = 'what was handed over cannot be opened';
    expect(await failureFrom(take(await sealed({}, { info: 'g2' })))).toMatchObject({ data: { reason } });
    const { enc, box } = await give();
    const bytes = Buffer.from(box, 'base64url');
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    expect(await failureFrom(take({ enc, box: bytes.toString('base64url') }))).toMatchObject({
      data: { reason },
    });
    expect(await failureFrom(take({ enc: 'x', box: '' }))).toMatchObject({ data: { reason } });
  });

  it('that its own opener does open, so that the refusals above are for their own reason', async () => {
    const opener = new Opener(newcomer.keys.sealing, groupKeysInfo('g1'));
    const opened = await opener.open(await give(), newcomer.enrolment.delegate);
    expect(JSON.parse(opened.toString('utf8'))).toMatchObject({ group });
  });
});
