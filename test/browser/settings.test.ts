// The page in Chromium, over a whole Sallyport: what is set once and looked at seldom, and pull requests from the dialog of a save.
import fs from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createRepository } from '../../src/playground/git-host.js';
import { judgeScreen, startBrowser, Window } from '../support/browser.js';
import { giteaDialect } from '../support/host-servers/gitea.js';
import { HostServer } from '../support/host-servers/host-server.js';
import { openingsOf, refusePulls } from '../support/host-servers/pulls-at-host.js';
import { RepositoryState } from '../support/host-servers/repository-state.js';
import { runCommand } from '../support/processes.js';
import { acmeRepository } from '../support/pull-routes.js';
import { fileAt } from '../support/repository.js';
import { VaultServer } from '../support/secret-servers/vault.js';
import { documentedPolicy, roleId, secretId } from '../support/secret-servers/vault-subject.js';
import { Stack } from '../support/stack.js';

const SCOPE = 'accounts/demo';
const TOKEN = '0123456789abcdef0123456789abcdef01234567';
/** What the API says of itself with every answer. */
const sayRate = (): Record<string, string> => ({
  'x-ratelimit-limit': '5000',
  'x-ratelimit-remaining': '4982',
  'x-ratelimit-reset': String(Math.floor(Date.now() / 1_000) + 1_800),
});
const at = (place: string): string => `#/${SCOPE}/${place}`;

let stack: Stack;
let browser: Browser;
let window: Window;
let host: HostServer;
let repository: string;

beforeAll(async () => {
  host = await HostServer.start(giteaDialect(TOKEN));
  const passwords = { manager: TOKEN, delegate: TOKEN };
  [stack, browser] = await Promise.all([Stack.start('real', { passwords }), startBrowser()]);
  repository = acmeRepository(stack);
  host.state = new RepositoryState(repository);
  host.meddle = (_, reply) => ({ ...reply, headers: { ...sayRate(), ...reply.headers } });
  for (const id of ['app', 'busy'])
    await stack.api.ok('PUT', `${SCOPE}/connectors/${id}`, {
      url: `${stack.host.url}/acme/app.git`,
      connectivity: 'manager',
      provider: 'gitea',
      apiUrl: host.url,
      credential: { username: stack.accounts.manager.username, secret: 'git-direct' },
    });
  const places = { release: 'app', busy: 'busy', plain: 'direct' };
  for (const [id, connector] of Object.entries(places))
    await stack.api.ok('PUT', `${SCOPE}/entities/pipeline/${id}`, {
      yaml: `name: ${id}\n`,
      git: { connector, branch: 'main' },
    });
  window = await Window.open(browser, {
    url: stack.manager?.url ?? '',
    token: stack.token,
    hash: at('entities'),
  });
});

afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  await host?.stop();
});

afterEach(() => window.assertContent());

describe('a pull request from the dialog of a save', () => {
  const label = 'Document of pipeline release';

  /** Up to the moment before the last press. */
  const prepare = async (text: string, branch: string, id = 'release'): Promise<void> => {
    await window.go(at(`entities/pipeline/${id}?branch=main`));
    const { page } = window;
    await window.type(`Document of pipeline ${id}`, text);
    await page.getByRole('button', { name: 'Save…' }).click();
    await page.getByRole('button', { name: 'New branch' }).click();
    await page.getByLabel('Name of the new branch').fill(branch);
  };

  it('is opened with the commit, and leads to the branch and to the host', async () => {
    await prepare('name: first\n', 'topic/first');
    const { page } = window;
    expect(await page.getByLabel('Open a pull request into main').isChecked()).toBe(true);
    expect(await judgeScreen(window, 'save-pull-request')).toEqual([]);
    await page.getByLabel('Commit message').fill('Release the first');
    await page.getByRole('button', { name: 'Commit to topic/first' }).click();
    await page.getByText(/Committed to topic\/first as [0-9a-f]{8}/).waitFor();
    const [pull] = host.state.pulls;
    expect(pull).toMatchObject({ head: 'topic/first', base: 'main', title: 'Release the first' });
    const link = page.getByRole('link', { name: `Pull request #${pull?.number}` });
    expect(await link.getAttribute('href')).toBe(`https://gitea.example/acme/app/pulls/${pull?.number}`);
    expect(await link.getAttribute('target')).toBe('_blank');
    // What was typed is on that branch, and nothing is left to be saved on the other.
    expect(page.url()).toContain('branch=topic%2Ffirst');
    await page.getByRole('textbox', { name: label }).getByText('first').waitFor();
    expect(await page.getByText('Not saved').count()).toBe(0);
    expect(fileAt(repository, 'pipelines/release.yaml', 'main')).toBe('name: release\n');
    await window.go(at('entities/pipeline/release?branch=topic%2Ffirst&tab=history'));
    await page.getByRole('link', { name: `#${pull?.number}`, exact: true }).waitFor();
    expect(await judgeScreen(window, 'history-pull-request')).toEqual([]);
  });

  it('that the host refuses is told with the commit, which stays, and asked for again', async () => {
    refusePulls(host, { status: 403, json: { message: 'token lacks a scope' } });
    await prepare('name: second\n', 'topic/second');
    const { page } = window;
    await page.getByRole('button', { name: 'Commit to topic/second' }).click();
    const told = page.getByRole('dialog', { name: /^Committed to topic\/second as/ });
    await told.getByRole('alert').getByText('HOST_API_FORBIDDEN').waitFor();
    expect(await judgeScreen(window, 'pull-request-refused')).toEqual([]);
    expect(fileAt(repository, 'pipelines/release.yaml', 'topic/second')).toBe('name: second\n');
    host.instead = undefined;
    await told.getByRole('button', { name: 'Ask the host again' }).click();
    await told.getByText(/Pull request #\d+ is open/).waitFor();
    expect(openingsOf(host, 'topic/second')).toHaveLength(2);
    expect(await judgeScreen(window, 'pull-request-again')).toEqual([]);
    await told.getByRole('button', { name: 'Go to the branch' }).click();
    await page.getByRole('textbox', { name: label }).getByText('second').waitFor();
    expect(page.url()).toContain('branch=topic%2Fsecond');
  });

  it('that a host takes its time for is followed while one looks', async () => {
    refusePulls(host, { status: 403, json: { message: 'token lacks a scope' } });
    await prepare('name: third\n', 'topic/third', 'busy');
    const { page } = window;
    await page.getByRole('button', { name: 'Commit to topic/third' }).click();
    const told = page.getByRole('dialog', { name: /^Committed to topic\/third as/ });
    await told.getByRole('alert').getByText('HOST_API_FORBIDDEN').waitFor();
    const asked = { 'retry-after': '3600', 'x-ratelimit-limit': '60', 'x-ratelimit-remaining': '0' };
    refusePulls(host, { status: 429, json: { message: 'slow down' }, headers: asked });
    await told.getByRole('button', { name: 'Ask the host again' }).click();
    await told.getByRole('alert').getByText('HOST_API_RATE_LIMITED').waitFor();
    host.instead = undefined;
    await told.getByText('The host is being asked to open the pull request').waitFor();
    expect(await judgeScreen(window, 'pull-request-waits')).toEqual([]);
    await told.getByRole('button', { name: 'Go to the branch' }).click();
    await page.getByRole('textbox', { name: 'Document of pipeline busy' }).getByText('third').waitFor();
  });

  it('is not offered where the host is plain Git', async () => {
    await prepare('name: plainer\n', 'plain', 'plain');
    const { page } = window;
    await page.getByText('which has no pull requests').waitFor();
    expect(await page.getByLabel('Open a pull request into main').count()).toBe(0);
    expect(await judgeScreen(window, 'save-plain-git')).toEqual([]);
    await page.getByRole('button', { name: 'Commit to plain' }).click();
    await page.getByText(/Committed to plain as/).waitFor();
  });
});

describe('the patience of a host', () => {
  it('is told of as far as its API said how much is left', async () => {
    await stack.api.ok('PUT', `${SCOPE}/connectors/app/tracking`, {});
    await window.go(at('repositories/app'));
    const { page } = window;
    await page.getByText('4982 of 5000, all again in 2').waitFor();
    await page.getByRole('region', { name: 'Followed branches' }).getByText('Up to date').waitFor();
    expect(await page.getByText('Its host asked for patience').count()).toBe(0);
    expect(await judgeScreen(window, 'repository-rate')).toEqual([]);
  });

  it('is said to be over for a while where it asked not to be asked', async () => {
    await stack.api.ok('PUT', `${SCOPE}/connectors/busy/tracking`, {});
    await window.go(at('repositories/busy'));
    const { page } = window;
    await page.getByText('Its host asked for patience').waitFor();
    await page
      .getByText('Pull requests and webhooks wait')
      .getByText(/in 5\d min/)
      .waitFor();
    await page.getByRole('region', { name: 'Followed branches' }).getByText('Up to date').waitFor();
    expect(await judgeScreen(window, 'repository-paused')).toEqual([]);
  });
});

describe('what of a repository is followed', () => {
  it('is chosen by branches, files and rules, with what is wrong below its field', async () => {
    await window.go(at('repositories/app'));
    const { page } = window;
    await page.getByRole('button', { name: 'Change…' }).click();
    const dialog = page.getByRole('dialog', { name: 'What is followed of app' });
    await dialog.getByLabel('Branches').fill('main\ntopic/*');
    await dialog.getByRole('button', { name: 'Add files' }).click();
    await dialog.getByLabel('Pattern').fill('pipelines/all.yaml');
    await dialog.getByLabel('Kind', { exact: true }).selectOption('pipeline');
    await dialog.getByRole('button', { name: 'Add a rule' }).click();
    await dialog.getByLabel('Delete').uncheck();
    await dialog.getByRole('button', { name: 'Follow this' }).click();
    await dialog.getByText('It does not hold {id}').waitFor();
    expect(await judgeScreen(window, 'tracking-wrong')).toEqual([]);
    await dialog.getByLabel('Pattern').fill('pipelines/{id}.yaml');
    await dialog.getByRole('button', { name: 'Follow this' }).click();
    await page.getByText('What is followed of app is changed.').waitFor();
    const branches = page.getByRole('table', { name: 'Followed branches' });
    await branches.getByRole('row').filter({ hasText: 'topic/first' }).getByText('Up to date').waitFor();
    expect(await judgeScreen(window, 'tracking-chosen')).toEqual([]);
    expect(await stack.api.ok('GET', `${SCOPE}/connectors/app/tracking`)).toMatchObject({
      branches: ['main', 'topic/*'],
      files: [{ pattern: 'pipelines/{id}.yaml', kind: 'pipeline' }],
      rules: [{ create: true, change: true, delete: false }],
    });
    await page.getByRole('button', { name: 'Change…' }).click();
    expect(await dialog.getByLabel('Delete').isChecked()).toBe(false);
    await dialog.getByRole('button', { name: 'Remove rules 1' }).click();
    expect(await dialog.getByLabel('Scopes').count()).toBe(0);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
  });

  it('is nothing before somebody says what', async () => {
    await window.go(at('repositories/direct'));
    const { page } = window;
    await page.getByRole('button', { name: 'Choose what to follow…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    expect(await judgeScreen(window, 'repository-unfollowed')).toEqual([]);
  });

  it('comes along where the repository was renamed, and only where it is the same', async () => {
    const root = path.join(stack.home, 'repositories');
    createRepository(root, 'old', { files: { 'README.md': 'old\n' } });
    await stack.api.ok('PUT', `${SCOPE}/connectors/old`, {
      url: `${stack.host.url}/old.git`,
      connectivity: 'manager',
      credential: { username: stack.accounts.manager.username, secret: 'git-direct' },
    });
    await window.go(at('repositories/old'));
    const { page } = window;
    await page.getByRole('button', { name: 'Renamed…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Where is old now?' });
    await dialog.getByLabel('Repository URL').fill(`${stack.host.url}/none.git`);
    await dialog.getByRole('button', { name: 'Go there from now on' }).click();
    await dialog.getByRole('alert').getByText('GIT_REPOSITORY_NOT_FOUND').waitFor();
    expect(await judgeScreen(window, 'rename-none')).toEqual([]);
    fs.renameSync(path.join(root, 'old.git'), path.join(root, 'new.git'));
    await dialog.getByLabel('Repository URL').fill(`${stack.host.url}/new.git`);
    await dialog.getByRole('button', { name: 'Go there from now on' }).click();
    await page.getByText(/^old is at .*\/new\.git now/).waitFor();
    await page.getByRole('banner').or(page.locator('.head')).getByText(`${stack.host.url}/new.git`).waitFor();
  });
});

describe('kinds', () => {
  const label = 'Schema of the new kind';

  it('are defined by a schema, and what is wrong with it is marked at its place', async () => {
    await window.go(at('entities'));
    const { page } = window;
    await page.getByRole('link', { name: 'Kinds' }).click();
    await page.getByRole('row').filter({ hasText: 'pipelines/{id}.yaml' }).waitFor();
    expect(await judgeScreen(window, 'kinds')).toEqual([]);
    await page.getByRole('link', { name: 'New kind' }).click();
    await page.getByLabel('Name', { exact: true }).fill('service');
    await page.getByLabel('Path of a file').fill('{org}/{project}/services/none.yaml');
    await window.type(label, '{ "type": "object",\n  "properties": { "image": { "type": "text" } } }');
    const define = page.getByRole('button', { name: 'Define the kind' });
    await define.click();
    await page.getByText('It does not hold {id}').waitFor();
    await page.getByLabel('Path of a file').fill('{org}/{project}/services/{id}.yaml');
    await page.getByText('Such as shop/checkout/services/nightly.yaml').waitFor();
    await define.click();
    await page.getByRole('alert').getByText('KIND_INVALID').waitFor();
    await expect.poll(() => page.locator('.cm-lintRange-error').textContent()).toContain('"text"');
    expect(await judgeScreen(window, 'kind-invalid')).toEqual([]);
    await window.type(label, 'type: object\nrequired: [image]\nproperties:\n  image: { type: string }\n');
    await define.click();
    await page.getByText('service is a kind now.').waitFor();
    await page.getByRole('link', { name: 'service', exact: true }).waitFor();
    expect(await stack.api.ok('GET', `${SCOPE}/kinds/service`)).toMatchObject({
      schema: { type: 'object', properties: { image: { type: 'string' } } },
      pathTemplate: '{org}/{project}/services/{id}.yaml',
      identity: null,
    });
    // A document of it begins with what it requires.
    await page.getByRole('link', { name: 'New service' }).click();
    await page.getByRole('textbox', { name: 'Document of the new entity' }).getByText('image').waitFor();
  });

  it('are changed, and none is written over by a new one', async () => {
    await window.go(at('entities?tab=kinds&edit=service'));
    const { page } = window;
    await page.getByText('Where documents name themselves').click();
    await page.getByLabel('Its id').fill('/name');
    expect(await judgeScreen(window, 'kind')).toEqual([]);
    await page.getByRole('button', { name: 'Save the kind' }).click();
    await page.getByText('The kind service is changed.').waitFor();
    await page.getByRole('row').filter({ hasText: 'service' }).getByText('/name').waitFor();
    await window.go(at('entities?tab=kinds&new=yes'));
    await page.getByLabel('Name', { exact: true }).fill('service');
    await page.getByText('There is a kind of this name').waitFor();
    expect(await page.getByRole('button', { name: 'Define the kind' }).isDisabled()).toBe(true);
    await window.go(at('entities?tab=kinds&edit=none'));
    await page.getByRole('alert').getByText('NOT_FOUND').waitFor();
  });

  it('are what an account without any is told to begin with', async () => {
    const env = { DATABASE_URL: stack.databaseUrl };
    const { stdout: token } = await runCommand('src/token.js', ['--account', 'fresh'], { env });
    const fresh = await Window.open(browser, {
      url: stack.manager?.url ?? '',
      token: token.trim(),
      hash: '#/accounts/fresh/entities',
    });
    await fresh.page.getByRole('heading', { name: 'No kinds yet' }).waitFor();
    expect(await judgeScreen(fresh, 'kinds-none')).toEqual([]);
    await fresh.page.getByRole('link', { name: 'Define the first kind' }).click();
    await fresh.page.getByRole('textbox', { name: label }).waitFor();
    fresh.assertContent();
    await fresh.close();
  });
});

describe('secret managers', () => {
  let vault: VaultServer;
  beforeAll(async () => {
    vault = await VaultServer.start();
    vault.tokens.writePolicy('work', documentedPolicy('secret'));
    vault.allowAppRole(roleId, secretId);
    await stack.api.ok('PUT', `${SCOPE}/secrets/vault-id`, { manager: 'builtin', value: secretId });
  });
  afterAll(() => vault?.close());

  it('are set by their kind, and tried as soon as they are kept', async () => {
    await window.go(at('secrets?tab=managers'));
    const { page } = window;
    await page.getByRole('link', { name: 'New secret manager' }).click();
    await page.getByLabel('Name', { exact: true }).fill('team');
    await page.getByLabel('Kind').selectOption({ label: 'Vault KV' });
    await page.getByLabel('Address').fill('vault.corp');
    await page.getByLabel('Signs in by').selectOption({ label: 'AppRole: its secret id is the credential' });
    await page.getByLabel('Role id').fill('nobody');
    await page.getByLabel('Credential').selectOption('vault-id');
    const save = page.getByRole('button', { name: 'Save and check' });
    await save.click();
    await page.getByText('It is not scheme://host[:port]').waitFor();
    expect(await judgeScreen(window, 'manager-wrong')).toEqual([]);
    await page.getByLabel('Address').fill(vault.address);
    await save.click();
    await page.getByRole('alert').getByText('It does not work').waitFor();
    expect(await judgeScreen(window, 'manager-fails')).toEqual([]);
    await page.getByLabel('Role id').fill(roleId);
    await save.click();
    await page.getByText(/^It works/).waitFor();
    expect(await judgeScreen(window, 'manager-works')).toEqual([]);
    await page.getByRole('link', { name: 'Done' }).click();
    await page.getByRole('row').filter({ hasText: 'Vault KV' }).waitFor();
    expect(await stack.api.ok('GET', `${SCOPE}/secret-managers/team`)).toMatchObject({
      settings: { kind: 'vault-kv', address: vault.address, auth: { method: 'approle', roleId } },
      credential: { secret: 'vault-id' },
    });
  });

  it('are changed with all that they had, and deleted unless they keep something', async () => {
    await window.go(at('secrets?tab=managers&edit=team'));
    const { page } = window;
    expect(await page.getByLabel('Role id').inputValue()).toBe(roleId);
    expect(await page.getByLabel('Credential').inputValue()).toBe('vault-id');
    await page.getByLabel('Tags').fill('eu, vault');
    await page.getByRole('button', { name: 'Save and check' }).click();
    // No delegate has them.
    await page.getByRole('alert').getByText('DELEGATE_UNAVAILABLE').waitFor();
    await page.getByText('Delegates, Explain routing').waitFor();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete team' }).click();
    await page.getByText('Deleted the secret manager team.').waitFor();
    await page.getByRole('link', { name: 'keyring' }).click();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete keyring' }).click();
    await page.getByRole('alert').getByText('STILL_IN_USE').waitFor();
    expect(await judgeScreen(window, 'manager-in-use')).toEqual([]);
    await page.getByRole('button', { name: 'Cancel' }).click();
  });
});

it('what the page may do about a refusal it says in its own words', async () => {
  await window.go(at('entities/new?kind=pipeline'));
  const { page } = window;
  await page.getByLabel('Id').fill('plain');
  await window.type('Document of the new entity', 'name: another\n');
  await page.getByLabel('Repository').selectOption('direct');
  await page.getByRole('button', { name: 'Save…' }).click();
  await page.getByRole('button', { name: 'Commit to main' }).last().click();
  const alert = page.getByRole('alert');
  await alert.getByText('ENTITY_EXISTS').waitFor();
  expect(await alert.textContent()).toContain('Open that one and change it');
  expect(await alert.textContent()).not.toContain('If-');
  expect(await judgeScreen(window, 'entity-exists')).toEqual([]);
});

it('a secret has versions, of which one is current', async () => {
  await window.go(at('secrets/git-direct'));
  const { page } = window;
  const versions = page.getByRole('table', { name: 'Versions' });
  await versions.getByRole('cell', { name: 'Current' }).waitFor();
  await page.getByRole('link', { name: 'New version' }).click();
  await page.getByLabel('Value', { exact: true }).fill(stack.accounts.manager.password);
  await page.getByRole('button', { name: 'Put the secret' }).click();
  await versions.getByRole('cell', { name: 'Superseded', exact: true }).waitFor();
  expect(await judgeScreen(window, 'secret-versions')).toEqual([]);
});
