// Making something anew in the page, in Chromium: what is there under that name is not written over.
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../support/api.js';
import { judgeScreen, startBrowser, Window } from '../support/browser.js';
import { Stack } from '../support/stack.js';

const SCOPE = 'accounts/demo';
const at = (place: string): string => `#/${SCOPE}/${place}`;

let stack: Stack;
let browser: Browser;
let window: Window;
let page: Page;

beforeAll(async () => {
  [stack, browser] = await Promise.all([Stack.start('real'), startBrowser()]);
  const url = stack.manager?.url ?? '';
  window = await Window.open(browser, { url, token: stack.token, hash: at('secrets') });
  page = window.page;
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});
afterEach(() => window.assertContent());

const read = (path: string): Promise<Json> => stack.api.ok('GET', `${SCOPE}/${path}`);
const taken = (): Promise<void> => page.getByRole('alert').getByText('NAME_TAKEN').waitFor();

it('a secret keeps its value where a new one is given its name', async () => {
  for (const [id, keeper] of [
    ['git-direct', 'builtin: the manager'],
    ['git-delegated', 'keyring: Keyring of the delegates'],
  ] as const) {
    const before = await read(`secrets/${id}`);
    await window.go(at('secrets/new'));
    await page.getByLabel('Kept by').selectOption({ label: keeper });
    await page.getByLabel('Name').fill(id);
    await page.getByLabel('Value').fill('another');
    const compared = page.getByLabel('The fingerprint is the one that enrolment showed');
    if (id === 'git-delegated') await compared.check();
    await page.getByRole('button', { name: id === 'git-direct' ? 'Put the secret' : 'Seal and put' }).click();
    await taken();
    expect(await read(`secrets/${id}`)).toEqual(before);
  }
  expect(await judgeScreen(window, 'name-taken')).toEqual([]);
});

describe('a new version of a secret', () => {
  it('stays sealed for the delegates that keep the one before', async () => {
    const sent: string[] = [];
    page.on('request', (request) => sent.push(request.postData() ?? ''));
    await window.go(at('secrets/git-delegated'));
    await page.getByRole('link', { name: 'New version' }).click();
    const keeper = page.getByLabel('Kept by');
    await keeper.waitFor();
    expect([await keeper.inputValue(), await keeper.isDisabled()]).toEqual(['keyring', true]);
    await page.getByLabel('Value').fill(stack.accounts.delegate.password);
    await page.getByLabel('The fingerprint is the one that enrolment showed').check();
    expect(await judgeScreen(window, 'secret-new-version')).toEqual([]);
    const { version } = await read('secrets/git-delegated');
    await page.getByRole('button', { name: 'Seal and put' }).click();
    await page.getByText('Put a new version of git-delegated.').waitFor();
    const after = await read('secrets/git-delegated');
    expect(after).toMatchObject({ manager: 'keyring', managerScope: SCOPE });
    expect(after.version).not.toBe(version);
    expect(sent.filter((body) => body.includes(stack.accounts.delegate.password))).toEqual([]);
    expect(await stack.api.ok('POST', `${SCOPE}/connectors/delegated/check`)).toMatchObject({ ok: true });
  });

  it('is of the kind of the one before', async () => {
    await stack.api.ok('PUT', `${SCOPE}/secrets/notes`, {
      manager: 'builtin',
      kind: 'file',
      value: Buffer.from('one').toString('base64'),
    });
    await window.go(at('secrets/new?id=notes'));
    const kind = page.getByLabel('Kind');
    await kind.waitFor();
    expect([await kind.inputValue(), await kind.isDisabled()]).toEqual(['file', true]);
    await page.getByLabel('Value').fill('two');
    await page.getByRole('button', { name: 'Put the secret' }).click();
    await page.getByText('Put a new version of notes.').waitFor();
    expect(await read('secrets/notes')).toMatchObject({ manager: 'builtin', kind: 'file' });
  });

  it('of one that is not there is said not to be', async () => {
    await window.go(at('secrets/new?id=nobody'));
    await page.getByRole('alert').getByText('NOT_FOUND').waitFor();
    expect(await page.getByLabel('Value').count()).toBe(0);
  });
});

it('a repository stays as it is where another one is given its name', async () => {
  await stack.api.ok('PUT', `${SCOPE}/connectors/delegated/tracking`, {});
  const before = [await read('connectors/delegated'), await read('connectors/delegated/tracking')];
  await window.go(at('repositories/new'));
  await page.getByLabel('Name', { exact: true }).fill('delegated');
  await page.getByLabel('Repository URL').fill('https://git.example/other/one.git');
  await page.getByRole('button', { name: 'Connect and check' }).click();
  await taken();
  const after = [await read('connectors/delegated'), await read('connectors/delegated/tracking')];
  expect(
    after.map(({ url, connectivity, files, branches }) => ({ url, connectivity, files, branches })),
  ).toEqual(before.map(({ url, connectivity, files, branches }) => ({ url, connectivity, files, branches })));
});

it('a role stays as it is where another one is given its name', async () => {
  const body = { permissions: ['entity.view'], description: 'As it was' };
  await stack.api.ok('PUT', `${SCOPE}/roles/releaser`, body);
  await window.go(at('access?tab=roles'));
  await page.getByRole('row').filter({ hasText: 'releaser' }).waitFor();
  await page.getByRole('button', { name: 'New role' }).click();
  await page.getByLabel('Name', { exact: true }).fill('releaser');
  await page.getByLabel('connector.view').check();
  await page.getByRole('button', { name: 'Save the role' }).click();
  await taken();
  expect((await read('roles')).roles).toContainEqual(expect.objectContaining({ id: 'releaser', ...body }));
});
