// The cookie by which a page is signed in. No script reads it, and no other site makes a browser use it.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Failure } from '../kernel/failure.js';

export const SESSION_COOKIE = 'sallyport-session';
const VALUE = /^[A-Za-z0-9_-]{43}$/;
const READING = new Set(['GET', 'HEAD']);

/** What the request shows. @throws ORIGIN_REJECTED where it comes from another site */
export function readSession(request: FastifyRequest): string | undefined {
  const value = readCookie(request, SESSION_COOKIE);
  if (value === undefined || !VALUE.test(value)) return undefined;
  assertOwnOrigin(request);
  return value;
}

/** The first of this name; undefined where there is none. */
export function readCookie({ headers: { cookie } }: FastifyRequest, name: string): string | undefined {
  const pairs = (cookie ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}

export interface Cookie {
  name: string;
  /** Empty takes it away. */
  value: string;
  sameSite: 'Strict' | 'Lax';
  maxAgeSeconds: number;
  /** Default: the folder of the address that sets it, as the browser asked for it. */
  path?: string;
}

/**
 * A session’s has no path: the browser takes that of the address it asked, whatever a proxy has put before it. So every address
 * that sets one is a direct child of `/api/v1`.
 */
export function setCookie(request: FastifyRequest, reply: FastifyReply, cookie: Cookie): void {
  const parts = [
    `${cookie.name}=${cookie.value}`,
    ...(cookie.path === undefined ? [] : [`Path=${cookie.path}`]),
    'HttpOnly',
    `SameSite=${cookie.sameSite}`,
    `Max-Age=${cookie.maxAgeSeconds}`,
    ...(request.protocol === 'https' ? ['Secure'] : []),
  ];
  const others = [reply.getHeader('set-cookie') ?? []].flat().map(String);
  reply.header('set-cookie', [...others, parts.join('; ')]);
}

/**
 * A browser says where a request comes from; on a plain connection to another machine only by the origin, and only of what changes
 * something.
 */
function assertOwnOrigin(request: FastifyRequest): void {
  const site = request.headers['sec-fetch-site'];
  const { origin } = request.headers;
  const isOwn =
    site === undefined
      ? READING.has(request.method) || (origin !== undefined && hostOf(origin) === request.host)
      : site === 'same-origin' || (site === 'none' && READING.has(request.method));
  if (!isOwn) throw new Failure('ORIGIN_REJECTED', {});
}

const hostOf = (origin: string): string | undefined =>
  URL.canParse(origin) ? new URL(origin).host : undefined;
