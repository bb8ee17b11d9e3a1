// How the page comes to a browser, and who comes into it: its files, its sign-in, and proxies in front of it.
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import type { Browser, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { judgeScreen, startBrowser, Window } from '../support/browser.js';
import { makeCertificates } from '../support/certificates.js';
import { IdentityProvider } from '../support/identity-provider.js';
import { serveUnder } from '../support/path-proxy.js';
import { Stack } from '../support/stack.js';
import { TlsFront } from '../support/tls-front.js';

const SCOPE = 'accounts/demo';

const provider = new IdentityProvider();
let stack: Stack;
let browser: Browser;

beforeAll(async () => {
  const settings = { SALLYPORT_IDENTITY_ALLOW_HTTP: 'true', SALLYPORT_IDENTITY_ALLOW_PRIVATE: 'true' };
  [stack, browser] = await Promise.all([Stack.start('real', { delegates: 0, settings }), startBrowser()]);
  await provider.start([`${stack.api.url}/api/v1/sign-in-callback`]);
  const git = { connector: 'direct', branch: 'main' };
  await stack.api.ok('PUT', `${SCOPE}/entities/pipeline/build`, { yaml: 'name: build\n', git });
});

afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  await provider.stop();
});

describe('the files of the page', () => {
  const get = (place: string, headers: Record<string, string> = {}) =>
    fetch(`${stack.manager?.url}/${place}`, { headers, redirect: 'error' });

  it('come to anybody, under a policy that lets nothing in from elsewhere', async () => {
    const page = await get('');
    expect(page.status).toBe(200);
    expect(page.headers.get('cache-control')).toBe('no-cache');
    const policy = page.headers.get('content-security-policy') ?? '';
    for (const rule of ["default-src 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"])
      expect(policy).toContain(rule);
    expect(policy).not.toMatch(/unsafe|https?:|\*|data:|blob:/);
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    const html = await page.text();
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/);
    expect(html).not.toMatch(/(?:src|href)="\//);
  });

  it('are kept by who has them, and those with a hash in their name for good', async () => {
    const html = await get('');
    const etag = html.headers.get('etag') ?? '';
    expect((await get('', { 'if-none-match': etag })).status).toBe(304);
    const script = /src="\.\/(assets\/[^"]+\.js)"/.exec(await html.text())?.[1] ?? '';
    const squeezed = await get(script, { 'accept-encoding': 'br' });
    expect(squeezed.headers.get('cache-control')).toContain('immutable');
    expect(squeezed.headers.get('content-encoding')).toBe('br');
    expect((await get(script, { 'accept-encoding': 'identity' })).headers.get('content-encoding')).toBeNull();
  });

  it('change nothing about every other address', async () => {
    for (const place of [
      'assets/none.js',
      'index.html',
      '.env',
      'assets/../../package.json',
      'api/v1/none',
    ]) {
      const answer = await get(place);
      expect([place, answer.status, answer.headers.get('content-type')]).toEqual([
        place,
        401,
        'application/problem+json; charset=utf-8',
      ]);
    }
    expect(await stack.api.request('GET', '../../nowhere')).toMatchObject({ status: 404 });
  });

  it('are less than 150 KB at the first look', async () => {
    const folder = path.resolve('dist/web');
    const html = fs.readFileSync(path.join(folder, 'index.html'), 'utf8');
    const first = [...html.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, name = '']) => name);
    const style = first.find((name) => name.endsWith('.css')) ?? '';
    const fonts = [...fs.readFileSync(path.join(folder, style), 'utf8').matchAll(/url\(([^)]+)\)/g)];
    const inStyle = fonts.map(([, name = '']) => path.join('assets', name.replace(/^\.\//, '')));
    const files = [...new Set([...first, ...inStyle])];
    const bytes = files.map((name) => zlib.gzipSync(fs.readFileSync(path.join(folder, name))).length);
    expect(files.length).toBeGreaterThan(2);
    expect(bytes.reduce((sum, one) => sum + one, 0)).toBeLessThan(150 * 1_024);
  });
});

describe('signing in', () => {
  it('says what is wrong with a token, and keeps none', async () => {
    const stranger = await Window.open(browser, { url: stack.manager?.url ?? '' });
    await stranger.page.getByLabel('Token').fill('sp_wrong');
    await stranger.page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await stranger.page.getByRole('alert').getByText('TOKEN_REJECTED').waitFor();
    expect(await judgeScreen(stranger, 'sign-in')).toEqual([]);
    await stranger.signIn(stack.token);
    const kept = await stranger.page.evaluate<string>(
      'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])',
    );
    expect(kept).not.toContain(stack.token);
    expect(kept).toBe('[{},{},""]');
    await stranger.page.getByRole('button', { name: 'Sign out' }).click();
    await stranger.page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await stranger.page.reload();
    await stranger.page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await stranger.close();
  });

  it('leads to the place that was asked for, in the theme that was chosen', async () => {
    const late = await Window.open(browser, {
      url: stack.manager?.url ?? '',
      hash: '#/accounts/demo/entities/pipeline/build?branch=main',
      token: stack.token,
    });
    await late.page.getByRole('heading', { name: 'build', level: 1 }).waitFor();
    expect(late.complaints).toEqual([]);
    const themeOf = () => late.page.evaluate<string | undefined>('document.documentElement.dataset.theme');
    await late.page.getByRole('button', { name: 'Theme: system. Change to light' }).click();
    await late.page.getByRole('button', { name: 'Theme: light. Change to dark' }).click();
    expect(await themeOf()).toBe('dark');
    await late.page.reload();
    await late.page.getByRole('button', { name: 'Theme: dark. Change to system' }).waitFor();
    expect(await themeOf()).toBe('dark');
    await late.close();
  });
});

/** Above what stays at the bottom of its dialog. */
async function isInSight(one: Locator, below: Locator): Promise<boolean> {
  const [box, edge] = [await one.boundingBox(), await below.boundingBox()];
  return box !== null && edge !== null && box.y > 0 && box.y + box.height <= edge.y;
}

describe('identity providers', () => {
  let admin: Window;
  beforeAll(async () => {
    const url = stack.manager?.url ?? '';
    admin = await Window.open(browser, { url, token: stack.token, hash: `#/${SCOPE}/access?tab=providers` });
  });
  afterAll(async () => {
    admin.assertContent();
    await admin.close();
  });

  it('are added once they answer as one does, and people sign in by them', async () => {
    const { page } = admin;
    await page.getByRole('heading', { name: 'Tokens alone' }).waitFor();
    expect(await judgeScreen(admin, 'providers-none')).toEqual([]);
    await page.getByRole('button', { name: 'Add a provider' }).first().click();
    const dialog = page.getByRole('dialog', { name: 'Add an identity provider' });
    await dialog.getByText(`${stack.manager?.url}/api/v1/sign-in-callback`, { exact: true }).waitFor();
    await dialog.getByLabel('Identifier').fill('acme');
    await dialog.getByLabel('Name', { exact: true }).fill('Acme');
    await dialog.getByLabel('Issuer').fill(`${provider.issuer}/none`);
    await dialog.getByLabel('Client id').fill('public');
    await dialog.getByRole('button', { name: 'Add the provider' }).click();
    // Long as the form is, it is in sight why it was refused.
    const code = dialog.getByRole('alert').getByText('IDENTITY_PROVIDER_UNFIT');
    await code.waitFor();
    await expect.poll(() => isInSight(code, dialog.getByRole('button', { name: 'Cancel' }))).toBe(true);
    expect(await judgeScreen(admin, 'provider-unfit')).toEqual([]);
    await dialog.getByLabel('Issuer').fill(provider.issuer);
    await dialog.getByRole('button', { name: 'Add the provider' }).click();
    await page.getByText('People can sign in with Acme now.').waitFor();
    await page.getByRole('row').filter({ hasText: provider.issuer }).waitFor();
    expect(await judgeScreen(admin, 'providers')).toEqual([]);
    const stranger = await Window.open(browser, {
      url: stack.manager?.url ?? '',
      hash: `#/${SCOPE}/entities`,
    });
    await stranger.page.getByRole('button', { name: 'Sign in with Acme' }).waitFor();
    await stranger.close();
  });

  it('are changed, and deleted after one question that names them', async () => {
    const { page } = admin;
    await page.getByRole('button', { name: 'Change', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'Change Acme' });
    await dialog.getByText('Claims', { exact: true }).click();
    await dialog.getByLabel('Claim that lists groups').fill('roles');
    expect(await judgeScreen(admin, 'provider-change')).toEqual([]);
    await dialog.getByRole('button', { name: 'Save the provider' }).click();
    await page.getByRole('row').filter({ hasText: 'Acme' }).getByText('roles').waitFor();
    await page.getByRole('button', { name: 'Delete' }).click();
    const question = page.getByRole('dialog', { name: 'Delete the identity provider Acme?' });
    await question.getByRole('button', { name: 'Delete Acme' }).click();
    await page.getByText('Nobody signs in by Acme any more.').waitFor();
    expect(await stack.api.ok('GET', `${SCOPE}/identity-providers`)).toEqual({ identityProviders: [] });
  });
});

describe('signing in by an identity provider', () => {
  beforeAll(async () => {
    const issuer = provider.issuer;
    await stack.api.ok('PUT', `${SCOPE}/identity-providers/acme`, {
      name: 'Acme',
      issuer,
      clientId: 'public',
    });
    await stack.api.ok('PUT', `${SCOPE}/role-bindings/ann`, {
      principal: { kind: 'user', name: 'ann@acme.example' },
      role: 'viewer',
    });
    provider.users.set('ann', { name: 'Ann', email: 'ann@acme.example', emailVerified: true });
  });

  const open = () => Window.open(browser, { url: stack.manager?.url ?? '', hash: `#/${SCOPE}/entities` });

  it('leads there and back, to the place that was asked for and what their role allows', async () => {
    provider.present = 'ann';
    const user = await open();
    await user.page.getByRole('button', { name: 'Sign in with Acme' }).click();
    await user.page.getByRole('heading', { name: 'Entities' }).waitFor();
    expect(new URL(user.page.url()).hash).toBe(`#/${SCOPE}/entities`);
    await user.page.getByText('ann@acme.example').first().waitFor();
    expect(await user.page.getByRole('link', { name: 'New entity' }).count()).toBe(0);
    await user.page.getByText('Live', { exact: true }).waitFor();
    await user.page.reload();
    await user.page.getByRole('heading', { name: 'Entities' }).waitFor();
    expect(await user.page.evaluate<string>('document.cookie')).toBe('');
    user.assertContent();
    await user.close();
  });

  it('makes a member, whose sessions end when they are removed', async () => {
    provider.present = 'ann';
    const user = await open();
    await user.page.getByRole('button', { name: 'Sign in with Acme' }).click();
    await user.page.getByRole('heading', { name: 'Entities' }).waitFor();
    const hash = `#/${SCOPE}/access?tab=members`;
    const admin = await Window.open(browser, { url: stack.manager?.url ?? '', token: stack.token, hash });
    const row = admin.page.getByRole('row').filter({ hasText: 'ann@acme.example' });
    await row.getByText('Ann', { exact: true }).waitFor();
    expect(await judgeScreen(admin, 'members')).toEqual([]);
    await row.getByRole('button', { name: 'Remove' }).click();
    await admin.page.getByRole('button', { name: 'Remove Ann' }).click();
    await admin.page.getByText('Ann is removed.').waitFor();
    await row.waitFor({ state: 'detached' });
    await user.go(`#/${SCOPE}/operations`);
    await user.page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await admin.close();
    await user.close();
  });

  it('says what is to do where somebody came back without', async () => {
    provider.present = undefined;
    const user = await open();
    await user.page.getByRole('button', { name: 'Sign in with Acme' }).click();
    await user.page.getByRole('alert').getByText('SIGN_IN_FAILED').waitFor();
    expect(await judgeScreen(user, 'sign-in-failed')).toEqual([]);
    await user.close();
  });
});

const SCREENS = [
  'Overview',
  'Entities',
  'Operations',
  'Repositories',
  'Secrets',
  'Delegates',
  'Audit',
  'Access',
];

describe('behind a proxy', () => {
  it('that ends TLS and serves it under a path of its own, everything works and nothing leaves it', async () => {
    const certificates = makeCertificates();
    const prefix = await serveUnder('/tools/sallyport', stack.manager?.url ?? '');
    const front = await TlsFront.open(prefix.url, { pair: certificates.server, http2: false });
    try {
      const behind = await Window.open(browser, {
        url: `${front.url}/tools/sallyport`,
        token: stack.token,
        hash: `#/${SCOPE}/entities/pipeline/build?branch=main`,
        ignoreHTTPSErrors: true,
      });
      const { page } = behind;
      await behind.type('Document of pipeline build', 'name: behind\n');
      await page.getByRole('button', { name: 'Save…' }).click();
      await page.getByRole('button', { name: 'Commit to main' }).last().click();
      await page.getByText(/Committed to main as/).waitFor();
      await page.getByText('Live', { exact: true }).waitFor();
      await page.reload();
      await page.getByRole('textbox', { name: 'Document of pipeline build' }).getByText('behind').waitFor();
      for (const screen of SCREENS) {
        await page.getByRole('link', { name: screen, exact: true }).first().click();
        await page.getByRole('heading', { name: screen, level: 1 }).waitFor();
        expect(await page.getByRole('alert').count(), screen).toBe(0);
      }
      await page.getByRole('link', { name: 'Delegates', exact: true }).first().click();
      await page
        .getByRole('button', { name: /^Enrol/ })
        .first()
        .click();
      await page.getByLabel('Group').fill('inside');
      await page.getByRole('button', { name: 'Make the token' }).click();
      expect(await page.getByText(/delegate -- enrol/).textContent()).toContain(
        `--manager ${front.url}/tools/sallyport`,
      );
      expect(behind.requests.filter((url) => !url.startsWith(`${front.url}/tools/sallyport/`))).toEqual([]);
      expect(behind.complaints).toEqual([]);
      await behind.close();
    } finally {
      await front.close();
      await prefix.close();
      certificates.remove();
    }
  });
});
