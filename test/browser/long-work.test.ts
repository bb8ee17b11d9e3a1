// The page in Chromium, over a whole Sallyport: what takes its time, how far it is, and what stands in its way.
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { judgeScreen, startBrowser, Window } from '../support/browser.js';
import { pushForeign } from '../support/repository.js';
import { Stack } from '../support/stack.js';

const SCOPE = 'accounts/demo';
const at = (place: string): string => `#/${SCOPE}/${place}`;

let stack: Stack;
let browser: Browser;
let window: Window;

beforeAll(async () => {
  [stack, browser] = await Promise.all([Stack.start('real'), startBrowser()]);
  await stack.api.ok('PUT', `${SCOPE}/secrets/spare`, { manager: 'builtin', value: 'nobody uses it' });
  window = await Window.open(browser, {
    url: stack.manager?.url ?? '',
    token: stack.token,
    hash: at('entities'),
  });
});

afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

afterEach(() => window.assertContent());

/** How far the bar of this name is, of how much. */
async function barOf(name: string): Promise<[number, number]> {
  const bar = window.page.getByRole('progressbar', { name }).first();
  return [Number(await bar.getAttribute('value')), Number(await bar.getAttribute('max'))];
}

describe('an import, and the move of what it brought,', () => {
  it('each come to the end of their bars', async () => {
    const ids = ['one', 'two', 'three'];
    await pushForeign(
      stack.foreignUrl,
      Object.fromEntries(ids.map((id) => [`pipelines/${id}.yaml`, `name: ${id}\n`])),
    );
    const { page } = window;
    await window.go(at('repositories/direct?tab=import'));
    await page.getByRole('button', { name: 'Report what it would do' }).click();
    await page.getByRole('button', { name: 'Import 3 files…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Import 3 files' }).click();
    await page.getByText('Imported', { exact: true }).waitFor();
    const [imported, files] = await barOf('Progress of the import');
    expect([imported, files >= 3]).toEqual([files, true]);
    await window.go(at('repositories/direct?tab=move'));
    await page.getByLabel('To', { exact: true }).selectOption({ label: 'Inline: Sallyport alone' });
    await page.getByRole('button', { name: 'Report what it would do' }).click();
    await page.getByRole('button', { name: 'Move 3 entities…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Move 3 entities' }).click();
    await page.getByText('Moved', { exact: true }).waitFor();
    expect(await barOf('Progress of the move')).toEqual([3, 3]);
    expect(await judgeScreen(window, 'moved')).toEqual([]);
  });
});

describe('secrets', () => {
  const migrate = async (secret: string, to: string, isRevealed: boolean): Promise<void> => {
    const { page } = window;
    await window.go(at(`secrets/${secret}`));
    await page.getByRole('button', { name: 'Rotate or migrate' }).click();
    await page.getByLabel('How').selectOption({ label: 'Migrate to another secret manager' });
    await page.getByLabel('To', { exact: true }).selectOption({ label: to });
    if (isRevealed) {
      expect(await page.getByRole('button', { name: 'Begin' }).isDisabled()).toBe(true);
      await page.getByLabel('The manager may read the value from then on').check();
    }
    await page.getByRole('button', { name: 'Begin' }).click();
  };
  const rowOf = (text: string) => window.page.getByRole('row').filter({ hasText: text }).first();

  it('are migrated to a secret manager of the delegates', async () => {
    await migrate('spare', 'keyring: Keyring of the delegates', false);
    await rowOf('Migrate').getByText('Done', { exact: true }).waitFor();
    expect(await barOf('Progress')).toEqual([1, 1]);
    expect((await stack.api.ok('GET', `${SCOPE}/secrets/spare`)).manager).toBe('keyring');
  });

  it('are not given out by delegates whose policy says no, which is told with the way on', async () => {
    const { page } = window;
    await migrate('spare', 'builtin: the manager', true);
    await rowOf('builtin').getByText('Failed', { exact: true }).waitFor();
    await rowOf('builtin').getByRole('button', { name: 'Details' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('release.toManager').first().waitFor();
    expect(await judgeScreen(window, 'migration-failed')).toEqual([]);
    await dialog.getByRole('button', { name: 'Try the failed ones again' }).waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
  });

  it('stay as they are where a rotation is cancelled, after one question', async () => {
    const { page } = window;
    await stack.delegates[0]?.kill('SIGKILL');
    await window.go(at('secrets/git-delegated'));
    await page.getByRole('button', { name: 'Rotate or migrate' }).click();
    await page.getByLabel('How').selectOption({ label: 'Encrypt anew' });
    await page.getByRole('button', { name: 'Begin' }).click();
    const row = rowOf('Encrypt anew');
    await row.getByText('Under way', { exact: true }).waitFor();
    await row.getByRole('button', { name: 'Details' }).click();
    await page.getByRole('button', { name: 'Cancel the rotation…' }).click();
    expect(await judgeScreen(window, 'rotation-cancel')).toEqual([]);
    await page.getByRole('button', { name: 'Cancel the rotation', exact: true }).click();
    await row.getByText('Cancelled', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
  });
});

it('a delegate tells what it can do and whom it may reach', async () => {
  const { page } = window;
  await window.go(at('delegates'));
  await page.getByRole('button', { name: 'Details' }).first().click();
  const facts = page.getByRole('dialog');
  await facts.getByText('Native Git').waitFor();
  await facts.getByText('All: its own policy names none').waitFor();
  await facts.getByText(/^Version \d+$/).waitFor();
  expect(await judgeScreen(window, 'delegate-facts')).toEqual([]);
});
