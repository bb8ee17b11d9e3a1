// The page in Chromium, over a whole Sallyport: what takes up hundreds of files at once, and what of it did not go well.
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/api.js';
import { judgeScreen, startBrowser, Window } from '../support/browser.js';
import { sql } from '../support/database.js';
import { holding, refusing, toInline } from '../support/moving.js';
import { pushForeign } from '../support/repository.js';
import { Stack } from '../support/stack.js';

const SCOPE = 'accounts/demo';
const at = (place: string): string => `#/${SCOPE}/${place}`;
/** More than one move takes. */
const MANY = 501;
const SLOW = { timeout: 60_000 };

let stack: Stack;
let browser: Browser;
let window: Window;

beforeAll(async () => {
  [stack, browser] = await Promise.all([Stack.start('real'), startBrowser()]);
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

/** In a folder of its own. */
const save = (id: string, folder: string) =>
  stack.api.ok('PUT', `${SCOPE}/entities/pipeline/${id}`, {
    yaml: `name: ${id}\n`,
    git: { connector: 'direct', branch: 'main', path: `${folder}/${id}.yaml` },
  });

const table = (name: string) => window.page.getByRole('table', { name });
/** Without its head. */
const rowsOf = async (name: string): Promise<number> => (await table(name).getByRole('row').count()) - 1;

/** Reports what it would do with all of a folder, which goes to another one, or becomes inline. */
async function plan(folder: string, to: { label: string } | string): Promise<void> {
  const { page } = window;
  await window.go(at('repositories/direct?tab=move'));
  // Nothing is left of what was chosen before.
  await page.reload();
  await page.getByLabel('From folder').fill(folder);
  await page.getByLabel('To', { exact: true }).selectOption(to);
  if (to === 'direct') await page.getByLabel('Path template').fill('moved/{id}.yaml');
  await page.getByRole('button', { name: 'Report what it would do' }).click();
}

/** What was reported. */
async function begin(count: string): Promise<void> {
  const { page } = window;
  await page.getByRole('button', { name: `Move ${count}…` }).click();
  const question = page.getByRole('dialog');
  await question.getByRole('button', { name: `Move ${count}` }).click();
  await question.waitFor({ state: 'detached' });
}

describe('an import of hundreds of files', () => {
  it('shows those alone that cannot be entities, and why', async () => {
    const ids = Array.from({ length: MANY }, (_, at) => `many${at}`);
    const files = ids.map((id) => [`pipelines/${id}.yaml`, `name: ${id}\n`]);
    await pushForeign(stack.foreignUrl, {
      ...Object.fromEntries(files),
      'pipelines/zz_broken.yaml': 'name: 1\n',
    });
    await window.go(at('repositories/direct?tab=import'));
    const { page } = window;
    await page.getByRole('button', { name: 'Report what it would do' }).click();
    const invalid = page.getByRole('button', { name: '1 invalid' });
    await invalid.waitFor(SLOW);
    await page.getByRole('button', { name: `All ${MANY + 1}` }).waitFor();
    const broken = table('Files of the import').getByRole('row').filter({ hasText: 'zz_broken' });
    expect(await broken.count()).toBe(0);
    await invalid.click();
    await broken.getByText('/name must be string').waitFor();
    await broken.getByText('Correct the file in Git.').waitFor();
    expect(await rowsOf('Files of the import')).toBe(1);
    expect(await judgeScreen(window, 'import-invalid')).toEqual([]);
    await page.getByRole('button', { name: `Import ${MANY} files…` }).click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Import/ })
      .click();
    await page.getByText('Imported', { exact: true }).waitFor(SLOW);
  });
});

describe('a move', () => {
  it('of more than one move takes says how to choose fewer, which the form does', async () => {
    await save('few', 'teams/one');
    await plan('', { label: 'Inline: Sallyport alone' });
    const { page } = window;
    const refusal = page.getByRole('alert');
    await refusal.getByText('MOVE_TOO_LARGE').waitFor();
    await refusal.getByText(/Choose a kind, a branch or a folder/).waitFor();
    expect(await judgeScreen(window, 'move-too-large')).toEqual([]);
    await page.getByLabel('From folder').fill('/teams/');
    await page.getByLabel('From branch').fill('main');
    await page.getByLabel('Kind').selectOption('pipeline');
    await page.getByRole('button', { name: 'Report what it would do' }).click();
    await page.getByRole('button', { name: 'Move 1 entity…' }).waitFor();
    expect(await rowsOf('What the move would do')).toBe(1);
    await table('What the move would do').getByText('teams/one/few.yaml').waitFor();
    await page.getByLabel('From branch').fill('nowhere');
    await page.getByRole('button', { name: 'Report what it would do' }).click();
    await page.getByText('No entity of this scope in this repository is of that kind').waitFor();
  });

  it('begins at once, and is there again for whoever comes back meanwhile', async () => {
    for (const id of ['held_one', 'held_two']) await save(id, 'held');
    const release = holding(stack.repository);
    const { page } = window;
    try {
      await plan('held', 'direct');
      await begin('2 entities');
      const bar = page.getByRole('progressbar', { name: 'Progress of the move' });
      await bar.waitFor();
      await page.getByRole('link', { name: 'Drift' }).click();
      await bar.waitFor({ state: 'detached' });
      await page.getByRole('link', { name: 'Move', exact: true }).click();
      await bar.waitFor();
      expect(await bar.getAttribute('value')).toBe('0');
      await page.getByText('Adding', { exact: true }).waitFor();
      await table('Entities of the move').getByRole('row').filter({ hasText: 'held_two' }).waitFor();
      expect(await judgeScreen(window, 'move-running')).toEqual([]);
    } finally {
      release();
    }
    await page.getByText('Moved', { exact: true }).waitFor();
    await page.getByText('Moved 2 entities.').waitFor();
    await table('Entities of the move').getByText('moved/held_two.yaml').waitFor();
  });

  it('that nothing came of says why, entity by entity, and is not said to have moved any', async () => {
    await save('unwanted', 'unwanted');
    const { page } = window;
    await refusing(stack.repository, async () => {
      await plan('unwanted', 'direct');
      await begin('1 entity');
      await page
        .getByRole('region', { name: /^The move to/ })
        .getByText('Failed', { exact: true })
        .waitFor(SLOW);
    });
    const row = table('Entities of the move').getByRole('row').filter({ hasText: 'unwanted' });
    await row.getByText('Failed', { exact: true }).waitFor();
    await row.getByText(/not today/).waitFor();
    expect(await page.getByText(/^Moved \d+ entit/).count()).toBe(0);
    expect(await judgeScreen(window, 'move-failed')).toEqual([]);
  });

  it('that others began is listed, with what of it did not move', async () => {
    await save('willing', 'willing');
    const { page } = window;
    await window.go(at('repositories/direct?tab=move'));
    await page.reload();
    const others = page.getByRole('region', { name: 'Other moves' });
    await others.getByRole('row').filter({ hasText: 'direct, main' }).waitFor();
    const entities = ['willing', 'nobody'].map((id) => ({ kind: 'pipeline', id }));
    await stack.api.ok('POST', `${SCOPE}/moves`, { entities, to: toInline, skipBlocked: true });
    await page.getByRole('button', { name: 'Show 1 new' }).click();
    await page.getByRole('heading', { name: 'The move to Sallyport alone' }).waitFor();
    await page.getByText('Moved in part', { exact: true }).waitFor();
    await page.getByRole('button', { name: '1 blocked' }).click();
    await table('Entities of the move')
      .getByRole('row')
      .filter({ hasText: 'nobody' })
      .getByText('Blocked')
      .waitFor();
    await eventually(async () => (await rowsOf('Entities of the move')) === 1, 'the blocked one alone');
    expect(await judgeScreen(window, 'move-in-part')).toEqual([]);
    await others.getByRole('row').filter({ hasText: 'Failed' }).getByRole('button').click();
    await page.getByRole('heading', { name: 'The move to direct, main' }).waitFor();
  });
});

describe('drift', () => {
  it('that no repair mends says in each row what does, and offers none', async () => {
    const tracking = `${SCOPE}/connectors/direct/tracking`;
    await stack.api.ok('PUT', tracking, {});
    await eventually(
      async () => (await stack.api.ok('GET', tracking)).followed[0]?.state === 'current',
      'the branch to be followed',
    );
    await window.go(at('repositories/direct?tab=drift'));
    const { page } = window;
    await page.getByRole('button', { name: 'Compare now' }).click();
    const broken = page.getByRole('row').filter({ hasText: 'zz_broken' });
    await broken.getByText('Correct the file in Git.').waitFor(SLOW);
    await page.getByText('A repair mends none of this').waitFor();
    expect(await page.getByRole('button', { name: /^Repair/ }).count()).toBe(0);
    expect(await judgeScreen(window, 'drift-unmended')).toEqual([]);
  });

  it('is repaired as far as it can be, and the rest is said to stay', async () => {
    await sql(
      stack.databaseUrl,
      `update entity set yaml = 'name: rotten', blob_id = repeat('0', 40) where id = 'many7'`,
    );
    const { page } = window;
    await page.getByRole('button', { name: 'Compare again' }).click();
    await page.getByRole('button', { name: 'Repair 1…' }).click();
    const question = page.getByRole('dialog', { name: 'Repair direct?' });
    await question.getByText('1 difference stays').waitFor();
    await question.getByRole('button', { name: 'Repair direct' }).click();
    await page.getByText('Repaired: 1 copy brought to what Git has.').waitFor(SLOW);
    await page.getByText('A repair mends none of this').waitFor(SLOW);
    expect((await stack.api.ok('GET', `${SCOPE}/entities/pipeline/many7`)).yaml).toBe('name: many7\n');
  });
});

it('a webhook that told of nothing yet is not said to be missing', async () => {
  await stack.api.ok('PUT', `${SCOPE}/connectors/direct/webhook`, {});
  await window.go(at('repositories/direct'));
  const said = window.page.getByText('None heard yet', { exact: true });
  await said.waitFor();
  expect(await said.getAttribute('title')).toContain('15 seconds');
});
