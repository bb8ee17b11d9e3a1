// What keeps a delivery from being read at all, as its headers say: for the door, and for whoever inspects deliveries without one.
import { headerOf } from './hook-headers.js';
import type { HookCodec, HookHeaders } from './webhook.js';

/** Of one body. GitHub's and GitLab's own limit; no host sends more. */
export const HOOK_BODY_BYTES_MAX = 25 * 1024 * 1024;

const CHARACTERS_MAX = 200;

/**
 * The media type that is not read, or the encoding: no host compresses, and there is no bound to what may come of it. Undefined where
 * it is read.
 */
export function unreadable(codec: HookCodec, headers: HookHeaders): string | undefined {
  const encoding = headerOf(headers, 'content-encoding');
  const isPlain = encoding === undefined || encoding.toLowerCase() === 'identity';
  if (isPlain && codec.accepts(headers)) return undefined;
  const named = isPlain ? headerOf(headers, 'content-type') : encoding;
  return (named ?? 'none').slice(0, CHARACTERS_MAX);
}
