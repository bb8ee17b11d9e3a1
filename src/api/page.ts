// The web page: a few files that are read once and answered from memory, to anybody. Nothing in them is secret, and what the page
// shows it asks of the API. Each has an address of its own, so that any other address is answered as it would be without a page.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Failure } from '../kernel/failure.js';
import type { Log } from '../kernel/log.js';
import { sendProblem, toProblem } from './problem.filter.js';

interface PageFile {
  /** With a hash of its content in its name, it never changes. */
  isHashed: boolean;
  type: string;
  etag: string;
  plain: Buffer;
  /** Made when it is first asked for. */
  squeezed: Map<Encoding, Promise<Buffer>>;
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};
/** What is compressed already gains nothing. */
const DENSE = new Set(['font/woff2']);

/** The page runs what this origin serves, speaks to this origin, and is shown in no frame. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const headers = {
  'Content-Security-Policy': POLICY,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  Vary: 'Accept-Encoding',
};

const YEAR_SECONDS = 31_536_000;

/** @param folder what `npm run build` made of web/ */
export function registerPage(fastify: FastifyInstance, folder: string, log: Log): void {
  const files = readPage(folder);
  const options = { config: { needs: 'nothing' as const } };
  if (!files.has('index.html')) {
    log.warn({ folder }, 'the web page is not built: `npm run build` makes it; the API answers without it');
    fastify.get('/', options, (_request, reply) =>
      sendProblem(reply, toProblem(new Failure('PAGE_NOT_BUILT', {}) as Failure)),
    );
    return;
  }
  for (const [name, file] of files)
    fastify.get(name === 'index.html' ? '/' : `/${name}`, options, (request, reply) =>
      send(file, request, reply),
    );
}

/** By their path below the folder; none where there is no folder. */
function readPage(folder: string): Map<string, PageFile> {
  if (!fs.existsSync(folder)) return new Map();
  const names = fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => types[path.extname(name)] !== undefined);
  return new Map(
    names.map((name) => [name.split(path.sep).join('/'), readFile(path.join(folder, name), name)]),
  );
}

function readFile(file: string, name: string): PageFile {
  const plain = fs.readFileSync(file);
  return {
    isHashed: /-[\w-]{8}\.\w+$/.test(name),
    type: types[path.extname(name)] as string,
    etag: createHash('sha256').update(plain).digest('base64url').slice(0, 22),
    plain,
    squeezed: new Map(),
  };
}

async function send(file: PageFile, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const encoding = encodingOf(file, request.headers['accept-encoding']);
  const etag = encoding === undefined ? `"${file.etag}"` : `"${file.etag}-${encoding}"`;
  reply.headers({
    ...headers,
    'Cache-Control': file.isHashed ? `public, max-age=${YEAR_SECONDS}, immutable` : 'no-cache',
    ETag: etag,
  });
  const known = request.headers['if-none-match']?.split(',').map((one) => one.trim().replace(/^W\//, ''));
  if (known?.includes(etag) === true) return reply.status(304).send();
  if (encoding !== undefined) reply.header('Content-Encoding', encoding);
  return reply.type(file.type).send(encoding === undefined ? file.plain : await squeezed(file, encoding));
}

type Encoding = 'br' | 'gzip';

const BROTLI_QUALITY = 9;

const squeeze: Record<Encoding, (bytes: Buffer) => Promise<Buffer>> = {
  br: (bytes) =>
    promisify(zlib.brotliCompress)(bytes, {
      params: { [zlib.constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY },
    }),
  gzip: (bytes) => promisify(zlib.gzip)(bytes, { level: 9 }),
};

/** The best that the client takes; undefined: as it is. */
function encodingOf({ type }: PageFile, accepted = ''): Encoding | undefined {
  if (DENSE.has(type)) return undefined;
  const taken = accepted.split(',').flatMap((one) => {
    const [name = '', ...parameters] = one.split(';').map((part) => part.trim().toLowerCase());
    return parameters.some((part) => /^q=0(\.0*)?$/.test(part)) ? [] : [name];
  });
  return (['br', 'gzip'] as const).find((one) => taken.includes(one));
}

function squeezed(file: PageFile, encoding: Encoding): Promise<Buffer> {
  const known = file.squeezed.get(encoding) ?? squeeze[encoding](file.plain);
  file.squeezed.set(encoding, known);
  return known;
}
