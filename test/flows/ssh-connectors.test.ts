// A repository that only SSH reaches, from the API through manager and delegate to sshd.
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DocumentedApi } from '../support/documented-api.js';
import type { TestRepository } from '../support/git-world.js';
import { SshWorld } from '../support/ssh-world.js';
import { Stack } from '../support/stack.js';

let world: SshWorld;
let stack: Stack;
let api: DocumentedApi;
let repository: TestRepository;

beforeAll(async () => {
  world = await SshWorld.open();
  repository = world.create({ files: { 'README.md': 'demo\n' } });
  // The engine of http repositories stays the default one.
  stack = await Stack.start('real');
  api = await DocumentedApi.open(stack.api);
  await api.ok(
    'PUT',
    'accounts/demo/secrets/deploy-key',
    await stack.sealForDelegate('deploy-key', world.key),
  );
});
afterAll(async () => {
  await stack.stop();
  await world.close();
});

const whole = () => ({
  url: repository.remote.url,
  connectivity: 'delegate',
  credential: { username: repository.remote.username, secret: 'deploy-key' },
  knownHosts: repository.remote.knownHosts,
});
const connect = (id: string, body: object) => api.request('PUT', `accounts/demo/connectors/${id}`, body);
const check = (id: string) => api.ok('POST', `accounts/demo/connectors/${id}/check`);

describe('an SSH connector', () => {
  it('is answered with its known hosts, checked and saved through', async () => {
    const made = await connect('ssh', whole());
    expect(made).toMatchObject({ status: 201, body: { knownHosts: repository.remote.knownHosts } });
    expect(await api.ok('GET', 'accounts/demo/connectors/ssh')).toEqual(made.body);
    expect(await check('ssh')).toMatchObject({ ok: true, connectivity: 'delegate' });
    const saved = await api.save('build', 'name: build\n', {
      connector: 'ssh',
      branch: 'main',
      message: 'Save build',
    });
    expect(saved.status, saved.text).toBe(201);
    const head = repository.reference.head('main') ?? '';
    expect(Object.keys(repository.reference.files(head))).toEqual(['README.md', 'pipelines/build.yaml']);
    expect(fs.readdirSync(`${stack.home}/delegate`)).toContain('native-git');
  });

  it.each<[string, object, string]>([
    ['of the manager', { connectivity: 'manager', group: undefined }, 'Set connectivity to delegate'],
    ['without a credential', { credential: undefined }, 'private key'],
    ['without known hosts', { knownHosts: undefined }, 'known_hosts'],
    ['of two users', { url: 'ssh://somebody@127.0.0.1/a.git' }, 'the user of the URL'],
    ['of https, with known hosts', { url: 'https://git.example.org/a.git' }, 'Leave knownHosts out'],
  ])('%s is refused', async (_, more, mend) => {
    const answer = await connect('refused', { ...whole(), ...more });
    expect(answer.status, answer.text).toBe(422);
    expect(answer.body).toMatchObject({ code: 'CONNECTOR_UNFIT', hint: expect.stringContaining(mend) });
    expect((await api.request('GET', 'accounts/demo/connectors/refused')).status).toBe(404);
  });

  it('of a malformed address is refused without repeating it', async () => {
    const answer = await connect('refused', { ...whole(), url: 'ssh://git:hidden-canary@git.example/a.git' });
    expect(answer).toMatchObject({ status: 422, body: { code: 'CONNECTOR_DENIED' } });
    expect(answer.text).not.toContain('hidden-canary');
  });

  it('is refused known hosts that are none', async () => {
    const answer = await connect('refused', { ...whole(), knownHosts: 'ProxyCommand id\n' });
    expect(answer).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } });
  });

  it('whose host shows another key stops at reaching it, with what to do', async () => {
    const knownHosts = whole().knownHosts?.replace('127.0.0.1', 'git.example');
    await connect('stranger', { ...whole(), knownHosts });
    const { ok, stages } = await check('stranger');
    expect(ok).toBe(false);
    expect(stages).toMatchObject([
      { stage: 'reach', code: 'GIT_HOST_KEY_REJECTED', hint: expect.stringContaining('knownHosts') },
    ]);
  });
});
