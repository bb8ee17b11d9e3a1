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
  await page.getByRole('link', { name: 'build' }).waitFor();
  await tabTo(page, 'build');
  await keyboard.press('Enter');
  await page.getByRole('textbox', { name: 'Document of pipeline build' }).waitFor();
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
  // By its role it is gone as soon as it is closed, and the page hears of that a moment later.
  await page.locator('dialog').waitFor({ state: 'detached' });
  expect(await page.evaluate<string>('document.activeElement.textContent')).toBe('Save…');
  await keyboard.press('Enter');
  await dialog.waitFor();
  // The choice where to, and then the button that does it.
  for (let times = 0; times < 2; times++) await tabTo(page, 'Commit to main');
  await keyboard.press('Enter');
  await page.getByText(/Committed to main as [0-9a-f]{8}/).waitFor();
  window.assertContent();
});

/** All that the screen reads: what comes late moves what was there before. */
async function isThere(page: Page): Promise<void> {
  await expect.poll(() => page.locator('.skeleton').count()).toBe(0);
}

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
    await isThere(page);
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
    await isThere(page);
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

describe('somebody who may only look', () => {
  let looker: Window;
  const views = ['scope', 'entity', 'connector', 'secret', 'delegate', 'audit', 'access'];

  beforeAll(async () => {
    const { api } = stack;
    await api.ok('PUT', `${SCOPE}/roles/looker`, { permissions: views.map((one) => `${one}.view`) });
    await api.ok('PUT', `${SCOPE}/role-bindings/somebody`, {
      principal: { kind: 'group', name: 'somebody' },
      role: 'looker',
    });
    await api.ok('POST', `${SCOPE}/delegate-tokens`, { group: 'later' });
    await api.ok('PUT', `${SCOPE}/connectors/hooked`, { url: stack.repositoryUrl, connectivity: 'manager' });
    await api.ok('PUT', `${SCOPE}/connectors/hooked/webhook`, {});
    const { token } = await api.ok('POST', `${SCOPE}/tokens`, { name: 'looker', role: 'looker' });
    looker = await Window.open(browser, { url: stack.manager?.url ?? '', token, hash: at('entities') });
  });

  afterAll(() => looker?.close());

  /** Buttons that change something, of which none would be allowed. */
  const acts =
    /^(Make|New|Edit|Delete|Take|Revoke|Give|Report|Connect|Add|(Import|Move) \d+|Repair|Remove|Register|Set|Enrol|Drain)\b/;

  it.each([
    { place: 'repositories', sees: 'hooked' },
    { place: 'repositories/new', sees: 'It takes the permission connector.manage' },
    { place: 'repositories/direct?tab=webhook', sees: 'No webhook yet' },
    { place: 'repositories/hooked?tab=webhook', sees: 'Health' },
    { place: 'repositories/direct?tab=import', sees: 'It takes the permission entity.edit' },
    { place: 'repositories/direct?tab=move', sees: 'It takes the permission entity.edit' },
    { place: 'delegates?tab=groups', sees: 'Tokens that are good' },
    { place: 'access?tab=roles-given', sees: 'somebody' },
    { place: 'access?tab=tokens', sees: 'stranger' },
    { place: 'access?tab=roles', sees: 'nothing' },
    { place: 'access?tab=members', sees: 'Nobody has signed in yet' },
    { place: 'access?tab=providers', sees: 'Tokens alone' },
  ])('is offered nothing that would be refused: $place', async ({ place, sees }) => {
    const offeredTo = async (who: Window) => {
      await who.go(at(place));
      const main = who.page.getByRole('main');
      return main.getByRole('button', { name: acts }).or(main.getByRole('link', { name: acts }));
    };
    // Whoever may is offered it, where somebody has signed in.
    if (!place.includes('members')) await (await offeredTo(window)).first().waitFor();
    const offered = await offeredTo(looker);
    await looker.page.getByRole('main').getByText(sees, { exact: true }).first().waitFor();
    expect(await offered.allTextContents()).toEqual([]);
    expect(await judgeScreen(looker, `looker-${place.replace(/[^a-z]+/g, '-')}`)).toEqual([]);
    looker.assertContent();
  });

  it('finds who has not signed in yet a way to where that is set up', async () => {
    await window.go(at('access?tab=members'));
    await window.page.getByRole('link', { name: 'identity provider of the account' }).click();
    await window.page.getByRole('heading', { name: 'Tokens alone' }).waitFor();
    expect(window.page.url()).toContain('tab=providers');
  });
});

describe('what somebody typed', () => {
  const label = 'Document of pipeline release';

  it('is there again after another place in the page, and gone after one question', async () => {
    await window.go(at('entities/pipeline/release?branch=main'));
    const { page } = window;
    await window.type(label, 'name: typed\n');
    await page.getByRole('link', { name: 'Operations' }).click();
    await page.getByRole('heading', { name: 'Operations' }).waitFor();
    await page.goBack();
    const editor = page.getByRole('textbox', { name: label });
    await editor.getByText('typed').waitFor();
    await page.getByText('Not saved').waitFor();
    await page.getByRole('button', { name: 'Discard…' }).click();
    const question = page.getByRole('dialog', { name: 'Discard what you typed in release?' });
    expect(await judgeScreen(window, 'discard')).toEqual([]);
    await question.getByRole('button', { name: 'Keep editing' }).click();
    await editor.getByText('typed').waitFor();
    await page.getByRole('button', { name: 'Discard…' }).click();
    await question.getByRole('button', { name: 'Discard my text' }).click();
    await editor.getByText('release').waitFor();
    expect(await page.getByText('Not saved').count()).toBe(0);
  });

  it('is asked about before the window closes, wherever in it one is, and is nobody’s who signs in next', async () => {
    const url = stack.manager?.url ?? '';
    const place = at('entities/pipeline/release?branch=main');
    const other = await Window.open(browser, { url, token: stack.token, hash: place });
    const { page } = other;
    await other.type(label, 'name: mine\n');
    await page.getByRole('link', { name: 'Operations' }).click();
    await page.getByRole('heading', { name: 'Operations' }).waitFor();
    const asked = page.waitForEvent('dialog');
    await page.close({ runBeforeUnload: true });
    const dialog = await asked;
    expect(dialog.type()).toBe('beforeunload');
    await dialog.dismiss();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await other.signIn(stack.token);
    await other.go(place);
    await page.getByRole('textbox', { name: label }).getByText('release').waitFor();
    other.assertContent();
    await other.close();
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
