// The page’s files as Fastify answers them, from a folder that was made for it.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registerPage } from '../../../src/api/page.js';
import { createLog } from '../../../src/kernel/log.js';

const SCRIPT = `${'console.log("page");'.repeat(50)}\n`;
const SCRIPT_URL = '/assets/main-Ab3_x-9z.js';
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-page-'));
let app: FastifyInstance;

beforeAll(() => {
  fs.mkdirSync(path.join(folder, 'assets'));
  fs.writeFileSync(path.join(folder, 'index.html'), '<!doctype html>\n');
  fs.writeFileSync(path.join(folder, SCRIPT_URL), SCRIPT);
  fs.writeFileSync(path.join(folder, 'assets/inter-Cd4_y-8w.woff2'), 'font');
  fs.writeFileSync(path.join(folder, `${SCRIPT_URL}.map`), 'not served');
  app = fastify();
  registerPage(app, folder, createLog('test', 'silent'));
});

afterAll(async () => {
  await app.close();
  fs.rmSync(folder, { recursive: true });
});

const get = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers });

describe('a file of the page', () => {
  it.each([
    ['br, gzip', 'br', zlib.brotliDecompressSync],
    ['gzip;q=0.5', 'gzip', zlib.gunzipSync],
    ['br;q=0, gzip', 'gzip', zlib.gunzipSync],
  ])('comes compressed as “%s” asks for', async (accepted, encoding, open) => {
    const answer = await get(SCRIPT_URL, { 'accept-encoding': accepted });
    expect(answer.headers['content-encoding']).toBe(encoding);
    expect(answer.headers.vary).toBe('Accept-Encoding');
    expect(open(answer.rawPayload).toString()).toBe(SCRIPT);
  });

  it.each([undefined, 'identity', 'br;q=0', 'zstd'])('comes as it is to who accepts %s', async (accepted) => {
    const answer = await get(SCRIPT_URL, accepted === undefined ? {} : { 'accept-encoding': accepted });
    expect(answer.headers['content-encoding']).toBeUndefined();
    expect(answer.payload).toBe(SCRIPT);
  });

  it('is not compressed twice', async () => {
    const answer = await get('/assets/inter-Cd4_y-8w.woff2', { 'accept-encoding': 'br' });
    expect(answer.headers).toMatchObject({ 'content-type': 'font/woff2' });
    expect(answer.headers['content-encoding']).toBeUndefined();
  });

  it('is kept for good where its name says what is in it, and asked for again where not', async () => {
    expect((await get(SCRIPT_URL)).headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect((await get('/')).headers['cache-control']).toBe('no-cache');
  });

  it('is not sent to who has it, in the encoding that they have it in', async () => {
    const plain = String((await get('/')).headers.etag);
    const squeezed = String((await get('/', { 'accept-encoding': 'br' })).headers.etag);
    expect(plain).not.toBe(squeezed);
    expect((await get('/', { 'if-none-match': `"other", W/${plain}` })).statusCode).toBe(304);
    expect((await get('/', { 'if-none-match': squeezed })).statusCode).toBe(200);
    expect((await get('/', { 'if-none-match': squeezed, 'accept-encoding': 'br' })).payload).toBe('');
  });

  it('is told of without it', async () => {
    const answer = await app.inject({ url: '/', method: 'HEAD' });
    expect(answer.statusCode).toBe(200);
    expect(answer.payload).toBe('');
    expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
  });
});

it.each([
  '/index.html',
  '/assets',
  '/assets/',
  `${SCRIPT_URL}.map`,
  '/assets/../index.html',
  '/assets/%2e%2e/index.html',
])('%s is no file of the page', async (url) => {
  expect((await get(url)).statusCode).toBe(404);
});

it('a manager without a page says how to get one', async () => {
  const bare = fastify();
  registerPage(bare, path.join(folder, 'nowhere'), createLog('test', 'silent'));
  const answer = await bare.inject({ url: '/' });
  expect([answer.statusCode, answer.headers['content-type']]).toEqual([
    404,
    'application/problem+json; charset=utf-8',
  ]);
  expect(answer.json()).toMatchObject({
    code: 'PAGE_NOT_BUILT',
    hint: expect.stringContaining('npm run build'),
  });
  await bare.close();
});
