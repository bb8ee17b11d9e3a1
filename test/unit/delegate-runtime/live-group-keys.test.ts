import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type GroupEdition,
  idOfEdition,
  isGenuineEdition,
  signEdition,
} from '../../../src/contract/group-keys.js';
import { taskInfo } from '../../../src/contract/messages.js';
import { contractVersion } from '../../../src/contract/version.js';
import { openKeyFile } from '../../../src/envelope/key-file.js';
import { Sealer } from '../../../src/sealing/hpke.js';
import { Identity } from '../../../src/sealing/identity.js';
import {
  type EnrolmentFile,
  type GroupKeysFile,
  type IdentityFile,
  makeGroupKeys,
  makeKeys,
  readDelegateFile,
  writeDelegateFile,
} from '../../../workers/runtime/delegate-files.js';
import { GroupFile } from '../../../workers/runtime/group-file.js';
import { findGroupKeys, handOver, keyringFile } from '../../../workers/runtime/group-keys.js';
import { PREVIOUS_MS } from '../../../workers/runtime/group-rotation.js';
import { type Holder, LiveGroupKeys } from '../../../workers/runtime/live-group-keys.js';
import { DelegatePolicy } from '../../../workers/runtime/policy.js';
import { failureFrom } from '../support/refusals.js';

interface Member extends Holder {
  folder: string;
  enrolment: EnrolmentFile;
}

let home = '';
let group: GroupKeysFile;
let holder: Member;
let live: LiveGroupKeys;
let now = 0;
const opened: LiveGroupKeys[] = [];
const all = { keys: ['sealing' as const, 'keyring' as const], current: null };

beforeEach(async () => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-live-'));
  now = Date.now();
  group = await makeGroupKeys();
  holder = await makeHolder('d1');
  writeDelegateFile(holder.folder, 'group.json', group);
  openKeyFile(keyringFile(holder.folder), { createIfMissing: true });
  live = await open(holder);
});
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
  fs.rmSync(home, { recursive: true, force: true });
});

async function open(of: Holder): Promise<LiveGroupKeys> {
  const one = await LiveGroupKeys.open(of, { now: () => now });
  opened.push(one);
  return one;
}

async function makeHolder(delegate: string): Promise<Member> {
  const keys: IdentityFile = { format: 'sallyport-identity-1', ...(await makeKeys()) };
  const identity = new Identity(group.identity);
  const manager = await makeKeys();
  const sealingKey = group.sealing.publicKey;
  const signature = identity.sign('sealing-key', sealingKey);
  const enrolment: EnrolmentFile = {
    format: 'sallyport-enrolment-1',
    name: delegate,
    managerUrl: 'https://manager.example',
    deployment: 'test',
    delegate,
    group: {
      id: 'g1',
      name: 'g',
      scope: 'accounts/a',
      identityKey: identity.publicKey,
      sealingKey,
      signature,
    },
    manager: { identityKey: new Identity(manager.identity).publicKey, sealingKey: manager.sealing.publicKey },
    queue: { kind: 'postgres' },
  };
  const folder = path.join(home, delegate);
  fs.mkdirSync(folder);
  return { folder, enrolment, keys, groupFile: new GroupFile(folder, enrolment) };
}

const fileOf = ({ folder }: Member): GroupKeysFile => readDelegateFile(folder, 'group.json') as GroupKeysFile;
const sealed = (publicKey: string) =>
  new Sealer(publicKey, taskInfo('test', 'g1')).seal(Buffer.from('task'), 'c');
const opens = async (by: LiveGroupKeys, publicKey: string): Promise<boolean> =>
  by.open(await sealed(publicKey), 'c').then(
    (bytes) => bytes.toString() === 'task',
    () => false,
  );
const handTo = ({ enrolment, keys }: Member, from = holder) =>
  handOver(from.groupFile, new DelegatePolicy({}), {
    delegate: enrolment.delegate,
    identityKey: new Identity(keys.identity).publicKey,
    sealingKey: keys.sealing.publicKey,
    signature: new Identity(keys.identity).sign('group-keys', keys.sealing.publicKey),
    contract: contractVersion,
  });
/** As somebody who has the group's identity could make it. */
const forge = (more: Partial<Parameters<typeof signEdition>[1]>, by = group.identity): GroupEdition =>
  signEdition(new Identity(by), {
    rotation: randomUUID(),
    number: 1,
    sealingKey: group.sealing.publicKey,
    p256Key: group.p256?.publicKey as string,
    keyring: live.keyring.active.id,
    ...more,
  });

describe('staged keys', () => {
  it('open and do nothing else, and are the same when they are asked for again, after a restart too', async () => {
    const wrapping = live.keyring.active.id;
    const rotation = randomUUID();
    const edition = await live.stage({ rotation, ...all });
    expect(isGenuineEdition(edition, holder.enrolment.group.identityKey)).toBe(true);
    expect(edition.sealingKey).not.toBe(group.sealing.publicKey);
    expect(live.keyring.active.id).toBe(wrapping);
    expect(live.keyring.find(edition.keyring)).toBeDefined();
    expect(live.pairsOf('x25519').map(({ publicKey }) => publicKey)).toEqual([
      group.sealing.publicKey,
      edition.sealingKey,
    ]);
    expect(live.state).toMatchObject({ edition: null, staged: idOfEdition(edition) });
    expect(await live.stage({ rotation, ...all })).toEqual(edition);
    expect(await (await open(holder)).stage({ rotation, ...all })).toEqual(edition);
    expect(await opens(live, edition.sealingKey)).toBe(true);
  });

  it('of a rotation that came to nothing give way to those of the next', async () => {
    const first = await live.stage({ rotation: randomUUID(), ...all });
    const next = await live.stage({ rotation: randomUUID(), ...all });
    expect(live.state.staged).toBe(idOfEdition(next));
    expect((await failureFrom(live.promote({ edition: first }))).data).toEqual({
      reason: 'this delegate does not have these keys',
    });
    for (const key of [group.sealing.publicKey, first.sealingKey, next.sealingKey])
      expect(await opens(live, key)).toBe(true);
  });

  it('that were published are taken into use before others are made, and none of them is lost', async () => {
    const wrapping = live.keyring.active.id;
    const first = await live.stage({ rotation: randomUUID(), ...all });
    const next = await live.stage({ rotation: randomUUID(), ...all, current: first });
    expect(next.number).toBe(first.number + 1);
    expect(live.state).toMatchObject({ edition: idOfEdition(first), staged: idOfEdition(next) });
    expect(live.keyring.active.id).toBe(first.keyring);
    for (const key of [group.sealing.publicKey, first.sealingKey, next.sealingKey])
      expect(await opens(live, key)).toBe(true);
    for (const id of [wrapping, first.keyring, next.keyring]) expect(live.keyring.find(id)).toBeDefined();
    expect(await opens(await open(holder), first.sealingKey)).toBe(true);
  });

  it('are not made to follow others than this delegate has', async () => {
    const staged = await live.stage({ rotation: randomUUID(), ...all });
    const stageAfter = (current: GroupEdition | null) =>
      failureFrom(live.stage({ rotation: randomUUID(), ...all, current }));
    expect((await stageAfter(forge({}))).data).toEqual({ reason: 'this delegate does not have these keys' });
    expect((await stageAfter(forge({}, Identity.make()))).data).toEqual({
      reason: 'the identity of the group did not sign these keys',
    });
    expect(live.state).toMatchObject({ edition: null, staged: idOfEdition(staged) });
    await live.promote({ edition: staged });
    expect((await stageAfter(null)).data).toEqual({
      reason: 'this delegate has newer keys than those that are to follow',
    });
    expect(live.state).toMatchObject({ edition: idOfEdition(staged), staged: null });
  });

  it('are only what was asked for, and a second suite where there was none', async () => {
    writeDelegateFile(holder.folder, 'group.json', { ...group, p256: null });
    const old = await open(holder);
    const edition = await old.stage({ rotation: randomUUID(), keys: ['keyring'], current: null });
    expect(edition.sealingKey).toBe(group.sealing.publicKey);
    expect(edition.keyring).not.toBe(old.keyring.active.id);
    await old.promote({ edition });
    expect(old.pairsOf('p256').map(({ publicKey }) => publicKey)).toEqual([edition.p256.sealingKey]);
    expect(fileOf(holder).previous).toEqual([]);
    const next = await old.stage({ rotation: randomUUID(), keys: ['sealing'], current: edition });
    expect(next.keyring).toBe(edition.keyring);
    expect(next.sealingKey).not.toBe(edition.sealingKey);
    expect(next.number).toBe(2);
  });
});

describe('promoted keys', () => {
  it('are used from then on; those of before open until their time is over, and are destroyed', async () => {
    const wrapping = live.keyring.active.id;
    const edition = await live.stage({ rotation: randomUUID(), ...all });
    await live.promote({ edition });
    await live.promote({ edition });
    expect(live.state).toMatchObject({ edition: idOfEdition(edition), staged: null });
    expect(live.keyring.active.id).toBe(edition.keyring);
    expect(live.keyring.find(wrapping)).toBeDefined();
    now += PREVIOUS_MS - 1;
    expect(await opens(live, group.sealing.publicKey)).toBe(true);
    expect(live.pairsOf('p256')).toHaveLength(2);
    now += 1;
    expect(await opens(live, group.sealing.publicKey)).toBe(false);
    expect(live.pairsOf('p256')).toHaveLength(1);
    expect(await opens(live, edition.sealingKey)).toBe(true);
    await live.tidy();
    const text = fs.readFileSync(path.join(holder.folder, 'group.json'), 'utf8');
    for (const gone of [group.sealing.privateKey, group.p256?.privateKey]) expect(text).not.toContain(gone);
  });

  it('of two rotations within that time both open', async () => {
    for (const _ of [1, 2]) {
      const current = fileOf(holder).edition;
      await live.promote({ edition: await live.stage({ rotation: randomUUID(), ...all, current }) });
    }
    expect(live.pairsOf('x25519')).toHaveLength(3);
    expect(await opens(live, group.sealing.publicKey)).toBe(true);
  });

  it('are destroyed at the next start where nobody was there when their time was over', async () => {
    await live.promote({ edition: await live.stage({ rotation: randomUUID(), ...all }) });
    now += PREVIOUS_MS;
    await open(holder);
    expect(fileOf(holder).previous).toEqual([]);
  });

  it('are taken into use again where that was cut off between the two files', async () => {
    const edition = await live.stage({ rotation: randomUUID(), ...all });
    const before = fs.readFileSync(path.join(holder.folder, 'group.json'));
    await live.promote({ edition });
    fs.writeFileSync(path.join(holder.folder, 'group.json'), before);
    const again = await open(holder);
    expect(again.state.staged).toBe(idOfEdition(edition));
    await again.promote({ edition });
    expect(again.state).toMatchObject({ edition: idOfEdition(edition), staged: null });
  });

  it.each<[string, (edition: GroupEdition) => GroupEdition | Promise<GroupEdition>]>([
    [
      'that another identity signed',
      (edition) => forge({ ...edition, p256Key: edition.p256.sealingKey }, Identity.make()),
    ],
    [
      'with a sealing key of somebody else',
      async (edition) => ({ ...edition, sealingKey: (await makeKeys()).sealing.publicKey }),
    ],
    ['with another keyring', (edition) => ({ ...edition, keyring: 'other' })],
    ['of another number', (edition) => ({ ...edition, number: 9 })],
    [
      'whose second key was signed for the first suite',
      (edition) => ({ ...edition, p256: { ...edition.p256, signature: edition.signature } }),
    ],
  ])('are none %s', async (_, change) => {
    const edition = await live.stage({ rotation: randomUUID(), ...all });
    const failure = await failureFrom(live.promote({ edition: await change(edition) }));
    expect(failure).toMatchObject({
      code: 'TASK_REFUSED',
      data: { reason: 'the identity of the group did not sign these keys' },
    });
    expect(live.state.edition).toBeNull();
  });
});

describe('keys that are handed over', () => {
  it('come with what is staged and what still opens, and replace what another rotation left', async () => {
    const other = await makeHolder('d2');
    writeDelegateFile(other.folder, 'group.json', group);
    fs.copyFileSync(keyringFile(holder.folder), keyringFile(other.folder));
    const theirs = await open(other);
    await theirs.stage({ rotation: randomUUID(), ...all });
    const first = await live.stage({ rotation: randomUUID(), ...all });
    await live.promote({ edition: first });
    const next = await live.stage({ rotation: randomUUID(), ...all, current: first });
    await theirs.adopt(await handTo(other));
    expect(theirs.state).toMatchObject({ edition: idOfEdition(first), staged: idOfEdition(next) });
    expect(theirs.keyring.active.id).toBe(first.keyring);
    expect(theirs.keyring.find(next.keyring)).toBeDefined();
    for (const key of [group.sealing.publicKey, first.sealingKey, next.sealingKey])
      expect(await opens(theirs, key)).toBe(true);
  });

  it('are refused where they are older than those that are there: somebody recorded them', async () => {
    const other = await makeHolder('d2');
    const recorded = await handTo(other);
    await live.promote({ edition: await live.stage({ rotation: randomUUID(), ...all }) });
    writeDelegateFile(other.folder, 'group.json', group);
    fs.copyFileSync(keyringFile(holder.folder), keyringFile(other.folder));
    const theirs = await open(other);
    await theirs.adopt(await handTo(other));
    const before = theirs.state.edition;
    expect((await failureFrom(theirs.adopt(recorded))).data).toMatchObject({
      reason: 'what was handed over is older than what is there',
    });
    expect(theirs.state.edition).toBe(before);
  });

  it('are valid by the identity’s signature, whatever key the enrolment pinned, and by nothing else', async () => {
    const edition = await live.stage({ rotation: randomUUID(), ...all });
    await live.promote({ edition });
    const promoted = fileOf(holder);
    expect(await findGroupKeys(holder.groupFile)).toEqual(promoted);
    const { sealing } = await makeKeys();
    const strangers: Partial<GroupKeysFile>[] = [
      { sealing },
      { edition: forge({ ...edition, p256Key: edition.p256.sealingKey }, Identity.make()) },
      { edition: { ...edition, number: 2 } },
      { p256: null },
      { edition: null },
      { staged: { edition: forge({}), sealing, p256: group.p256 as NonNullable<typeof group.p256> } },
    ];
    for (const stranger of strangers) {
      writeDelegateFile(holder.folder, 'group.json', { ...promoted, ...stranger });
      expect(await findGroupKeys(holder.groupFile), JSON.stringify(Object.keys(stranger))).toBeUndefined();
    }
  });

  it('come to a delegate that knows of no editions as those the group was founded with', async () => {
    fs.writeFileSync(
      path.join(holder.folder, 'group.json'),
      JSON.stringify({ format: 'sallyport-group-1', identity: group.identity, sealing: group.sealing }),
      { mode: 0o600 },
    );
    expect(await findGroupKeys(holder.groupFile)).toEqual({ ...group, p256: null });
  });
});

it('a task opens that was sealed to the delegate itself, and none for a stranger', async () => {
  expect(await opens(live, holder.keys.sealing.publicKey)).toBe(true);
  expect(await opens(live, (await makeKeys()).sealing.publicKey)).toBe(false);
});
