// The page in Chromium: what can be changed of a connector, by whom, and what stays as it is.
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { allLooks, judgeScreen, startBrowser, Window } from '../support/browser.js';
import { SshWorld } from '../support/ssh-world.js';
import { Stack } from '../support/stack.js';
import { webhooksOf } from '../support/webhook-sender.js';

const SCOPE = 'accounts/demo';
const at = (place: string): string => `#/${SCOPE}/${place}`;

let stack: Stack;
let browser: Browser;
let window: Window;
let world: SshWorld;
const { deliver } = webhooksOf(() => stack);

beforeAll(async () => {
  // Whatever tags are asked for here, there is one that has them: a check that nobody carries is refused.
  const settings = { SALLYPORT_DELEGATE_TAGS: 'near,fast' };
  [stack, browser, world] = await Promise.all([
    Stack.start('real', { settings }),
    startBrowser(),
    SshWorld.open(),
  ]);
  await put('secrets/deploy-key', (await stack.sealForDelegate('deploy-key', world.key)) as object);
  for (const id of ['app-key', 'client', 'refresh', 'api-token'])
    await put(`secrets/${id}`, { manager: 'builtin', value: id });
  window = await open(stack.token);
});

afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  await world?.close();
});

afterEach(() => window.assertContent());

const open = (token: string): Promise<Window> =>
  Window.open(browser, { url: stack.manager?.url ?? '', token, hash: at('repositories') });
const put = (place: string, body: object) => stack.api.ok('PUT', `${SCOPE}/${place}`, body);
const read = (id: string) => stack.api.ok('GET', `${SCOPE}/connectors/${id}`);
const tokenOf = async (role: string): Promise<string> =>
  (await stack.api.ok('POST', `${SCOPE}/tokens`, { name: role, role })).token as string;

/** One that the manager reaches, as `username`. */
const connect = (id: string, username: string) =>
  put(`connectors/${id}`, {
    url: stack.repositoryUrl,
    connectivity: 'manager',
    credential: { username, secret: 'git-direct' },
  });

async function change(id: string, { page } = window): Promise<void> {
  await page.goto(`${window.url}/${at(`repositories/${id}`)}`);
  await page.getByRole('link', { name: 'Change…' }).click();
  await page.getByRole('heading', { name: `Change ${id}`, level: 1 }).waitFor();
  await page.getByLabel('Repository URL').waitFor();
}

const send = ({ page } = window): Promise<void> =>
  page.getByRole('button', { name: 'Change and check' }).click();

/** Until its screen is shown, which checks it. */
const untilChanged = (id: string, { page } = window): Promise<void> =>
  page.getByRole('heading', { name: id, level: 1, exact: true }).waitFor();

describe('a connector', () => {
  it('whose check fails at the user name is mended by another one', async () => {
    await connect('shut', 'nobody');
    await window.go(at('repositories/shut'));
    const { page } = window;
    await page.getByRole('button', { name: 'Check now' }).click();
    await page.getByRole('alert').getByText('GIT_AUTH_REJECTED').waitFor();
    await page.getByRole('link', { name: 'Change…' }).click();
    await page.getByLabel('User name').fill(stack.accounts.manager.username);
    expect(await judgeScreen(window, 'repository-change', allLooks)).toEqual([]);
    await send();
    await untilChanged('shut');
    await page.getByRole('listitem').filter({ hasText: 'Write: passed' }).waitFor();
    expect((await read('shut')).credential).toMatchObject({ secret: 'git-direct', username: 'manager' });
  });

  it('that is refused says why', async () => {
    await connect('wrong', 'manager');
    await change('wrong');
    const { page } = window;
    await page.getByLabel('Repository URL').fill('https://user:secret@git.example/a.git');
    await send();
    await page.getByRole('alert').getByText('CONNECTOR_DENIED').waitFor();
    expect(await read('wrong')).toMatchObject({ url: stack.repositoryUrl });
  });

  const app = { kind: 'github-app', appId: '12', installationId: '34', privateKey: 'app-key' };
  const oauth2 = {
    kind: 'oauth2',
    tokenUrl: 'https://git.example/oauth/token',
    clientId: 'sallyport',
    clientSecret: 'client',
    refreshToken: 'refresh',
  };
  it.each<[string, object]>([
    ['a GitHub App', { ...app, repositories: ['app', 'other'] }],
    ['an OAuth 2 client', oauth2],
  ])(
    'with %s keeps it, and all that the form does not show, when its tags change',
    async (what, credential) => {
      await put('connectors/whole', {
        url: 'https://git.example/acme/app.git',
        connectivity: 'delegate',
        group: 'local',
        provider: 'github',
        apiUrl: 'https://git.example/api/v3',
        credential,
        apiCredential: { kind: 'token', secret: 'api-token' },
        trust: { proxyUrl: 'http://127.0.0.1:9', noProxy: ['.example'] },
      });
      const before = await read('whole');
      const own = await open(stack.token);
      const { page } = own;
      await change('whole', own);
      await page.getByText(`Its credential is ${what}: it stays as it is`).waitFor();
      await page.getByText('It goes by the proxy http://127.0.0.1:9').waitFor();
      expect(await judgeScreen(own, 'repository-change-whole', allLooks)).toEqual([]);
      await page.getByLabel('Tags').fill('near, fast');
      await send(own);
      await untilChanged('whole', own);
      const { revision, ...after } = await read('whole');
      expect(after).toEqual({ ...before, revision: undefined, tags: ['near', 'fast'] });
      expect(revision).not.toBe(before.revision);
      // Its host is nowhere, which the check says that follows.
      expect(own.complaints.filter((said) => !said.includes('/connectors/whole/check'))).toEqual([]);
      await own.close();
    },
  );

  it('of a project goes on naming the secrets of its account', async () => {
    await put('orgs/shop', {});
    await put('orgs/shop/connectors/inner', {
      url: stack.repositoryUrl,
      connectivity: 'delegate',
      credential: { username: 'manager', secret: 'account.git-direct' },
    });
    // One of the same name nearer by, which is not meant.
    await put('orgs/shop/secrets/git-direct', { manager: 'builtin', value: 'another' });
    const { page } = window;
    await window.go('#/accounts/demo/orgs/shop/repositories/inner/change');
    await page.getByLabel('Tags').fill('near');
    await send();
    await untilChanged('inner');
    expect(await stack.api.ok('GET', `${SCOPE}/orgs/shop/connectors/inner`)).toMatchObject({
      tags: ['near'],
      credential: { secret: 'git-direct', secretScope: SCOPE },
    });
  });

  it('that somebody else has changed meanwhile is not written over', async () => {
    await put('connectors/shared', {
      url: stack.repositoryUrl,
      connectivity: 'delegate',
      credential: { username: 'nobody', secret: 'git-delegated' },
    });
    await change('shared');
    const { page } = window;
    await page.getByLabel('User name').fill(stack.accounts.delegate.username);
    await put('connectors/shared', {
      url: stack.repositoryUrl,
      connectivity: 'delegate',
      group: 'local',
      credential: { username: 'nobody', secret: 'git-delegated' },
    });
    await send();
    await page.getByRole('alert').getByText('Changed: Group.').waitFor();
    expect(await read('shared')).toMatchObject({ group: 'local', credential: { username: 'nobody' } });
    expect(await judgeScreen(window, 'repository-change-overtaken', allLooks)).toEqual([]);
    await page.getByRole('button', { name: 'Go on from there' }).click();
    expect(await page.getByLabel('Group').inputValue()).toBe('local');
    expect(await page.getByLabel('User name').inputValue()).toBe('delegate');
    await send();
    await page.getByRole('listitem').filter({ hasText: 'Write: passed' }).waitFor();
    expect(await read('shared')).toMatchObject({ group: 'local', credential: { username: 'delegate' } });
  });
});

describe('whoever', () => {
  it('only looks is offered no change', async () => {
    const viewer = await open(await tokenOf('viewer'));
    const { page } = viewer;
    await viewer.go(at('repositories/direct'));
    await page.getByRole('heading', { name: 'Check' }).waitFor();
    expect(await page.getByText('Change…').count()).toBe(0);
    await viewer.go(at('repositories/direct/change'));
    await page.getByText('It takes the permission connector.manage').waitFor();
    expect(await page.getByLabel('Repository URL').count()).toBe(0);
    viewer.assertContent();
    await viewer.close();
  });

  it('may not use secrets changes where none goes, and is told so before', async () => {
    await put('roles/keeper', {
      description: 'Keeps connectors',
      permissions: ['scope.view', 'connector.view', 'connector.use', 'connector.manage'],
    });
    const keeper = await open(await tokenOf('keeper'));
    const { page } = keeper;
    await change('delegated', keeper);
    await page.getByText('You may not say where its secrets go').waitFor();
    await page.getByLabel('User name').fill('somebody');
    await send(keeper);
    await page.getByRole('alert').getByText('PERMISSION_MISSING').waitFor();
    expect(await judgeScreen(keeper, 'repository-change-denied', allLooks)).toEqual([]);
    await page.getByLabel('User name').fill(stack.accounts.delegate.username);
    await page.getByLabel('Tags').fill('near');
    await send(keeper);
    await untilChanged('delegated', keeper);
    keeper.assertContent();
    await keeper.close();
  });
});

describe('a repository over SSH', () => {
  it('is connected from nothing, and its check is green', async () => {
    const { remote } = world.create({ files: { 'README.md': 'demo\n' } });
    await window.go(at('repositories/new'));
    const { page } = window;
    await page.getByLabel('Name', { exact: true }).fill('keyed');
    expect(await page.getByLabel('Known hosts').count()).toBe(0);
    await page.getByLabel('Repository URL').fill(remote.url);
    // Nobody else speaks it.
    await page.getByRole('button', { name: 'A delegate', pressed: true }).waitFor();
    await page.getByLabel('Known hosts').fill(remote.knownHosts ?? '');
    await page.getByLabel('Private key').selectOption('deploy-key');
    await page.getByLabel('User name').fill(remote.username ?? '');
    expect(await judgeScreen(window, 'repository-new-ssh', allLooks)).toEqual([]);
    await page.getByRole('button', { name: 'Connect and check' }).click();
    await page.getByRole('listitem').filter({ hasText: 'Write: passed' }).waitFor();
    expect(await read('keyed')).toMatchObject({
      knownHosts: remote.knownHosts,
      credential: { kind: 'ssh', privateKey: 'deploy-key' },
    });
    await change('keyed');
    expect(await page.getByLabel('Known hosts').inputValue()).toBe(remote.knownHosts);
  });
});

describe('the secret of a webhook', () => {
  it('is made anew where the host has another one, and the old one ends after', async () => {
    const { toPaste, path } = await put('connectors/direct/webhook', {});
    const old = toPaste.secret.value as string;
    expect((await deliver({ path, secret: 'another' })).status).toBe(401);
    await window.go(at('repositories/direct?tab=webhook'));
    const { page } = window;
    await page.getByText('To give the host another one by hand, make a new secret').waitFor();
    await page.getByRole('button', { name: 'New secret…' }).click();
    await page.getByRole('button', { name: 'Make a new secret' }).click();
    const paste = page.getByRole('dialog', { name: 'Set the webhook up by hand' });
    const secret = (await paste.locator('[data-secret] code').textContent()) ?? '';
    expect(await judgeScreen(window, 'webhook-secret', allLooks)).toEqual([]);
    await paste.getByRole('button', { name: 'Close' }).click();
    expect(secret).not.toBe(old);
    for (const live of [secret, old]) expect((await deliver({ path, secret: live })).status).toBe(202);
    await page.getByText('Two secrets are good for now').waitFor();
    expect(await judgeScreen(window, 'webhook-two-secrets', allLooks)).toEqual([]);
    await page.getByRole('button', { name: 'End the old secret…' }).click();
    await page.getByRole('button', { name: 'End the old secret', exact: true }).click();
    await page.getByRole('button', { name: 'New secret…' }).waitFor();
    expect((await deliver({ path, secret: old })).status).toBe(401);
    expect((await deliver({ path, secret })).status).toBe(202);
  });
});
