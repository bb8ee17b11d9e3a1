// The page by keys alone, and while others work: nothing moves under the hand of whoever uses it.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { judgeScreen, startBrowser, Window } from '../support/browser.js';
import { Stack } from '../support/stack.js';

const SCOPE = 'accounts/demo';
const at = (place: string): string => `#/${SCOPE}/${place}`;
const git = { connector: 'direct', branch: 'main' };

let stack: Stack;
let browser: Browser;
let window: Window;

beforeAll(async () => {
  [stack, browser] = await Promise.all([Stack.start('real', { delegates: 0 }), startBrowser()]);
  for (const id of ['build', 'release']) await save(id, `name: ${id}\n`);
  window = await Window.open(browser, { url: stack.manager?.url ?? '', hash: at('entities') });
});

afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

const save = (id: string, yaml: string): Promise<unknown> =>
  stack.api.ok('PUT', `${SCOPE}/entities/pipeline/${id}`, { yaml, git });

const PRESSES_MAX = 80;

/** What has the focus, in an editor's own tree as well. */
const FOCUSED = `let it = document.activeElement;
  while (it.shadowRoot?.activeElement) it = it.shadowRoot.activeElement;`;
const NAME_OF_FOCUSED = `(() => { ${FOCUSED}
  return (it.getAttribute('aria-label') ?? it.labels?.[0]?.textContent ?? it.textContent).trim();
})()`;
const RING_OF_FOCUSED = `(() => { ${FOCUSED}
  const { outlineStyle, boxShadow } = getComputedStyle(it.closest('.cm-editor') ?? it);
  return outlineStyle + boxShadow;
})()`;

/** Goes on by Tab until the button, link or field of this name has the focus, and shows that it has. */
async function tabTo(page: Page, name: string): Promise<void> {
  const seen: string[] = [];
  while (seen.at(-1) !== name) {
    if (seen.length === PRESSES_MAX) throw new Error(`Tab never came to ${name}, but to ${seen.join(' | ')}`);
    await page.keyboard.press('Tab');
    seen.push(await page.evaluate<string>(NAME_OF_FOCUSED));
  }
  await expect.poll(() => page.evaluate<string>(RING_OF_FOCUSED)).not.toBe('nonenone');
}

it('is used by keys alone: signing in, finding, editing, saving, and what is in a dialog', async () => {
  const { page } = window;
  const { keyboard } = page;
  await tabTo(page, 'Token');
  await keyboard.insertText(stack.token);
  await keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Entities' }).waitFor();
  await tabTo(page, 'build');
  await keyboard.press('Enter');
  await page.getByRole('heading', { name: 'build', level: 1 }).waitFor();
  await tabTo(page, 'Document of pipeline build');
  await keyboard.press('ControlOrMeta+a');
  await keyboard.insertText('name: by keys\n');
  // In an editor Tab indents; Escape gives it back to the page.
  await keyboard.press('Escape');
  await keyboard.press('Shift+Tab');
  await tabTo(page, 'Save…');
  await keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  await keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  expect(await page.evaluate<string>('document.activeElement.textContent')).toBe('Save…');
  await keyboard.press('Enter');
  await dialog.waitFor();
  // The choice where to, and then the button that does it.
  for (let times = 0; times < 2; times++) await tabTo(page, 'Commit to main');
  await keyboard.press('Enter');
  await page.getByText(/Committed to main as [0-9a-f]{8}/).waitFor();
  window.assertContent();
});

/** What moved since, without a key or a click in the half second before. */
const WATCH = `globalThis.moved = [];
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources } of list.getEntries())
      if (!hadRecentInput && value > 0.001)
        globalThis.moved.push(value + ': ' + sources.map(({ node }) => node?.outerHTML?.slice(0, 200)).join(' '));
  }).observe({ type: 'layout-shift' });`;

describe.each([1280, 360])('what others do, at %i px,', (width) => {
  it.each([
    { screen: 'operations', place: 'operations', first: 'Save pipeline build' },
    {
      screen: 'history',
      place: 'entities/pipeline/build?branch=main&tab=history',
      first: /Save pipeline build/,
    },
  ])('moves nothing of the $screen, and is shown on asking', async ({ screen, place, first }) => {
    const { page } = window;
    await window.resize({ theme: 'light', width });
    await window.go(at(place));
    await page.reload();
    const list = page.getByRole(screen === 'history' ? 'button' : 'link', { name: first });
    await list.first().waitFor();
    await page.getByText('Live', { exact: true }).first().waitFor({ state: 'attached' });
    await page.evaluate('document.fonts.ready');
    await page.evaluate(WATCH);
    const before = await page.getByRole('row').or(page.locator('.commits > li')).count();
    await save('build', `name: build\nwidth: ${width}\nscreen: ${screen}\n`);
    await save(`at${width}${screen}`, 'name: another\n');
    const news = page.getByRole('button', { name: /^Show [12] new$/ });
    await news.waitFor();
    expect(await page.evaluate('globalThis.moved')).toEqual([]);
    expect(await page.getByRole('row').or(page.locator('.commits > li')).count()).toBe(before);
    expect(await judgeScreen(window, `news-${screen}`, [{ theme: 'dark', width }])).toEqual([]);
    await news.click();
    await news.waitFor({ state: 'detached' });
    expect(await page.getByRole('row').or(page.locator('.commits > li')).count()).toBeGreaterThan(before);
  });

  it('moves no entity either: one more comes at the end, and one that is gone keeps its place until then', async () => {
    const { page } = window;
    await window.go(at('entities'));
    await page.reload();
    const row = page.getByRole('row').filter({ hasText: `at${width}operations` });
    await row.waitFor();
    await page.getByText('Live', { exact: true }).first().waitFor({ state: 'attached' });
    await page.evaluate(WATCH);
    await save(`last${width}`, 'name: last\n');
    await page
      .getByRole('row')
      .filter({ hasText: `last${width}` })
      .waitFor();
    await stack.api.ok('DELETE', `${SCOPE}/entities/pipeline/at${width}operations?branch=main`);
    const gone = page.getByRole('button', { name: 'Show 1 gone' });
    await gone.waitFor();
    expect(await page.evaluate('globalThis.moved')).toEqual([]);
    await gone.click();
    await row.waitFor({ state: 'detached' });
  });
});

describe('somebody who may see nothing', () => {
  let stranger: Window;
  beforeAll(async () => {
    await stack.api.ok('PUT', `${SCOPE}/roles/nothing`, { permissions: ['scope.view'] });
    const { token } = await stack.api.ok('POST', `${SCOPE}/tokens`, { name: 'stranger', role: 'nothing' });
    stranger = await Window.open(browser, { url: stack.manager?.url ?? '', token, hash: at('entities') });
  });

  it.each([
    'overview',
    'entities',
    'entities/pipeline/build?branch=main',
    'operations',
    'operations/00000000-0000-4000-8000-000000000000',
    'repositories',
    'repositories/direct',
    'secrets',
    'delegates',
    'audit',
    'access',
  ])('is told so by %s, with what to ask for', async (place) => {
    const { page } = stranger;
    await stranger.go(at(place));
    const alert = page.getByRole('alert').filter({ hasText: 'PERMISSION_MISSING' }).first();
    await alert
      .getByText(/[a-z]+\.view/)
      .first()
      .waitFor();
    expect(await judgeScreen(stranger, `refused-${place.replace(/[^a-z]+/g, '-')}`)).toEqual([]);
    stranger.assertContent();
  });
});

it.each(['operations/00000000-0000-4000-8000-000000000000', 'secrets/none'])(
  'what is not there is said not to be: %s',
  async (place) => {
    await window.go(at(place));
    await window.page.getByRole('alert').getByText('NOT_FOUND').first().waitFor();
    expect(await judgeScreen(window, `none-${place.split('/')[0] ?? ''}`)).toEqual([]);
  },
);
