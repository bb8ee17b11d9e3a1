// The private keys of a group, wrapped by a KMS of the delegates' own operators: their files are worth nothing without it, and all
// that the keys are for goes on.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SealingTargets, sealValue, targetIn } from '../../src/sealing/client-sealing.js';
import type { GroupKeysFile } from '../../workers/runtime/delegate-files.js';
import { eventually, type Json } from '../support/api.js';
import { type RunningProcess, runCommand, startDelegate } from '../support/processes.js';
import { assertSound } from '../support/repository.js';
import { AwsServer } from '../support/secret-servers/aws.js';
import { Stack } from '../support/stack.js';

const SCOPE = 'accounts/demo';
const into = { connector: 'delegated', branch: 'main' };
const health = { SALLYPORT_DELEGATE_HEALTH_PORT: '0' };

let stack: Stack;
let aws: AwsServer;
let key: string;
let delegate: RunningProcess;

const pathOf = (name: string, folder = 'delegate'): string => `${stack.home}/${folder}/${name}`;
const read = (folder = 'delegate'): Json => JSON.parse(fs.readFileSync(pathOf('group.json', folder), 'utf8'));
const environment = (folder = 'delegate') => ({
  ...stack.delegateEnvironment(),
  ...health,
  SALLYPORT_DATA_DIR: `${stack.home}/${folder}`,
});
const groupKeys = (form: 'wrap' | 'unwrap', crashAt?: string) =>
  runCommand('workers/delegate.js', ['group-keys', form], {
    env: environment(),
    ...(crashAt === undefined ? {} : { crashAt }),
  });
const start = async (folder = 'delegate'): Promise<RunningProcess> =>
  stack.startDelegate(undefined, { ...health, SALLYPORT_DATA_DIR: `${stack.home}/${folder}` });

function writePolicy(folder = 'delegate', settings: object = {}): void {
  const { accessKeyId, secretAccessKey } = aws.accounts.issue('operator');
  const credentialFile = `${stack.home}/kms-${folder}.json`;
  fs.writeFileSync(credentialFile, JSON.stringify({ accessKeyId, secretAccessKey }), { mode: 0o600 });
  const kms = { kind: 'aws-kms', region: aws.region, key, endpoint: aws.url, ...settings };
  fs.mkdirSync(`${stack.home}/${folder}`, { recursive: true, mode: 0o700 });
  const policy = { groupKeys: { wrappedBy: { settings: kms, credentialFile } } };
  fs.writeFileSync(pathOf('policy.yaml', folder), JSON.stringify(policy));
}

const privateKeysOf = ({ identity, sealing, p256, staged, previous }: GroupKeysFile): string[] =>
  [
    identity,
    ...[{ sealing, p256 }, ...(staged === null ? [] : [staged]), ...previous].flatMap((pairs) => [
      pairs.sealing.privateKey,
      pairs.p256?.privateKey,
    ]),
  ].filter((text) => text !== undefined);

/** In which of these files any of the keys is, in whatever form. */
function filesWith(keys: string[], files: string[]): string[] {
  const needles = keys.flatMap((text) => {
    const bytes = Buffer.from(text, 'base64url');
    const forms = (['base64url', 'base64', 'hex'] as const).map((form) => Buffer.from(bytes.toString(form)));
    return [bytes, ...forms];
  });
  return files.filter((file) => {
    const content = fs.readFileSync(file);
    return needles.some((needle) => content.includes(needle));
  });
}
const filesOf = (folder = 'delegate'): string[] =>
  fs
    .readdirSync(`${stack.home}/${folder}`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => `${parentPath}/${name}`);

const save = (connector = 'delegated') =>
  stack.api.save(`e${randomUUID().replaceAll('-', '_')}`, 'name: x\n', { ...into, connector });

/** A value that a client seals to the group, and a save that needs it. */
async function assertWorks(): Promise<void> {
  const saved = await save();
  expect(saved.status, saved.text).toBe(201);
  const targets: SealingTargets = await stack.api.ok('GET', `${SCOPE}/secret-managers/keyring/sealing-key`);
  const target = targetIn('x25519', targets);
  const secret = `s${randomUUID().replaceAll('-', '_')}`;
  const expiresAt = Date.now() + 10 * 60_000;
  const version = randomUUID();
  const place = { scope: SCOPE, secret, version, managerScope: SCOPE, manager: 'keyring', expiresAt };
  const sealed = await sealValue(Buffer.from(stack.accounts.delegate.password), target, place);
  const body = { manager: 'keyring', sealed: { group: target.group, version, expiresAt, ...sealed } };
  await stack.api.ok('PUT', `${SCOPE}/secrets/${secret}`, body);
  const credential = { username: stack.accounts.delegate.username, secret };
  const connector = { url: stack.repositoryUrl, connectivity: 'delegate', credential };
  await stack.api.ok('PUT', `${SCOPE}/connectors/${secret}`, connector);
  const withValue = await save(secret);
  expect(withValue.status, withValue.text).toBe(201);
}

async function rotate(): Promise<Json> {
  const { rotation } = await stack.api.ok('POST', `${SCOPE}/delegate-groups/local/rotate`, {});
  return eventually(
    async () => {
      const [group] = (await stack.api.ok('GET', `${SCOPE}/delegate-groups`)).groups;
      return group.rotation.id === rotation.id && group.rotation.state === 'done' && group;
    },
    'the rotation to be done',
    60_000,
  );
}

async function refusedStart(): Promise<string> {
  const victim = await startDelegate({ env: environment(), detached: true });
  expect(await victim.ended()).not.toBe('0');
  return victim.output();
}

beforeAll(async () => {
  aws = await AwsServer.open();
  key = aws.keys.create();
  stack = await Stack.start('real', { settings: health });
  delegate = stack.delegates[0] as RunningProcess;
});
afterAll(async () => {
  assertSound(stack.repository);
  await stack.stop();
  await aws.close();
});

describe('group keys that a KMS wraps', () => {
  it('are in no file any more, wherever the command was killed, and go on being used', async () => {
    const keys = privateKeysOf(read() as GroupKeysFile);
    expect(filesWith(keys, filesOf())).toEqual([pathOf('group.json')]);
    await delegate.kill('SIGTERM');
    const unsaid = await groupKeys('wrap');
    expect(unsaid).toMatchObject({ code: 1, stderr: expect.stringContaining('groupKeys.wrappedBy') });
    writePolicy();
    // As of a process that was killed between writing it and renaming it.
    fs.copyFileSync(pathOf('group.json'), pathOf('group.json.4711'));
    expect((await groupKeys('wrap', 'delegate.wrap-group-keys:before')).code).not.toBe(0);
    expect(read().format).toBe('sallyport-group-2');
    expect((await groupKeys('wrap', 'delegate.wrap-group-keys:after')).code).not.toBe(0);
    expect(read().format).toBe('sallyport-group-wrapped-1');
    const wrapped = await groupKeys('wrap');
    expect(wrapped, wrapped.stderr).toMatchObject({ code: 0, stderr: '' });
    expect(filesWith(keys, filesOf())).toEqual([]);
    expect(fs.statSync(pathOf('group.json')).mode & 0o777).toBe(0o600);
    delegate = await start();
    await assertWorks();
  });

  it('come to a newcomer wrapped, and stay so at a delegate when they are rotated', async () => {
    writePolicy('delegate-2');
    await start('delegate-2');
    expect(read('delegate-2').format).toBe('sallyport-group-wrapped-1');
    const before = ['delegate', 'delegate-2'].map((folder) => read(folder));
    const group = await rotate();
    expect(group.delegates.map(({ has }: Json) => has)).toEqual(['current', 'current']);
    const after = ['delegate', 'delegate-2'].map((folder) => read(folder));
    expect(after.map(({ format }) => format)).toEqual(before.map(({ format }) => format));
    for (const [at, one] of after.entries()) expect(one).not.toEqual(before[at]);
    await stack.delegates.at(-1)?.kill('SIGTERM');
    await assertWorks();
    const copies = ['delegate', 'delegate-2'].map((folder) => {
      fs.copyFileSync(pathOf('group.json', folder), `${stack.home}/wrapped-${folder}.json`);
      return `${stack.home}/wrapped-${folder}.json`;
    });
    await delegate.kill('SIGTERM');
    expect((await groupKeys('unwrap')).code).toBe(0);
    const keys = privateKeysOf(read() as GroupKeysFile);
    expect(keys).toHaveLength(5);
    expect(filesWith(keys, [...copies, pathOf('group.json')])).toEqual([pathOf('group.json')]);
    expect((await groupKeys('wrap')).code).toBe(0);
    delegate = await start();
    await assertWorks();
  });

  it('are waited for while the KMS is away, which log and health say, and then used', async () => {
    await delegate.kill('SIGTERM');
    aws.inject = () => 'cut';
    const waiting = await startDelegate({ env: environment(), detached: true });
    const lines = (): Json[] =>
      waiting
        .output()
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line));
    const said = await eventually(
      async () => lines().find(({ code }) => code === 'SECRET_MANAGER_UNAVAILABLE'),
      'the delegate to say whom it waits for',
      60_000,
    );
    expect(said).toMatchObject({
      msg: 'waits for the KMS that wraps the keys of the group',
      hint: expect.stringContaining('tried again by itself'),
    });
    const url = lines().find(({ msg }) => msg === 'tells of its health')?.url;
    const ready = async () => (await (await fetch(`${url}/readyz`)).json()) as Json;
    expect((await ready()).reasons).toContain(
      'it waits for the KMS that wraps the keys of its group: SECRET_MANAGER_UNAVAILABLE',
    );
    aws.inject = () => undefined;
    await eventually(async () => (await ready()).ready, 'the delegate to take tasks', 60_000);
    await assertWorks();
    await waiting.kill('SIGTERM');
  });

  it('are rotated once the KMS is back, and nothing else waits for it', async () => {
    delegate = await start();
    const before = read();
    aws.inject = () => 'cut';
    await stack.api.ok('POST', `${SCOPE}/delegate-groups/local/rotate`, {});
    await eventually(
      async () => {
        const [group] = (await stack.api.ok('GET', `${SCOPE}/delegate-groups`)).groups;
        return group.rotation.waitsFor?.includes('groupKeys.wrappedBy');
      },
      'the rotation to say what it waits for',
      60_000,
    );
    expect(read()).toEqual(before);
    await assertWorks();
    aws.inject = () => undefined;
    const group = await rotate();
    expect(group.keys.edition).not.toBeNull();
    expect(read().format).toBe('sallyport-group-wrapped-1');
    expect(read()).not.toEqual(before);
    await assertWorks();
    await delegate.kill('SIGTERM');
  });

  it('stop a delegate at its start where the KMS will not open them', async () => {
    aws.keys.set(key, 'Disabled');
    expect(await refusedStart()).toContain('SECRET_KEY_DISABLED');
    aws.keys.set(key, 'Enabled');
    writePolicy('delegate', { key: aws.keys.create() });
    expect(await refusedStart()).toContain('SECRET_KEY_WRONG');
    fs.rmSync(pathOf('policy.yaml'));
    expect(await refusedStart()).toContain('groupKeys.wrappedBy');
    writePolicy();
    delegate = await start();
    await assertWorks();
  });

  it('are told of by the doctor', async () => {
    const findings = async (): Promise<Json> => {
      const { stdout } = await runCommand('workers/delegate.js', ['doctor', '--json'], {
        env: environment(),
      });
      return JSON.parse(stdout).checks.find(({ name }: Json) => name === 'group keys');
    };
    expect(await findings()).toMatchObject({
      status: 'ok',
      found: expect.stringContaining('wrapped by aws-kms'),
    });
    aws.keys.set(key, 'Disabled');
    expect(await findings()).toMatchObject({
      status: 'wrong',
      found: expect.stringContaining('it is disabled'),
    });
    aws.keys.set(key, 'Enabled');
    await delegate.kill('SIGTERM');
    expect((await groupKeys('unwrap')).code).toBe(0);
    expect(await findings()).toMatchObject({
      status: 'note',
      mend: expect.stringContaining('group-keys wrap'),
    });
    delegate = await start();
    expect(delegate.output()).toContain('has the keys of the group as they are');
    await assertWorks();
  });
});
