// The page in Chromium, over a whole Sallyport: what people do with entities, and what goes wrong on the way.
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { allLooks, broadLooks, judgeScreen, startBrowser, Window } from '../support/browser.js';
import { PushGate } from '../support/push-gate.js';
import { Stack } from '../support/stack.js';
import { takeLane } from '../support/taken-lane.js';

const SCOPE = 'accounts/demo';
const at = (place: string): string => `#/${SCOPE}/${place}`;

let stack: Stack;
let browser: Browser;
let window: Window;

beforeAll(async () => {
  [stack, browser] = await Promise.all([Stack.start('real'), startBrowser()]);
  const { api } = stack;
  for (const scope of [`${SCOPE}/orgs/shop`, `${SCOPE}/orgs/shop/projects/checkout`])
    await api.ok('PUT', scope, {});
  await api.ok('PUT', `${SCOPE}/kinds/service`, {
    pathTemplate: '{org}/{project}/services/{id}.yaml',
    schema: {
      type: 'object',
      required: ['image'],
      properties: { image: { type: 'string' }, replicas: { type: 'integer', minimum: 0 } },
    },
  });
  await api.ok('PUT', `${SCOPE}/connectors/direct/tracking`, {});
  await save(
    'pipeline',
    'build',
    '# What everybody runs.\nname: build\nsteps:\n  - run: npm test # all of it\n',
  );
  await save('service', 'cart', 'image: registry.example/cart:1.4.2\nreplicas: 3\n');
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

const save = (kind: string, id: string, yaml: string, connector = 'direct'): Promise<unknown> =>
  stack.api.ok('PUT', `${SCOPE}/entities/${kind}/${id}`, { yaml, git: { connector, branch: 'main' } });

const textOf = async (kind: string, id: string): Promise<string> =>
  (await stack.api.ok('GET', `${SCOPE}/entities/${kind}/${id}?branch=main`)).yaml as string;

describe('entities', () => {
  it('are listed with how they stand in Git, and found', async () => {
    await window.go(at('entities'));
    const { page } = window;
    const row = page.getByRole('row').filter({ hasText: 'cart' });
    await row.getByText('In sync').waitFor();
    expect(await judgeScreen(window, 'entities', allLooks)).toEqual([]);
    await page.getByLabel('Search entities by id').fill('CAR');
    await page.getByRole('link', { name: 'build' }).waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'cart' }).waitFor();
    await page.getByLabel('Search entities by id').fill('none');
    await page.getByRole('heading', { name: 'Nothing fits' }).waitFor();
    await page.getByRole('link', { name: 'Show all entities' }).click();
    await page.getByRole('link', { name: 'build' }).waitFor();
    expect(await page.getByLabel('Search entities by id').inputValue()).toBe('');
    await page.getByLabel('Kind').selectOption('service');
    await page.getByRole('link', { name: 'build' }).waitFor({ state: 'detached' });
    await page.getByLabel('Branch').selectOption('main');
    await page.getByRole('link', { name: 'cart' }).waitFor();
  });

  it('of a scope without any say what to do next', async () => {
    await window.go(at('entities'));
    const { page } = window;
    await page.getByRole('button', { name: 'Account demo' }).click();
    await page.getByRole('dialog').getByLabel('Search scopes').fill('check');
    expect(await judgeScreen(window, 'scopes')).toEqual([]);
    await page.getByRole('dialog').getByRole('button', { name: 'checkout' }).click();
    await page.getByRole('heading', { name: 'No entities yet' }).waitFor();
    expect(page.url()).toContain('#/accounts/demo/orgs/shop/projects/checkout/entities');
    expect(await judgeScreen(window, 'entities-empty')).toEqual([]);
  });

  it('are edited, with what breaks the schema at its line, and saved', async () => {
    await window.go(at('entities/service/cart?branch=main'));
    const { page } = window;
    const label = 'Document of service cart';
    await page.getByRole('textbox', { name: label }).waitFor();
    expect(await judgeScreen(window, 'entity', allLooks)).toEqual([]);
    await window.type(label, 'image: registry.example/cart:1.5.0\nreplicas: many\n');
    await page.getByRole('button', { name: 'Save…' }).click();
    await page.getByRole('button', { name: 'Commit to main' }).last().click();
    await page.getByRole('alert').getByText('ENTITY_INVALID').waitFor();
    expect(await judgeScreen(window, 'entity-invalid')).toEqual([]);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await expect.poll(() => page.locator('.cm-lintRange-error').textContent()).toContain('many');
    await window.type(label, 'image: registry.example/cart:1.5.0\nreplicas: 4\n');
    await page.getByRole('button', { name: 'Save…' }).click();
    await page.getByLabel('Commit message').fill('Take four carts');
    await page.getByRole('button', { name: 'Commit to main' }).last().click();
    await page.getByText(/Committed to main as [0-9a-f]{8}/).waitFor();
    expect(await textOf('service', 'cart')).toContain('replicas: 4');
    expect(await page.getByText('Not saved').count()).toBe(0);
  });

  it('are saved to a new branch, and compared with the other', async () => {
    await window.go(at('entities/service/cart?branch=main'));
    const { page } = window;
    await window.type('Document of service cart', 'image: registry.example/cart:2.0.0\nreplicas: 4\n');
    await page.getByRole('button', { name: 'Save…' }).click();
    await page.getByRole('button', { name: 'New branch' }).click();
    await page.getByLabel('Name of the new branch').fill('two');
    expect(await judgeScreen(window, 'save')).toEqual([]);
    await page.getByRole('button', { name: 'Commit to two' }).click();
    await page.getByText(/Committed to two as/).waitFor();
    await window.go(at('entities/service/cart?branch=main&tab=compare&from=main&to=two'));
    const diff = page.getByRole('figure', { name: 'cart at main and two' });
    await diff.getByText('image: registry.example/cart:2.0.0').waitFor();
    expect(await diff.locator('.removed').textContent()).toContain('cart:1.5.0');
    expect(await judgeScreen(window, 'compare')).toEqual([]);
  });

  it('have a history in Git, with what each commit changed', async () => {
    await window.go(at('entities/service/cart?branch=main&tab=history'));
    const { page } = window;
    await page
      .getByRole('button', { name: /^Add service cart|^Save service cart|cart/ })
      .first()
      .waitFor();
    await page.getByRole('button', { name: /Take four carts/ }).click();
    const diff = page.getByRole('figure', { name: /^What [0-9a-f]{8} changed$/ });
    await diff.getByText('replicas: 4').waitFor();
    expect(await diff.locator('.removed').allTextContents()).toContainEqual(
      expect.stringContaining('replicas: 3'),
    );
    expect(await judgeScreen(window, 'history')).toEqual([]);
    await window.go(at('entities/service/none?branch=main&tab=history'));
    await page.getByRole('alert').first().getByText('NOT_FOUND').waitFor();
  });

  it('are made anew, and deleted after one question that names them', async () => {
    await window.go(at('entities/new'));
    const { page } = window;
    await page.getByLabel('Kind').selectOption('pipeline');
    await page.getByLabel('Id').fill('release');
    await window.type('Document of the new entity', 'name: release\n');
    expect(await judgeScreen(window, 'entity-new')).toEqual([]);
    await page.getByRole('button', { name: 'Save…' }).click();
    await page.getByRole('button', { name: 'Commit to main' }).last().click();
    await page.getByRole('heading', { name: 'release', level: 1 }).waitFor();
    expect(await textOf('pipeline', 'release')).toBe('name: release\n');
    await page.getByRole('button', { name: 'Delete' }).click();
    const question = page.getByRole('dialog', { name: 'Delete pipeline release?' });
    await question.getByRole('button', { name: 'Delete release' }).click();
    await page.getByText('Deleted pipeline release from main.').waitFor();
    expect((await stack.api.request('GET', `${SCOPE}/entities/pipeline/release`)).status).toBe(404);
  });

  it('that are not there are said not to be', async () => {
    await window.go(at('entities/pipeline/nowhere'));
    await window.page.getByRole('alert').getByText('NOT_FOUND').waitFor();
    expect(await judgeScreen(window, 'entity-none')).toEqual([]);
  });
});

describe('operations', () => {
  it('are listed, filtered, and drawn as a road', async () => {
    await window.go(at('operations'));
    const { page } = window;
    await page.getByRole('row').filter({ hasText: 'Save service cart' }).first().waitFor();
    expect(await judgeScreen(window, 'operations')).toEqual([]);
    await page.getByRole('button', { name: 'Failed', exact: true }).click();
    await page.getByRole('heading', { name: 'None of these' }).waitFor();
    await page.getByRole('link', { name: 'Show all operations' }).click();
    await page.getByRole('link', { name: 'Save pipeline build' }).first().click();
    const road = page.getByRole('region', { name: 'Its road' });
    await road.getByText('On the branch, seen there').waitFor();
    const times = road.getByRole('listitem').getByText(/^\d.*m?s later$/);
    expect(await times.count()).toBe(4);
    await road.getByText(/^Commit [0-9a-f]{8}, by the manager$/).waitFor();
    expect(await judgeScreen(window, 'operation', allLooks)).toEqual([]);
  });

  it('say while they wait what they wait for, and go on by themselves', async () => {
    const { page } = window;
    await stack.delegates[0]?.kill('SIGKILL');
    const { id } = await stack.api.ok(
      'PUT',
      `${SCOPE}/entities/pipeline/waiting`,
      { yaml: 'name: waiting\n', git: { connector: 'delegated', branch: 'main' } },
      { prefer: 'wait=0' },
    );
    await window.go(at(`operations/${id}`));
    await page.getByText('What it waits for').waitFor();
    expect(await judgeScreen(window, 'operation-waiting')).toEqual([]);
    await stack.startDelegate();
    await page.getByText('Succeeded', { exact: true }).waitFor();
    await window.go(at(`operations/${id}/conflict`));
    await page.getByText('This operation is no conflict').waitFor();
  });
});

describe('an operation that waits', () => {
  const accept = async (id: string, connector: string): Promise<string> => {
    const body = { yaml: `name: ${id}\n`, git: { connector, branch: 'main' } };
    const path = `${SCOPE}/entities/pipeline/${id}`;
    return (await stack.api.ok('PUT', path, body, { prefer: 'wait=0' })).id;
  };

  it('is cancelled after one question, which names it', async () => {
    const { page } = window;
    const [delegate] = (await stack.api.ok('GET', `${SCOPE}/delegates`)).delegates;
    await stack.api.ok('POST', `${SCOPE}/delegates/${delegate.id}/disable`);
    await window.go(at(`operations/${await accept('withdrawn', 'delegated')}`));
    await page.getByText('What it waits for').waitFor();
    const release = await takeLane(stack);
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    const question = page.getByRole('dialog', { name: 'Cancel the save of pipeline withdrawn?' });
    await question.waitFor();
    expect(await judgeScreen(window, 'operation-cancel')).toEqual([]);
    await question.getByRole('button', { name: 'Cancel the save of pipeline withdrawn' }).click();
    await page.getByRole('alert').getByText('OPERATION_CANCELLED').waitFor();
    const road = page.getByRole('region', { name: 'Its road' });
    await road.getByText(/^Cancelled/).waitFor();
    expect(await judgeScreen(window, 'operation-cancelled', allLooks)).toEqual([]);
    await release();
    await stack.api.ok('POST', `${SCOPE}/delegates/${delegate.id}/enable`);
    await page.getByRole('button', { name: 'Save again…' }).click();
    await page.getByRole('figure', { name: 'What it changes' }).getByText('name: withdrawn').waitFor();
    expect(await judgeScreen(window, 'save-again')).toEqual([]);
    await page.getByRole('button', { name: 'Commit to main' }).last().click();
    await page.getByText(/Committed to main as/).waitFor();
    expect(await textOf('pipeline', 'withdrawn')).toBe('name: withdrawn\n');
  });

  it('and is on its way to Git goes on, and whoever would cancel it is told why', async () => {
    const { page } = window;
    const gate = await PushGate.before(stack.host.url);
    await stack.api.ok('PUT', `${SCOPE}/connectors/gated`, {
      url: `${gate.url}/demo.git`,
      connectivity: 'manager',
      credential: { username: stack.accounts.manager.username, secret: 'git-direct' },
    });
    gate.shut();
    await window.go(at(`operations/${await accept('underway', 'gated')}`));
    const road = page.getByRole('region', { name: 'Its road' });
    await road.getByText('Its plan is stored').waitFor();
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    const question = page.getByRole('dialog', { name: 'Cancel the save of pipeline underway?' });
    await question.getByRole('button', { name: 'Cancel the save of pipeline underway' }).click();
    await question.getByRole('alert').getByText('OPERATION_UNDERWAY').waitFor();
    expect(await judgeScreen(window, 'operation-underway')).toEqual([]);
    await question.getByRole('button', { name: 'Let it go on' }).click();
    gate.open();
    await page.getByText('Succeeded', { exact: true }).waitFor();
    await stack.api.ok('DELETE', `${SCOPE}/entities/pipeline/underway?branch=main`);
    await stack.api.ok('DELETE', `${SCOPE}/connectors/gated`);
    await gate.close();
  });
});

describe('what others do meanwhile', () => {
  it('is on the screen without a reload, also over the restart of the manager', async () => {
    const port = new URL(stack.manager?.url ?? '').port;
    await window.go(at('entities'));
    const { page } = window;
    await page.getByText('Live', { exact: true }).waitFor();
    await save('pipeline', 'first', 'name: first\n');
    await page.getByRole('link', { name: 'first' }).waitFor();
    await stack.manager?.kill('SIGKILL');
    await page.getByText('Reconnecting', { exact: true }).waitFor();
    await stack.startManager(undefined, { SALLYPORT_PORT: port });
    await save('pipeline', 'second', 'name: second\n');
    await page.getByRole('link', { name: 'second' }).waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    expect(await page.getByRole('link', { name: 'first' }).count()).toBe(1);
    // That nobody answered for a while is told there.
    window.complaints.length = 0;
  });

  it('does not take away what one types', async () => {
    await window.go(at('entities/pipeline/build?branch=main'));
    const { page } = window;
    await window.type('Document of pipeline build', 'name: mine\n');
    await save('pipeline', 'build', 'name: theirs\n');
    await page.getByText('build has changed on main since you read it').waitFor();
    await page.getByRole('button', { name: 'Show what changed' }).click();
    await page.getByRole('dialog').getByText('name: theirs').waitFor();
    expect(await judgeScreen(window, 'changed-meanwhile')).toEqual([]);
    await page.getByRole('button', { name: 'Keep editing' }).click();
    expect(await page.getByRole('textbox', { name: 'Document of pipeline build' }).textContent()).toContain(
      'mine',
    );
    await page.getByRole('button', { name: 'Discard…' }).click();
    await page.getByRole('button', { name: 'Discard my text' }).click();
  });
});

describe('a conflict', () => {
  const base =
    '# The cart.\nimage: cart:1 # the stable one\nreplicas: 3\nlimits:\n  # In MiB.\n  memory: 128\n  cpu: 1\n';

  it('of two people is resolved key by key, without the loss of a comment', async () => {
    await save('service', 'both', base);
    const other = await Window.open(browser, {
      url: stack.manager?.url ?? '',
      token: stack.token,
      hash: at('entities/service/both?branch=main'),
    });
    await window.go(at('entities/service/both?branch=main'));
    const label = 'Document of service both';
    await other.type(
      label,
      base.replace('replicas: 3', 'replicas: 5 # for the sale').replace('memory: 128', 'memory: 256'),
    );
    await window.type(
      label,
      base.replace('replicas: 3', 'replicas: 4').replace('cpu: 1', 'cpu: 2 # we measured'),
    );
    for (const { page } of [other, window]) {
      await page.getByRole('button', { name: 'Save…' }).click();
      await page.getByRole('button', { name: 'Commit to main' }).last().click();
      if (page === other.page) await page.getByText(/Committed to main as/).waitFor();
    }
    await other.close();
    const { page } = window;
    await page.getByRole('alert').getByText('ENTITY_CONFLICT').waitFor();
    await page.getByRole('link', { name: /^operation [0-9a-f-]{36}$/ }).waitFor();
    expect(await judgeScreen(window, 'save-conflict')).toEqual([]);
    await page.getByRole('link', { name: 'Resolve the conflict' }).click();
    await page
      .getByRole('group', { name: /limits › memory/ })
      .getByText('Changed in Git')
      .waitFor();
    await page
      .getByRole('group', { name: /limits › cpu/ })
      .getByText('Changed by you')
      .waitFor();
    const again = page.getByRole('button', { name: 'Save again…' });
    expect(await again.isDisabled()).toBe(true);
    expect(await judgeScreen(window, 'conflict', allLooks)).toEqual([]);
    await page
      .getByRole('group', { name: /replicas/ })
      .getByRole('radio', { name: /Your save/ })
      .check();
    await again.click();
    await page.getByRole('button', { name: 'Commit to main' }).last().click();
    await page.getByText('The conflict in both is resolved.').waitFor();
    expect(await textOf('service', 'both')).toBe(
      '# The cart.\nimage: cart:1 # the stable one\nreplicas: 4\nlimits:\n  # In MiB.\n  memory: 256\n  cpu: 2 # we measured\n',
    );
  });

  it('with a removal is told, and saved as new', async () => {
    await save('pipeline', 'removed', 'name: removed\n');
    await window.go(at('entities/pipeline/removed?branch=main'));
    const { page } = window;
    await window.type('Document of pipeline removed', 'name: kept\n');
    await stack.api.ok('DELETE', `${SCOPE}/entities/pipeline/removed?branch=main`);
    await page.getByRole('button', { name: 'Save…' }).click();
    await page.getByRole('button', { name: 'Commit to main' }).last().click();
    await page.getByRole('link', { name: 'Resolve the conflict' }).click();
    await page.getByText('removed is not on main any more').waitFor();
    expect(await judgeScreen(window, 'conflict-removed')).toEqual([]);
    await page.getByRole('button', { name: 'Save as new…' }).click();
    await page.getByRole('button', { name: 'Commit to main' }).last().click();
    await page.getByRole('heading', { name: 'removed', exact: true }).waitFor();
    expect(await textOf('pipeline', 'removed')).toBe('name: kept\n');
  });
});

describe('the overview', () => {
  it('says how it goes: what ended, how fast, what waits and what failed', async () => {
    await window.go(at('overview'));
    const { page } = window;
    await page.getByRole('table', { name: 'Lanes' }).getByText('direct').first().waitFor();
    await page.getByRole('table', { name: 'Freshness of the copies' }).getByText('Up to date').waitFor();
    await page
      .getByRole('table', { name: 'Recent failures' })
      .getByRole('link', { name: 'Save service both' })
      .waitFor();
    for (const name of [
      /^From acceptance to the branch: at most \d/,
      /^At most [1-9]\d* operations were on their way at once$/,
      /^At most [1-9]\d* waited for direct main$/,
      /^No webhook came in this time$/,
      /^At most \d.* since each copy was compared with Git$/,
    ])
      await page.getByRole('img', { name }).waitFor();
    expect(await judgeScreen(window, 'overview', broadLooks)).toEqual([]);
  });

  it('of a scope without anything says what to do next', async () => {
    await window.go('#/accounts/demo/orgs/shop/overview');
    await window.page.getByRole('heading', { name: 'No lanes yet' }).waitFor();
    expect(await judgeScreen(window, 'overview-empty')).toEqual([]);
  });
});

it('the page asks no other origin, wherever one was', () => {
  expect(window.requests.length).toBeGreaterThan(100);
  expect(window.requests.filter((url) => new URL(url).hostname !== '127.0.0.1')).toEqual([]);
});
