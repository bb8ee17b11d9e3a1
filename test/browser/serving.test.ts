// How the page comes to a browser, and who comes into it: its files, its sign-in, and proxies in front of it.
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { judgeScreen, startBrowser, Window } from '../support/browser.js';
import { makeCertificates } from '../support/certificates.js';
import { serveUnder } from '../support/path-proxy.js';
import { Stack } from '../support/stack.js';
import { TlsFront } from '../support/tls-front.js';

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

  it('leads to the place that was asked for', async () => {
    const late = await Window.open(browser, {
      url: stack.manager?.url ?? '',
      hash: '#/accounts/demo/entities/pipeline/build?branch=main',
      token: stack.token,
    });
    await late.page.getByRole('heading', { name: 'build', level: 1 }).waitFor();
    expect(late.complaints).toEqual([]);
    await late.close();
  });
});

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
