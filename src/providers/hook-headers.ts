// How codecs read headers. An empty one counts as missing: hosts without a secret send their signature headers empty.
import { createHash } from 'node:crypto';
import type { HookHeaders } from './webhook.js';

/** One that came several times is its values joined, which no proof of a host looks like. */
export function headerOf(headers: HookHeaders, name: string): string | undefined {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
  const text = (typeof value === 'string' ? value : value?.join(', '))?.trim();
  return text === '' ? undefined : text;
}

export type MediaType = 'json' | 'form' | 'other';

/** 'application/json; charset=utf-8' → 'json'. Without the header it is taken for JSON. */
export function mediaTypeOf(headers: HookHeaders): MediaType {
  const essence = headerOf(headers, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (essence === undefined || /^application\/(?:[\w.-]+\+)?json$/.test(essence)) return 'json';
  return essence === 'application/x-www-form-urlencoded' ? 'form' : 'other';
}

export const isJson = (headers: HookHeaders): boolean => mediaTypeOf(headers) === 'json';

/** The first of these headers that has an id in it, or else the digest of the body. */
export function deliveryIdOf(headers: HookHeaders, names: readonly string[], raw: Buffer): string {
  const given = names
    .map((name) => headerOf(headers, name))
    .find((value) => value !== undefined && isDeliveryId(value));
  return given ?? digestOf(raw);
}

/** Visible ASCII, of a length that may be stored and shown. */
export function isDeliveryId(text: string): boolean {
  return /^[\x21-\x7e]{1,200}$/.test(text);
}

export function digestOf(raw: Buffer): string {
  return createHash('sha256').update(raw).digest('hex');
}
