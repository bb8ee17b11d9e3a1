// The page in Chromium, over a whole Sallyport: repositories, secrets and delegates, by whoever looks after them.
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { judgeScreen, startBrowser, Window } from '../support/browser.js';
import { sql } from '../support/database.js';
import { memoryOf } from '../support/process-memory.js';
import { startManager } from '../support/processes.js';
import { pushForeign } from '../support/repository.js';
import { Stack } from '../support/stack.js';
import { webhooksOf } from '../support/webhook-sender.js';

const SCOPE = 'accounts/demo';
const at = (place: string): string => `#/${SCOPE}/${place}`;

let stack: Stack;
let browser: Browser;
let window: Window;
const { deliver } = webhooksOf(() => stack);

beforeAll(async () => {
  [stack, browser] = await Promise.all([Stack.start('real'), startBrowser()]);
  window = await Window.open(browser, {
    url: stack.manager?.url ?? '',
    token: stack.token,
    hash: at('repositories'),
  });
});

afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

afterEach(() => window.assertContent());

describe('repositories', () => {
  it('are connected by a form, which says what is wrong, and checked stage by stage', async () => {
    await window.go(at('repositories/new'));
    const { page } = window;
    await page.getByLabel('Name').fill('platform');
    await page.getByLabel('Repository URL').fill('https://user:secret@git.example/team/repository.git');
    await page.getByRole('button', { name: 'Connect and check' }).click();
    await page.getByRole('alert').waitFor();
    expect(await judgeScreen(window, 'repository-new')).toEqual([]);
    await page.getByLabel('Repository URL').fill(stack.repositoryUrl);
    await page.getByLabel('Secret').selectOption('git-direct');
    await page.getByLabel('User name').fill(stack.accounts.manager.username);
    await page.getByRole('button', { name: 'Connect and check' }).click();
    await page.getByRole('heading', { name: 'platform', level: 1 }).waitFor();
    await page.getByRole('heading', { name: 'What the host can do' }).waitFor();
    await page.getByRole('region', { name: 'Followed branches' }).getByText('Up to date').waitFor();
    expect(await judgeScreen(window, 'repository')).toEqual([]);
  });

  it('that cannot be reached say at which stage, and why', async () => {
    await stack.api.ok('PUT', `${SCOPE}/connectors/shut`, {
      url: stack.repositoryUrl,
      connectivity: 'manager',
      credential: { username: 'nobody', secret: 'git-direct' },
    });
    await window.go(at('repositories/shut'));
    const { page } = window;
    await page.getByRole('button', { name: 'Check now' }).click();
    await page.getByRole('alert').getByText('GIT_AUTH_REJECTED').waitFor();
    await page.getByRole('listitem').filter({ hasText: 'Authenticate: failed' }).waitFor();
    expect(await judgeScreen(window, 'repository-shut')).toEqual([]);
  });

  it('are listed, and deleted after one question', async () => {
    await window.go(at('repositories'));
    const { page } = window;
    await page.getByRole('row').filter({ hasText: 'platform' }).getByText('Up to date').waitFor();
    expect(await judgeScreen(window, 'repositories')).toEqual([]);
    await page.getByRole('link', { name: 'shut' }).click();
    await page.getByRole('button', { name: 'Delete' }).click();
    const question = page.getByRole('dialog', { name: 'Delete the connector shut?' });
    await question.getByRole('button', { name: 'Delete shut' }).click();
    await page.getByText('Deleted the connector shut.').waitFor();
  });

  it('that are not there are said not to be', async () => {
    await window.go(at('repositories/nowhere'));
    await window.page.getByRole('heading', { name: 'No connector is called nowhere' }).waitFor();
    expect(await judgeScreen(window, 'repository-none')).toEqual([]);
  });
});

describe('an import', () => {
  it('is reported first, and then done', async () => {
    await pushForeign(stack.foreignUrl, {
      'pipelines/old.yaml': 'name: old\n',
      'pipelines/broken.yaml': 'name: 1\n',
    });
    await window.go(at('repositories/platform?tab=import'));
    const { page } = window;
    await page.getByRole('button', { name: 'Report what it would do' }).click();
    const files = page.getByRole('table', { name: 'Files of the import' });
    await files.getByRole('row').filter({ hasText: 'pipelines/old.yaml' }).waitFor();
    await files.getByRole('row').filter({ hasText: 'broken' }).getByText('Invalid').waitFor();
    expect(await judgeScreen(window, 'import')).toEqual([]);
    await page.getByRole('button', { name: /^Import \d+ files?…$/ }).click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Import/ })
      .click();
    await page.getByText('Imported', { exact: true }).waitFor();
    expect((await stack.api.ok('GET', `${SCOPE}/entities/pipeline/old`)).yaml).toBe('name: old\n');
  });

  it('of a branch that is not there says so', async () => {
    await window.go(at('repositories/direct?tab=import'));
    const { page } = window;
    await page.getByLabel('Branch').fill('nowhere');
    await page.getByRole('button', { name: 'Report what it would do' }).click();
    await page.getByRole('alert').waitFor();
    expect(await judgeScreen(window, 'import-nowhere')).toEqual([]);
  });
});

describe('drift', () => {
  it('is compared on asking, and repaired', async () => {
    await sql(
      stack.databaseUrl,
      `update entity set yaml = 'name: rotten', blob_id = repeat('0', 40) where id = 'old'`,
    );
    await window.go(at('repositories/platform?tab=drift'));
    const { page } = window;
    await page.getByRole('button', { name: 'Compare now' }).click();
    await page.getByRole('row').filter({ hasText: 'old' }).waitFor();
    expect(await judgeScreen(window, 'drift')).toEqual([]);
    await page.getByRole('button', { name: /^Repair \d+…$/ }).click();
    await page.getByRole('button', { name: 'Repair platform' }).click();
    await page.getByText(/Repaired: \d+ cop/).waitFor();
    expect((await stack.api.ok('GET', `${SCOPE}/entities/pipeline/old`)).yaml).toBe('name: old\n');
  });
});

describe('a webhook', () => {
  it('is made, shown for pasting, and its deliveries are seen and replayed', async () => {
    await window.go(at('repositories/platform?tab=webhook'));
    const { page } = window;
    await page.getByRole('button', { name: 'Make a webhook' }).click();
    const dialog = page.getByRole('dialog', { name: 'Set the webhook up by hand' });
    const secret = (await dialog.locator('[data-secret] code').textContent()) ?? '';
    expect(await judgeScreen(window, 'webhook-paste')).toEqual([]);
    await page.getByRole('button', { name: 'Close' }).click();
    await page.getByText('Nothing came yet').waitFor();
    const hook = await stack.api.ok('GET', `${SCOPE}/connectors/platform/webhook`);
    // It is shown once.
    expect(hook.toPaste.secret.value).toBeNull();
    expect((await deliver({ path: hook.path, secret })).status).toBe(202);
    expect((await deliver({ path: hook.path, secret: 'another' })).status).toBe(401);
    const details = page.getByRole('button', { name: 'Details' });
    const row = page.getByRole('table', { name: 'Deliveries' }).getByRole('row').filter({ has: details });
    await row.first().waitFor();
    expect(await judgeScreen(window, 'webhook')).toEqual([]);
    await row.filter({ hasNotText: 'Refused' }).first().getByRole('button', { name: 'Details' }).click();
    await page.getByRole('button', { name: 'Replay' }).click();
    await page.getByText('The delivery is worked on again.').waitFor();
    expect(await judgeScreen(window, 'delivery')).toEqual([]);
    await page.getByRole('button', { name: 'Close' }).click();
    expect((await deliver({ path: hook.path, secret })).status).toBe(202);
    await window.go(at('overview'));
    await page.getByRole('img', { name: /^From the arrival of a webhook to its processing/ }).waitFor();
  });
});

describe('a move', () => {
  it('is reported first, then done with its progress', async () => {
    await window.go(at('repositories/platform?tab=move'));
    const { page } = window;
    await page.getByLabel('To', { exact: true }).selectOption({ label: 'Inline: Sallyport alone' });
    await page.getByRole('button', { name: 'Report what it would do' }).click();
    await page.getByRole('row').filter({ hasText: 'old' }).getByText('Moves').waitFor();
    expect(await judgeScreen(window, 'move')).toEqual([]);
    await page.getByRole('button', { name: 'Move 1 entity…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Move 1 entity' }).click();
    await page.getByText('Moved in part', { exact: true }).waitFor();
    expect((await stack.api.ok('GET', `${SCOPE}/entities/pipeline/old`)).store).toBe('inline');
  });
});

describe('secrets', () => {
  it('for delegates are sealed in the browser, and no manager ever holds the value', async () => {
    // A manager of its own saw nothing of how the stack was made.
    const env = stack.managerEnvironment();
    const witness = await startManager({ env: { ...env, SALLYPORT_DATA_DIR: `${env.SALLYPORT_DATA_DIR}` } });
    const { password, username } = stack.accounts.delegate;
    const sent: string[] = [];
    const sealing = await Window.open(browser, {
      url: witness.url,
      token: stack.token,
      hash: at('secrets/new'),
    });
    const { page } = sealing;
    page.on('request', (request) => sent.push(`${request.url()} ${request.postData() ?? ''}`));
    try {
      await page.getByLabel('Kept by').selectOption({ label: 'keyring: Keyring of the delegates' });
      await page.getByLabel('Name').fill('sealed-here');
      await page.getByLabel('Value').fill(password);
      const put = page.getByRole('button', { name: 'Seal and put' });
      const { fingerprint } = await stack.api.ok('GET', `${SCOPE}/secret-managers/keyring/sealing-key`);
      await page.getByText(fingerprint as string).waitFor();
      expect(await put.isDisabled()).toBe(true);
      await page.getByLabel('The fingerprint is the one that enrolment showed').check();
      expect(await judgeScreen(sealing, 'secret-sealed')).toEqual([]);
      await put.click();
      await page.getByRole('heading', { name: 'sealed-here', level: 1 }).waitFor();
      expect(await judgeScreen(sealing, 'secret')).toEqual([]);
      // It is what was typed: the delegate signs in by it.
      await stack.api.ok('PUT', `${SCOPE}/connectors/sealed`, {
        url: stack.repositoryUrl,
        connectivity: 'delegate',
        credential: { username, secret: 'sealed-here' },
      });
      expect(await stack.api.ok('POST', `${SCOPE}/connectors/sealed/check`)).toMatchObject({ ok: true });
      expect(sent.length).toBeGreaterThan(3);
      expect(sent.filter((request) => request.includes(password))).toEqual([]);
      expect(holds(witness.pid, password)).toBe(false);
      expect(holds(witness.pid, 'sealed-here')).toBe(true);
      expect(sealing.complaints).toEqual([]);
    } finally {
      await sealing.close();
      await witness.kill('SIGTERM');
    }
  });

  it('are sealed to no group but the one that was compared', async () => {
    const { deployment, group } = await stack.api.ok('GET', `${SCOPE}/secret-managers/keyring/sealing-key`);
    const other = await Window.open(browser, {
      url: stack.manager?.url ?? '',
      token: stack.token,
      hash: at('secrets'),
    });
    const { page } = other;
    await page.evaluate(
      `localStorage.setItem('sallyport.fingerprint.${deployment}.${group}', 'SHA256:another')`,
    );
    await other.go(at('secrets/new'));
    await page.getByLabel('Kept by').selectOption({ label: 'keyring: Keyring of the delegates' });
    await page.getByText('This is not the group that this browser knows').waitFor();
    expect(await page.getByRole('button', { name: 'Seal and put' }).isDisabled()).toBe(true);
    expect(await judgeScreen(other, 'secret-another-group')).toEqual([]);
    await other.close();
  });

  it('show where they are used, and are not deleted while they are', async () => {
    await window.go(at('secrets'));
    const { page } = window;
    await page.getByRole('link', { name: 'git-direct' }).waitFor();
    expect(await judgeScreen(window, 'secrets')).toEqual([]);
    await page.getByRole('link', { name: 'git-direct' }).click();
    await page
      .getByRole('table', { name: 'Where it is used' })
      .getByRole('link', { name: 'direct' })
      .waitFor();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Delete git-direct' }).click();
    await page.getByRole('alert').getByText('STILL_IN_USE').waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
  });

  it('are rotated, with progress', async () => {
    await window.go(at('secrets?tab=managers'));
    const { page } = window;
    await page.getByRole('row').filter({ hasText: 'keyring' }).waitFor();
    expect(await judgeScreen(window, 'secret-managers')).toEqual([]);
    await page.getByRole('button', { name: 'Check and keys' }).click();
    await page.getByRole('button', { name: 'Check now' }).click();
    await page.getByText(/It works/).waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('button', { name: 'Rotate' }).click();
    await page.getByLabel('How').selectOption({ label: 'Encrypt anew' });
    await page.getByRole('button', { name: 'Begin' }).click();
    await page.getByRole('row').filter({ hasText: 'Encrypt anew' }).getByText('Done').waitFor();
    expect(await judgeScreen(window, 'rotations')).toEqual([]);
  });
});

describe('delegates', () => {
  it('are enrolled by one command, which the page waits for', async () => {
    await window.go(at('delegates'));
    const { page } = window;
    await page.getByRole('row').filter({ hasText: 'Alive' }).first().waitFor();
    expect(await judgeScreen(window, 'delegates')).toEqual([]);
    await page.getByRole('button', { name: 'Enrol a delegate' }).click();
    await page.getByLabel('Group').fill('local');
    await page.getByRole('button', { name: 'Make the token' }).click();
    const command = await page.getByText(/delegate -- enrol/).textContent();
    expect(command).toContain(`--manager ${stack.manager?.url ?? ''} --token -`);
    await page.getByText('Waiting for the delegate').waitFor();
    expect(await judgeScreen(window, 'enrol')).toEqual([]);
    await stack.startDelegate(undefined, { SALLYPORT_DELEGATE_NAME: 'second' });
    await page.getByText('second is there').waitFor();
    await page.getByRole('button', { name: 'Done' }).click();
  });

  it('are drained and revoked', async () => {
    await window.go(at('delegates'));
    const { page } = window;
    const row = page.getByRole('row').filter({ hasText: 'second' });
    await row.getByRole('button', { name: 'Details' }).click();
    expect(await judgeScreen(window, 'delegate')).toEqual([]);
    await page.getByRole('button', { name: 'Drain' }).click();
    await page.getByText('second finishes what it is at.').waitFor();
    await page.getByRole('button', { name: 'Revoke…' }).click();
    await page.getByRole('button', { name: 'Revoke second' }).click();
    await row.getByText('Revoked').waitFor();
  });

  it('are explained: who carries a save, and of everybody else why not', async () => {
    await window.go(at('delegates?tab=explain&connector=delegated'));
    const { page } = window;
    await page
      .getByRole('row')
      .filter({ hasText: 'The manager' })
      .getByText('it cannot open secrets of keyring')
      .waitFor();
    await page.getByText('Carries it').waitFor();
    expect(await judgeScreen(window, 'explain')).toEqual([]);
  });

  it('share keys, which are made anew', async () => {
    await window.go(at('delegates?tab=groups'));
    const { page } = window;
    await page
      .getByText(/current keys/)
      .first()
      .waitFor();
    expect(await judgeScreen(window, 'delegate-groups')).toEqual([]);
    await page.getByRole('button', { name: 'Make new keys…' }).first().click();
    await page.getByRole('button', { name: 'Make new keys for local' }).click();
    await page.getByText('The keys of local are being made anew.').waitFor();
  });
});

describe('access', () => {
  it('is given to people and groups, and taken away', async () => {
    await window.go(at('access'));
    const { page } = window;
    await page.getByRole('heading', { name: 'No roles were given here' }).waitFor();
    expect(await judgeScreen(window, 'access-empty')).toEqual([]);
    await page.getByRole('button', { name: 'Give a role' }).first().click();
    await page.getByRole('button', { name: 'A group' }).click();
    await page.getByLabel('Name of the group').fill('platform team');
    await page.getByLabel('Role', { exact: true }).selectOption('editor');
    expect(await judgeScreen(window, 'access-give')).toEqual([]);
    await page.getByRole('button', { name: 'Give the role' }).click();
    await page.getByRole('row').filter({ hasText: 'platform team' }).waitFor();
    expect(await judgeScreen(window, 'access')).toEqual([]);
    await page.getByRole('button', { name: 'Take away' }).click();
    await page.getByRole('button', { name: 'Take editor away' }).click();
    await page.getByText('platform team has it no more.').waitFor();
  });

  it('of a program is a token that is shown once, and what it may not do is not offered', async () => {
    await window.go(at('access?tab=tokens'));
    const { page } = window;
    await page.getByRole('button', { name: 'Make a token' }).first().click();
    await page.getByLabel('Name').fill('looker');
    await page.getByLabel('Role', { exact: true }).selectOption('viewer');
    await page.getByRole('button', { name: 'Make the token' }).click();
    const token = (await page.getByText(/^sp_/).textContent()) ?? '';
    expect(await judgeScreen(window, 'token-made')).toEqual([]);
    await page.getByRole('button', { name: 'Done' }).click();
    const viewer = await Window.open(browser, { url: stack.manager?.url ?? '', token, hash: at('entities') });
    await viewer.page.getByRole('heading', { name: 'Entities' }).waitFor();
    expect(await viewer.page.getByRole('link', { name: 'New entity' }).count()).toBe(0);
    expect(await viewer.page.getByRole('link', { name: 'Access', exact: true }).count()).toBe(0);
    await viewer.go(at('access'));
    await viewer.page.getByRole('alert').getByText('PERMISSION_MISSING').waitFor();
    await page.getByRole('row').filter({ hasText: 'looker' }).getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('button', { name: 'Revoke looker' }).click();
    await page.getByText('The token looker is revoked.').waitFor();
    await viewer.go(at('operations'));
    await viewer.page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await viewer.close();
  });

  it('is made of roles, which an account makes for itself', async () => {
    await window.go(at('access?tab=roles'));
    const { page } = window;
    await page.getByRole('button', { name: 'New role' }).click();
    await page.getByLabel('Name').fill('releaser');
    await page.getByLabel('entity.edit').check();
    await page.getByLabel('entity.view').check();
    expect(await judgeScreen(window, 'role')).toEqual([]);
    await page.getByRole('button', { name: 'Save the role' }).click();
    await page.getByRole('row').filter({ hasText: 'releaser' }).getByText('2 permissions').waitFor();
    expect(await judgeScreen(window, 'roles')).toEqual([]);
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Delete releaser' }).click();
    await page.getByText('The role releaser is deleted.').waitFor();
    await window.go(at('access?tab=members'));
    await page.getByRole('heading', { name: 'Nobody has signed in yet' }).waitFor();
  });
});

/** Whether the text is anywhere in what the process may write to. */
function holds(pid: number, text: string): boolean {
  const needles = [Buffer.from(text, 'utf8'), Buffer.from(text, 'utf16le')];
  for (const piece of memoryOf(pid, text.length * 2))
    if (needles.some((needle) => piece.includes(needle))) return true;
  return false;
}
