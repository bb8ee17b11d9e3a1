// What one typed in the page, in Chromium: where it is kept, and when it counts as saved.
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type Json } from '../support/api.js';
import { allLooks, judgeScreen, startBrowser, Window } from '../support/browser.js';
import { PushGate } from '../support/push-gate.js';
import { Stack } from '../support/stack.js';

const SCOPE = 'accounts/demo';
const at = (place: string): string => `#/${SCOPE}/${place}`;
const documentOf = (id: string): string => `Document of pipeline ${id}`;

let stack: Stack;
let browser: Browser;
let window: Window;
let page: Page;
let gate: PushGate;

beforeAll(async () => {
  [stack, browser] = await Promise.all([Stack.start('real'), startBrowser()]);
  gate = await PushGate.before(stack.host.url);
  await stack.api.ok('PUT', `${SCOPE}/connectors/gated`, {
    url: `${gate.url}/demo.git`,
    connectivity: 'manager',
    credential: { username: stack.accounts.manager.username, secret: 'git-direct' },
  });
  window = await Window.open(browser, {
    url: stack.manager?.url ?? '',
    token: stack.token,
    hash: at('entities'),
  });
  page = window.page;
});
afterAll(async () => {
  await browser?.close();
  await gate?.close();
  await stack?.stop();
});
afterEach(() => window.assertContent());

const save = (id: string, yaml: string, connector = 'direct'): Promise<Json> =>
  stack.api.ok('PUT', `${SCOPE}/entities/pipeline/${id}`, { yaml, git: { connector, branch: 'main' } });
const textOf = async (id: string): Promise<string> =>
  (await stack.api.ok('GET', `${SCOPE}/entities/pipeline/${id}?branch=main`)).yaml;
const commit = async (): Promise<void> => {
  await page.getByRole('button', { name: 'Save…' }).click();
  await page.getByRole('button', { name: 'Commit to main' }).last().click();
};
const onItsWay = () => page.getByText('On its way to Git', { exact: true });

/** Whoever asks so is answered at once, as by a host that takes its time. */
async function hurry(act: () => Promise<void>): Promise<void> {
  const place = '**/api/v1/accounts/demo/entities/**';
  await page.route(place, (route) =>
    route.continue({ headers: { ...route.request().headers(), prefer: 'wait=0' } }),
  );
  await act();
  await page.unroute(place);
}

describe('what is on its way to Git', () => {
  it('is neither told as unsaved nor as a change by others, and what is typed meanwhile is saved after it', async () => {
    await save('slow', 'name: one\n', 'gated');
    await window.go(at('entities/pipeline/slow?branch=main'));
    await window.type(documentOf('slow'), 'name: two\n');
    gate.shut();
    await hurry(async () => {
      await commit();
      await onItsWay().waitFor();
    });
    expect(await page.getByText('Not saved').count()).toBe(0);
    await page.getByRole('link', { name: 'Saving' }).waitFor();
    expect(await judgeScreen(window, 'entity-on-its-way', allLooks)).toEqual([]);
    await window.type(documentOf('slow'), 'name: three\n');
    for (const name of ['Save…', 'Discard…'])
      expect(await page.getByRole('button', { name }).isDisabled(), name).toBe(true);
    gate.open();
    await page.getByText('Not saved').waitFor();
    await onItsWay().waitFor({ state: 'detached' });
    expect(await page.getByText('has changed on main since you read it').count()).toBe(0);
    await commit();
    await page.getByText(/Committed to main as/).waitFor();
    expect(await textOf('slow')).toBe('name: three\n');
  });

  it('is nothing to be saved any more once it is there', async () => {
    await save('landing', 'name: one\n', 'gated');
    await window.go(at('entities/pipeline/landing?branch=main'));
    await window.type(documentOf('landing'), 'name: two\n');
    gate.shut();
    await hurry(async () => {
      await commit();
      await onItsWay().waitFor();
    });
    await page.getByRole('link', { name: 'Operations' }).click();
    await page.getByRole('heading', { name: 'Operations' }).waitFor();
    gate.open();
    await page
      .getByRole('row', { name: /landing/ })
      .first()
      .getByText('Succeeded')
      .waitFor();
    await page.goBack();
    await page
      .getByRole('textbox', { name: documentOf('landing') })
      .getByText('two')
      .waitFor();
    await onItsWay().waitFor({ state: 'detached' });
    for (const words of ['Not saved', 'has changed on main since you read it'])
      expect(await page.getByText(words).count(), words).toBe(0);
  });

  it('is there to be saved again where it was cancelled', async () => {
    await save('withdrawn', 'name: one\n', 'delegated');
    const [delegate] = (await stack.api.ok('GET', `${SCOPE}/delegates`)).delegates;
    await stack.api.ok('POST', `${SCOPE}/delegates/${delegate.id}/disable`);
    await window.go(at('entities/pipeline/withdrawn?branch=main'));
    await window.type(documentOf('withdrawn'), 'name: two\n');
    await hurry(async () => {
      await commit();
      await onItsWay().waitFor();
    });
    const operation = await eventually(async () => {
      const [one] = (await stack.api.ok('GET', `${SCOPE}/operations?state=pending`)).operations;
      return one?.waitsFor === null ? undefined : one;
    }, 'the save to wait for a delegate');
    await stack.api.ok('POST', `${SCOPE}/operations/${operation.id}/cancel`);
    await page.getByText('Not saved').waitFor();
    await stack.api.ok('POST', `${SCOPE}/delegates/${delegate.id}/enable`);
    await commit();
    await page.getByText(/Committed to main as/).waitFor();
    expect(await textOf('withdrawn')).toBe('name: two\n');
  });

  it('is not told as deleted before it is', async () => {
    await save('leaving', 'name: one\n', 'gated');
    await window.go(at('entities/pipeline/leaving?branch=main'));
    await page.getByRole('textbox', { name: documentOf('leaving') }).waitFor();
    gate.shut();
    await hurry(async () => {
      await page.getByRole('button', { name: 'Delete', exact: true }).click();
      await page.getByRole('button', { name: 'Delete leaving' }).click();
      await page.getByText('The deletion of pipeline leaving is on its way to Git.').waitFor();
    });
    await page.getByRole('heading', { name: 'Delete pipeline leaving' }).waitFor();
    expect(await page.getByText('Deleted pipeline leaving').count()).toBe(0);
    gate.open();
    await page.getByText('Succeeded', { exact: true }).waitFor();
    expect((await stack.api.request('GET', `${SCOPE}/entities/pipeline/leaving?branch=main`)).status).toBe(
      404,
    );
  });
});

describe('the result of a conflict', () => {
  const base = 'name: both\nsteps: 1\n';

  it('that is typed is kept, and made anew after one question; once it is saved, nothing is left to be', async () => {
    await save('both', base);
    await window.go(at('entities/pipeline/both?branch=main'));
    await page
      .getByRole('textbox', { name: documentOf('both') })
      .getByText('steps')
      .waitFor();
    await window.type(documentOf('both'), 'name: both\nsteps: 2\n');
    await save('both', 'name: both\nsteps: 3\n');
    await commit();
    await page.getByRole('link', { name: 'Resolve the conflict' }).click();
    const label = 'Result of the merge';
    const result = page.getByRole('textbox', { name: label });
    await result.waitFor();
    await window.type(label, 'name: both\nsteps: 2 # by hand\n');
    await page.getByRole('link', { name: 'Operations' }).first().click();
    await page.getByRole('heading', { name: 'Operations' }).waitFor();
    await page.goBack();
    await result.getByText('by hand').waitFor();
    const question = page.getByRole('dialog', { name: 'Choose, and lose what you typed in the result?' });
    const choose = () =>
      page
        .getByRole('group', { name: /steps/ })
        .getByLabel(/^Your save/)
        .click();
    await choose();
    expect(await judgeScreen(window, 'conflict-anew')).toEqual([]);
    await question.getByRole('button', { name: 'Keep my text' }).click();
    await result.getByText('by hand').waitFor();
    await choose();
    await question.getByRole('button', { name: 'Make the result anew' }).click();
    await result.getByText('by hand').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Save again…' }).click();
    await page.getByRole('button', { name: 'Commit to main' }).last().click();
    await page.getByText('The conflict in both is resolved.').waitFor();
    await page
      .getByRole('textbox', { name: documentOf('both') })
      .getByText('steps')
      .waitFor();
    for (const words of ['Not saved', 'has changed on main since you read it'])
      expect(await page.getByText(words).count(), words).toBe(0);
    expect(await textOf('both')).toBe('name: both\nsteps: 2\n');
  });
});

it('a conflict is none any more once one lets the version in Git stand', async () => {
  await save('stands', 'name: one\n');
  await window.go(at('entities/pipeline/stands?branch=main'));
  await page
    .getByRole('textbox', { name: documentOf('stands') })
    .getByText('one')
    .waitFor();
  await window.type(documentOf('stands'), 'name: mine\n');
  await save('stands', 'name: theirs\n');
  await commit();
  await page.getByRole('link', { name: 'Resolve the conflict' }).click();
  await page.getByRole('button', { name: 'Let Git’s version stand…' }).click();
  expect(await judgeScreen(window, 'conflict-let-stand')).toEqual([]);
  await page.getByRole('button', { name: 'Let it stand' }).click();
  await page
    .getByRole('textbox', { name: documentOf('stands') })
    .getByText('theirs')
    .waitFor();
  await page.getByText('Saved', { exact: true }).waitFor();
  for (const words of ['Not saved', 'Conflict']) expect(await page.getByText(words).count(), words).toBe(0);
  await page.reload();
  await page.getByText('Saved', { exact: true }).waitFor();
});

describe('a new entity', () => {
  it('that is typed is there again after another place in the page, until it is saved or given up', async () => {
    const label = 'Document of the new entity';
    await window.go(at('entities/new'));
    await page.getByLabel('Id', { exact: true }).fill('anew');
    await page.getByLabel('Repository').selectOption('direct');
    await window.type(label, 'name: typed\n');
    await page.getByRole('link', { name: 'Operations' }).click();
    await page.getByRole('heading', { name: 'Operations' }).waitFor();
    await page.goBack();
    const editor = page.getByRole('textbox', { name: label });
    await editor.getByText('typed').waitFor();
    expect(await page.getByLabel('Id', { exact: true }).inputValue()).toBe('anew');
    await page.getByRole('button', { name: 'Discard…' }).click();
    await page.getByRole('button', { name: 'Discard my text' }).click();
    await editor.getByText('typed').waitFor({ state: 'detached' });
    await window.type(label, 'name: again\n');
    await commit();
    await page.getByText(/Committed to main as/).waitFor();
    await window.go(at('entities/new'));
    await editor.waitFor();
    expect(await editor.getByText('again').count()).toBe(0);
    expect(await textOf('anew')).toBe('name: again\n');
  });
});

it('what is marked in a document is told in words as well, and reached by keys', async () => {
  await save('marked', 'name: marked\n');
  await window.go(at('entities/pipeline/marked?branch=main'));
  const editor = page.getByRole('textbox', { name: documentOf('marked') });
  await editor.getByText('marked').waitFor();
  await window.type(documentOf('marked'), 'name: marked\nsteps: [1\n');
  const told = page.getByRole('status', { name: 'Problems of Document of pipeline marked' });
  await told.getByText(/Line \d, column \d/).waitFor();
  expect(await judgeScreen(window, 'entity-marked', allLooks)).toEqual([]);
  await told.getByRole('button').first().press('Enter');
  await expect.poll(() => editor.evaluate((element) => element.matches(':focus'))).toBe(true);
  await window.type(documentOf('marked'), 'name: 5\n');
  await told.getByRole('button').waitFor({ state: 'detached' });
  await commit();
  await page.getByRole('alert').getByText('ENTITY_INVALID').waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await told.getByText(/must be string/).waitFor();
  await page.getByRole('button', { name: 'Discard…' }).click();
  await page.getByRole('button', { name: 'Discard my text' }).click();
});

it('what is deleted while one looks at it is said to be, and is neither in sync nor deleted again', async () => {
  await save('vanished', 'name: vanished\n');
  await window.go(at('entities/pipeline/vanished?branch=main'));
  await window.type(documentOf('vanished'), 'name: typed\n');
  await stack.api.ok('DELETE', `${SCOPE}/entities/pipeline/vanished?branch=main`);
  await page.getByText('vanished was deleted from main').waitFor();
  await page.getByText('Not there any more', { exact: true }).waitFor();
  expect(await page.getByRole('button', { name: 'Delete', exact: true }).count()).toBe(0);
  await page
    .getByRole('textbox', { name: documentOf('vanished') })
    .getByText('typed')
    .waitFor();
  expect(await judgeScreen(window, 'entity-vanished')).toEqual([]);
  await page.getByRole('button', { name: 'Discard…' }).click();
  await page.getByRole('button', { name: 'Discard my text' }).click();
});

it('who sees no repository saves to one of a scope around by its name', async () => {
  const project = `${SCOPE}/orgs/shop/projects/checkout`;
  for (const scope of [`${SCOPE}/orgs/shop`, project]) await stack.api.ok('PUT', scope, {});
  const { token } = await stack.api.ok('POST', `${project}/tokens`, { name: 'editor', role: 'editor' });
  const url = stack.manager?.url ?? '';
  const other = await Window.open(browser, { url, token, hash: `#/${project}/entities/new` });
  await other.page.getByLabel('Id', { exact: true }).fill('unseen');
  await other.page.getByLabel('Repository').selectOption({ label: 'Another one, by its name' });
  await other.page.getByLabel('Name of the repository').fill('direct');
  await other.type('Document of the new entity', 'name: unseen\n');
  await other.page.getByRole('button', { name: 'Save…' }).click();
  await other.page.getByRole('button', { name: 'Commit to main' }).last().click();
  await other.page.getByText(/Committed to main as/).waitFor();
  expect((await stack.api.ok('GET', `${project}/entities/pipeline/unseen`)).git.connector).toBe('direct');
  other.assertContent();
  await other.close();
});

it.each([
  ['entities', 'Search entities by id', 'a/b', 'no entity is called like that'],
  ['operations', 'Find by the whole id of the entity', 'a b', 'None of these'],
])('what no id can be is not found in %s', async (place, label, text, words) => {
  await save('found', 'name: found\n');
  await window.go(at(place));
  await page.getByRole('link', { name: /found/ }).first().waitFor();
  await page.getByLabel(label).fill(text);
  await page.getByText(words).waitFor();
  expect(await page.getByRole('link', { name: /found/ }).count()).toBe(0);
});
