// The audit in Chromium: read, exported, verified where one reads it, and taken elsewhere.
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allLooks, judgeScreen, startBrowser, Window } from '../support/browser.js';
import { runCommand } from '../support/processes.js';
import { Stack } from '../support/stack.js';

const SCOPE = 'accounts/demo';

let stack: Stack;
let browser: Browser;

beforeAll(async () => {
  [stack, browser] = await Promise.all([Stack.start('real', { delegates: 0 }), startBrowser()]);
  const git = { connector: 'direct', branch: 'main' };
  await stack.api.ok('PUT', `${SCOPE}/entities/pipeline/build`, { yaml: 'name: build\n', git });
});

afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

describe('the audit', () => {
  it('says who did what, is narrowed, and is exported for whoever verifies it', async () => {
    const auditor = await Window.open(browser, {
      url: stack.manager?.url ?? '',
      hash: `#/${SCOPE}/audit`,
      token: stack.token,
    });
    const { page } = auditor;
    const saved = page.getByRole('row').filter({ hasText: 'entities/pipeline/build' });
    await saved.first().waitFor();
    expect(await judgeScreen(auditor, 'audit', allLooks)).toEqual([]);
    await page.getByLabel('Action: connector.*').fill('connector.*');
    await page.keyboard.press('Enter');
    await saved.first().waitFor({ state: 'detached' });
    const added = page.getByRole('row').filter({ hasText: 'connectors/direct' });
    await added.first().getByRole('button').click();
    await page.getByRole('heading', { name: /^Entry \d+$/ }).waitFor();
    expect(await judgeScreen(auditor, 'audit-entry')).toEqual([]);
    await page.getByRole('button', { name: 'Close' }).last().click();
    await page.getByRole('button', { name: 'Export and verify' }).click();
    await page.getByText('Last hash', { exact: true }).waitFor();
    await page.getByText('Without trusting this page').click();
    expect(await judgeScreen(auditor, 'audit-export')).toEqual([]);
    const command = (await page.getByText(/^sallyport audit verify/).textContent()) ?? '';
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export as JSON lines' }).click(),
    ]);
    const verified = await runCommand(
      'src/sallyport.js',
      [...command.split(' ').slice(1), await download.path()],
      { env: { SALLYPORT_CONFIG: path.join(stack.home, 'none', 'profiles.json') } },
    );
    expect(verified, verified.stderr).toMatchObject({ code: 0 });
    auditor.assertContent();
    await auditor.close();
  });

  it('is verified in the page, by the hash of every entry and by ends that were kept', async () => {
    const auditor = await Window.open(browser, {
      url: stack.manager?.url ?? '',
      hash: `#/${SCOPE}/audit`,
      token: stack.token,
    });
    const { page } = auditor;
    const kept = await stack.api.ok('GET', `${SCOPE}/audit/head`);
    expect(auditor.requests.filter((url) => url.includes('verify-dialog'))).toEqual([]);
    await page.getByRole('button', { name: 'Export and verify' }).click();
    const verify = page.getByRole('button', { name: 'Verify here' });
    const end = page.getByLabel('An end that you kept');
    await end.fill('12:none');
    await page.getByText('It is not POSITION:HASH').waitFor();
    expect(await verify.isDisabled()).toBe(true);
    await end.fill(`${kept.position}:${kept.hash}`);
    await verify.click();
    await page.getByText(/^Nothing is wrong with the \d+ entries$/).waitFor();
    expect(await judgeScreen(auditor, 'audit-verified')).toEqual([]);
    await end.fill(`${kept.position}:${'0'.repeat(64)}`);
    await verify.click();
    await page.getByText('the trail was made anew').waitFor();
    await page.route('**/audit/export', async (route) => {
      const answered = await route.fetch();
      const lines = (await answered.text()).split('\n');
      await route.fulfill({ response: answered, body: lines.toSpliced(2, 1).join('\n') });
    });
    await end.fill('');
    await verify.click();
    await page.getByText('Entry 4: entry 3 is missing').waitFor();
    await page.getByText('1 thing is wrong with the').waitFor();
    expect(await judgeScreen(auditor, 'audit-tampered')).toEqual([]);
    await page.unroute('**/audit/export');
    auditor.assertContent();
    await auditor.close();
  });

  it('that is no longer given out says so, in the words of the manager', async () => {
    const { token, id } = await stack.api.ok('POST', `${SCOPE}/tokens`, { name: 'auditor', role: 'admin' });
    const url = stack.manager?.url ?? '';
    const auditor = await Window.open(browser, { url, hash: `#/${SCOPE}/audit`, token });
    const { page } = auditor;
    const problem = { code: 'PERMISSION_MISSING', title: 'It is not allowed', status: 403 };
    const body = JSON.stringify({
      type: 'about:blank',
      detail: 'audit.view is missing',
      hint: 'Ask',
      ...problem,
    });
    await page.route('**/audit/export', (route) =>
      route.fulfill({ status: 403, contentType: 'application/problem+json', body }),
    );
    await page.getByRole('button', { name: 'Export and verify' }).click();
    for (const name of ['Export as JSON lines', 'Verify here']) {
      await page.getByRole('button', { name }).click();
      await page.getByRole('alert').getByText('PERMISSION_MISSING').first().waitFor();
      expect(await page.getByText('PAGE_FAULT').count()).toBe(0);
    }
    await page.unroute('**/audit/export');
    await page.getByRole('button', { name: 'Close' }).click();
    await stack.api.ok('DELETE', `${SCOPE}/tokens/${id}`);
    await page.getByRole('button', { name: 'Export and verify' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await auditor.close();
  });

  it('says that nothing fits, and is nobody’s who may not see it', async () => {
    const auditor = await Window.open(browser, {
      url: stack.manager?.url ?? '',
      hash: `#/${SCOPE}/audit?actor=nobody`,
      token: stack.token,
    });
    await auditor.page.getByRole('heading', { name: 'Nothing fits' }).waitFor();
    expect(await judgeScreen(auditor, 'audit-none')).toEqual([]);
    await auditor.close();
    const { token } = await stack.api.ok('POST', `${SCOPE}/tokens`, { name: 'looker', role: 'viewer' });
    const viewer = await Window.open(browser, {
      url: stack.manager?.url ?? '',
      hash: `#/${SCOPE}/audit`,
      token,
    });
    await viewer.page.getByRole('alert').getByText('PERMISSION_MISSING').waitFor();
    expect(await viewer.page.getByRole('link', { name: 'Audit', exact: true }).count()).toBe(0);
    await viewer.close();
  });
});

describe('what is copied', () => {
  const openExport = async (): Promise<Window> => {
    const url = stack.manager?.url ?? '';
    const window = await Window.open(browser, { url, hash: `#/${SCOPE}/audit`, token: stack.token });
    await window.page.getByRole('button', { name: 'Export and verify' }).click();
    await window.page.getByText('Last hash', { exact: true }).waitFor();
    await window.page.getByText('Without trusting this page').click();
    return window;
  };

  it('is in the clipboard', async () => {
    const window = await openExport();
    await window.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await window.page.getByRole('button', { name: 'Copy' }).click();
    await window.page.getByRole('button', { name: 'Copied' }).waitFor();
    const copied = await window.page.evaluate<string>('navigator.clipboard.readText()');
    expect(copied).toMatch(/^sallyport audit verify --head \d+:[0-9a-f]{64}$/);
    window.assertContent();
    await window.close();
  });

  it.each([
    { where: 'plain HTTP', clipboard: 'undefined' },
    {
      where: 'a browser that was told no',
      clipboard: '{ writeText: () => Promise.reject(new Error("no")) }',
    },
  ])('is selected for one’s own keys over $where', async ({ clipboard }) => {
    const window = await openExport();
    const { page } = window;
    await page.evaluate(`Object.defineProperty(navigator, 'clipboard', { value: ${clipboard} })`);
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByRole('button', { name: 'Press Ctrl+C' }).waitFor();
    expect(await page.evaluate<string>('getSelection().toString()')).toMatch(
      /^sallyport audit verify --head/,
    );
    expect(await judgeScreen(window, 'copy-by-hand')).toEqual([]);
    window.assertContent();
    await window.close();
  });
});
