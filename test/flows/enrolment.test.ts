// An enrolment that breaks off anywhere is finished by asking again: with the same keys, and without a second use of the token.
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type Json } from '../support/api.js';
import { makeCertificates } from '../support/certificates.js';
import { ConnectProxy } from '../support/connect-proxy.js';
import { HeldLine } from '../support/held-line.js';
import { serveUnder } from '../support/path-proxy.js';
import { runCommand } from '../support/processes.js';
import { Stack } from '../support/stack.js';
import { TlsFront } from '../support/tls-front.js';

const PENDING = 'pending-enrolment.json';

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start('real', { delegates: 0 });
});
afterAll(() => stack.stop());

const managerUrl = (): string => stack.manager?.url ?? '';
const fileOf = (folder: string, name: string): string => `${stack.home}/${folder}/${name}`;
const makeToken = async (group: string, uses = 1): Promise<string> =>
  (await stack.api.ok('POST', 'accounts/demo/delegate-tokens', { group, uses })).token;
const delegatesOf = async (group: string): Promise<Json[]> =>
  (await stack.api.ok('GET', 'accounts/demo/delegates')).delegates.filter((one: Json) => one.group === group);
/** Of the group's tokens, the youngest first. */
const usesLeft = async (group: string): Promise<number[]> => {
  const { tokens } = await stack.api.ok('GET', 'accounts/demo/delegate-tokens');
  return tokens.filter((one: Json) => one.group === group).map((one: Json) => one.usesLeft);
};

interface Enrolling {
  manager?: string;
  crashAt?: string;
  name?: string;
  replace?: boolean;
  settings?: Record<string, string>;
}
const enrol = (
  folder: string,
  token: string,
  { manager, crashAt, name = folder, replace = false, settings = {} }: Enrolling = {},
) => {
  const env = {
    ...stack.delegateEnvironment(),
    SALLYPORT_DATA_DIR: `${stack.home}/${folder}`,
    ...settings,
  };
  const args = [
    'enrol',
    '--manager',
    manager ?? managerUrl(),
    '--token',
    '-',
    '--name',
    name,
    ...(replace ? ['--replace'] : []),
  ];
  return runCommand('workers/delegate.js', args, {
    env,
    input: token,
    ...(crashAt === undefined ? {} : { crashAt }),
  });
};

/** The manager has answered, and nobody got the answer. */
async function enrolInVain(folder: string, token: string): Promise<void> {
  const line = await HeldLine.open(managerUrl());
  line.bytesLeft = 0;
  const enrolling = enrol(folder, token, { manager: line.through(managerUrl()) });
  await line.held;
  await line.close();
  const { code, stderr } = await enrolling;
  expect(code).toBe(1);
  expect(stderr).toMatch(/^ENROLMENT_REFUSED: .*cannot be reached.*\n.*enrol again/);
}

async function expectWorking(folder: string): Promise<void> {
  const delegate = await stack.startDelegate(undefined, { SALLYPORT_DATA_DIR: `${stack.home}/${folder}` });
  const called = async () =>
    (await stack.api.ok('GET', 'accounts/demo/delegates')).delegates.find(
      ({ name }: Json) => name === folder,
    );
  await eventually(async () => (await called()).alive, 'the manager to hear of the delegate');
  await delegate.kill('SIGTERM');
}

describe('an enrolment whose answer is lost', () => {
  it('is answered again to whoever has its keys, and leaves one delegate, one use, and the keys of the group', async () => {
    const token = await makeToken('lost');
    await enrolInVain('lost', token);
    const [first] = await delegatesOf('lost');
    expect(first).toMatchObject({ name: 'lost', alive: false });
    expect(await usesLeft('lost')).toEqual([0]);
    expect(fs.readdirSync(`${stack.home}/lost`)).toEqual([PENDING]);
    expect(fs.statSync(fileOf('lost', PENDING)).mode & 0o777).toBe(0o600);
    const again = await enrol('lost', token);
    expect(again.stderr).toBe('');
    expect(again.stdout).toContain(first.fingerprint);
    expect(again.stdout).toContain('holds the keys of the group');
    expect((await delegatesOf('lost')).map(({ id }) => id)).toEqual([first.id]);
    expect(fs.existsSync(fileOf('lost', PENDING))).toBe(false);
    await expectWorking('lost');
  });

  it('is answered to another token of the group, which is not used, and under another name', async () => {
    await enrolInVain('renamed', await makeToken('renamed'));
    const next = await makeToken('renamed');
    const { code, stderr } = await enrol('renamed', next, { name: 'renamed-since' });
    expect([code, stderr]).toEqual([0, '']);
    expect((await delegatesOf('renamed')).map(({ name }) => name)).toEqual(['renamed-since']);
    expect(await usesLeft('renamed')).toEqual([1, 0]);
  });

  it('is not answered to a token of another group, which would get the keys of this one', async () => {
    await enrolInVain('strayed', await makeToken('strayed'));
    const { code, stderr } = await enrol('strayed', await makeToken('strange'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/ENROLMENT_REFUSED: .*has enrolled with this identity key before/);
    expect(await delegatesOf('strange')).toEqual([]);
    expect(await usesLeft('strange')).toEqual([1]);
    // Nor with another identity: the group's own keys are known as well.
    const pending = JSON.parse(fs.readFileSync(fileOf('strayed', PENDING), 'utf8')) as Record<string, object>;
    await enrol('other', 'spd_unknown');
    const other = JSON.parse(fs.readFileSync(fileOf('other', PENDING), 'utf8')) as Record<string, object>;
    fs.writeFileSync(fileOf('other', PENDING), JSON.stringify({ ...other, group: pending.group }));
    const refused = await enrol('other', await makeToken('strange'));
    expect(refused.stderr).toMatch(/ENROLMENT_REFUSED: .*are those of another group/);
    expect(await delegatesOf('strange')).toEqual([]);
  });

  it('is not answered once its token is revoked', async () => {
    const token = await makeToken('withdrawn');
    await enrolInVain('withdrawn', token);
    const { tokens } = await stack.api.ok('GET', 'accounts/demo/delegate-tokens');
    const { id } = tokens.find((one: Json) => one.group === 'withdrawn');
    await stack.api.ok('DELETE', `accounts/demo/delegate-tokens/${id}`);
    expect((await enrol('withdrawn', token)).stderr).toContain('was revoked');
    expect(fs.existsSync(fileOf('withdrawn', PENDING))).toBe(true);
  });

  it('is not answered to whoever kept it, once the delegate has spoken', async () => {
    const token = await makeToken('spoken', 2);
    await enrolInVain('spoken', token);
    const kept = fs.readFileSync(fileOf('spoken', PENDING));
    await enrol('spoken', token);
    await expectWorking('spoken');
    fs.mkdirSync(`${stack.home}/thief`);
    fs.writeFileSync(fileOf('thief', PENDING), kept, { mode: 0o600 });
    const { code, stderr } = await enrol('thief', token);
    expect(code).toBe(1);
    expect(stderr).toMatch(/ENROLMENT_REFUSED: .*has enrolled with this identity key before/);
    await expectWorking('spoken');
  });

  it('does not take the name of another delegate of the group', async () => {
    const token = await makeToken('names', 2);
    expect((await enrol('names-1', token)).code).toBe(0);
    await enrolInVain('names-2', token);
    const { stderr } = await enrol('names-2', token, { name: 'names-1' });
    expect(stderr).toMatch(/ENROLMENT_REFUSED: .*another delegate of the group is called names-1/);
    expect((await enrol('names-2', token)).code).toBe(0);
  });
});

describe('an enrolment that is killed', () => {
  it.each(['before', 'after'])('%s the answer has come is finished by the next run', async (moment) => {
    const group = `killed-${moment}`;
    const token = await makeToken(group);
    const { code } = await enrol(group, token, { crashAt: `delegate.enrol:${moment}` });
    expect(code).toBe(-1);
    expect(fs.readdirSync(`${stack.home}/${group}`)).toEqual([PENDING]);
    const again = await enrol(group, token);
    expect([again.code, again.stderr]).toEqual([0, '']);
    expect(again.stdout).toContain('holds the keys of the group');
    expect(await usesLeft(group)).toEqual([0]);
    await expectWorking(group);
  });
});

describe('a data folder', () => {
  it('that cannot be written costs no use: it is found before the call', async () => {
    const token = await makeToken('shut');
    fs.writeFileSync(`${stack.home}/no-folder`, '');
    const { code, stderr } = await enrol('no-folder/data', token, { name: 'shut' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^KEY_FILE_UNUSABLE: /);
    expect(await delegatesOf('shut')).toEqual([]);
    expect(await usesLeft('shut')).toEqual([1]);
  });

  it('that takes only a part of the files gets the others in the next run, without a manager', async () => {
    const token = await makeToken('half');
    fs.mkdirSync(fileOf('half', 'group.json'), { recursive: true });
    const { code, stderr } = await enrol('half', token);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^KEY_FILE_UNUSABLE: .*group.json/);
    expect(fs.existsSync(fileOf('half', 'delegate.json'))).toBe(false);
    fs.rmdirSync(fileOf('half', 'group.json'));
    const again = await enrol('half', 'no token that any manager knows');
    expect(again.stdout).toContain('holds the keys of the group');
    expect(fs.readdirSync(`${stack.home}/half`).toSorted()).toEqual([
      'delegate.json',
      'group.json',
      'identity.json',
      'keyring.json',
    ]);
    await expectWorking('half');
  });
});

describe('an enrolment that was cut off at its very end', () => {
  /** Enrols, and puts back the file that the end of it removes. */
  async function enrolled(folder: string): Promise<void> {
    await enrol(folder, await makeToken(folder));
    const [own, group, enrolment] = ['identity', 'group', 'delegate'].map((name) =>
      JSON.parse(fs.readFileSync(fileOf(folder, `${name}.json`), 'utf8')),
    );
    const pending = { format: 'sallyport-pending-1', own, group, enrolment };
    fs.writeFileSync(fileOf(folder, PENDING), JSON.stringify(pending), { mode: 0o600 });
  }

  it('does not stand in for the one that is asked now', async () => {
    await enrolled('over');
    const token = await makeToken('over-new');
    const { code, stdout } = await enrol('over', token, { replace: true });
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('in group over-new') });
    expect(await usesLeft('over-new')).toEqual([0]);
  });

  it('is not taken for one with another manager', async () => {
    await enrolled('moved');
    const { code, stdout, stderr } = await enrol('moved', 'token', { manager: 'http://127.0.0.1:9' });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^ENROLMENT_REFUSED: .*in group moved at http/);
  });

  it('is forgotten when its delegate starts', async () => {
    await enrolled('started');
    await expectWorking('started');
    expect(fs.existsSync(fileOf('started', PENDING))).toBe(false);
  });
});

describe('a manager behind an HTTP proxy', () => {
  it('is reached through the proxy of the settings, which sees a name and no token, unless it is to be bypassed', async () => {
    const certificates = makeCertificates();
    const front = await TlsFront.open(managerUrl(), { pair: certificates.server, http2: false });
    const proxy = await ConnectProxy.open({ credential: 'anna:pass' });
    const manager = `https://a.git.test:${front.port}`;
    const settings = {
      SALLYPORT_GIT_CA_FILE: certificates.authorityFile,
      SALLYPORT_GIT_PROXY_URL: proxy.url.replace('://', '://anna:pass@'),
      SALLYPORT_GIT_PROXY_RESOLVES: 'true',
    };
    try {
      const token = await makeToken('behind');
      const bypassed = await enrol('behind', token, {
        manager,
        settings: { ...settings, SALLYPORT_GIT_PROXY_BYPASS: '.git.test' },
      });
      expect(bypassed.stderr).toMatch(/ENROLMENT_REFUSED: .*cannot be reached: getaddrinfo/);
      expect(proxy.lines).toEqual([]);
      const { code, stderr } = await enrol('behind', token, { manager, settings });
      expect([code, stderr]).toEqual([0, '']);
      expect(proxy.lines).toEqual([`a.git.test:${front.port}`]);
      expect(proxy.authorizations).toEqual([]);
      const env = { ...stack.delegateEnvironment(), ...settings, SALLYPORT_DATA_DIR: `${stack.home}/behind` };
      const { stdout } = await runCommand('workers/delegate.js', ['doctor', '--json'], { env });
      const { checks } = JSON.parse(stdout) as { checks: Json[] };
      expect(checks.find(({ name }) => name === 'manager')).toMatchObject({
        status: 'ok',
        found: expect.stringContaining(manager),
      });
      expect(proxy.lines).toHaveLength(2);
    } finally {
      await proxy.close();
      await front.close();
      certificates.remove();
    }
  });

  it('is none where it is on this machine', async () => {
    const settings = { SALLYPORT_GIT_PROXY_URL: 'http://127.0.0.1:9' };
    const { code, stderr } = await enrol('near', await makeToken('near'), { settings });
    expect([code, stderr]).toEqual([0, '']);
  });
});

describe('a manager under a path of a proxy', () => {
  let proxy: { url: string; close: () => Promise<void> };
  beforeAll(async () => {
    proxy = await serveUnder('/tools/sallyport', managerUrl());
  });
  afterAll(() => proxy.close());

  it.each(['', '/'])('is enrolled with and examined there, with %j at the end', async (end) => {
    const folder = `under${end.length}`;
    const manager = `${proxy.url}/tools/sallyport`;
    const { code, stderr } = await enrol(folder, await makeToken(folder), { manager: `${manager}${end}` });
    expect([code, stderr]).toEqual([0, '']);
    const env = { ...stack.delegateEnvironment(), SALLYPORT_DATA_DIR: `${stack.home}/${folder}` };
    const { stdout } = await runCommand('workers/delegate.js', ['doctor', '--json'], { env });
    const { checks } = JSON.parse(stdout) as { checks: Json[] };
    expect(checks).toContainEqual({ name: 'manager', status: 'ok', found: `${manager} is up` });
  });

  it('is not found without the path, and whoever forgot it is told so', async () => {
    const { code, stderr } = await enrol('astray', await makeToken('astray'), { manager: proxy.url });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ENROLMENT_REFUSED: .*answers 404, and not as a manager does\n.*with the path/);
    expect(await usesLeft('astray')).toEqual([1]);
  });
});
