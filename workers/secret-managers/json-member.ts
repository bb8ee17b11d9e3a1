// A value that is a JSON object, and one member of it.
import type { Failure } from '../../src/kernel/failure.js';
import { type Keeper, type ProviderCode, refusal } from './provider.js';

/**
 * The member as bytes: its text, or its JSON where it is none. They are in memory of their own, to be wiped.
 * @throws SECRET_NOT_IN_STORE, and SECRET_MANAGER_GARBLED for a number that was rounded when it was read
 */
export function memberOf(whole: Buffer, field: string, keeper: Keeper): Buffer {
  const refuse = (code: ProviderCode, reason: string): Failure => refusal(code, keeper, reason);
  const object = parseObject(whole);
  if (object === undefined || !Object.hasOwn(object, field))
    throw refuse('SECRET_NOT_IN_STORE', 'the value has no such field');
  const member = object[field];
  if (member === null || member === '') throw refuse('SECRET_NOT_IN_STORE', 'the field is empty');
  if (isInexact(member))
    throw refuse('SECRET_MANAGER_GARBLED', 'it holds a number too long to be told exactly: keep it as text');
  return ownBytes(typeof member === 'string' ? member : JSON.stringify(member), 'utf8');
}

/** Whether a number in it was rounded when it was read. */
export function isInexact(value: unknown): boolean {
  if (typeof value === 'number') return Math.abs(value) > Number.MAX_SAFE_INTEGER;
  return typeof value === 'object' && value !== null && Object.values(value).some(isInexact);
}

/** Not in the pool that small buffers share: they will be wiped. */
export function ownBytes(text: string, encoding: 'base64' | 'latin1' | 'utf8'): Buffer {
  const bytes = Buffer.alloc(Buffer.byteLength(text, encoding));
  bytes.write(text, encoding);
  return bytes;
}

function parseObject(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
    return parsed as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
