import { Failure } from '../kernel/failure.js';

const refusePrecondition = (problem: string): Failure =>
  new Failure('PRECONDITION_REFUSED', { problem }) as Failure;

/**
 * The wait a request prefers (RFC 7240): `wait` counts, `respond-async` alone means not to wait. What is not understood is
 * passed over, as the standard wants.
 */
export function parsePrefer(header: string | string[] | undefined): { waitSeconds?: number } {
  let isAsync = false;
  for (const preference of [header ?? []].flat().join(',').split(',')) {
    const [name = '', value = ''] =
      preference
        .split(';')[0]
        ?.split('=')
        .map((part) => part.trim()) ?? [];
    if (name.toLowerCase() === 'respond-async') isAsync = true;
    const seconds = value.replace(/^"(.*)"$/, '$1');
    if (name.toLowerCase() === 'wait' && /^\d{1,6}$/.test(seconds)) return { waitSeconds: Number(seconds) };
  }
  return isAsync ? { waitSeconds: 0 } : {};
}

/** The blob id a save was made from. `*` guards nothing and is refused. @throws PRECONDITION_REFUSED */
export function parseIfMatch(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const blob = /^"([0-9a-f]{40})"$/.exec(header.trim())?.[1];
  if (blob === undefined)
    throw refusePrecondition('If-Match takes exactly one ETag as it was answered: "<blob id>"');
  return blob;
}

/** Whether the save may only create. @throws PRECONDITION_REFUSED for anything but `*` */
export function parseIfNoneMatch(header: string | undefined): boolean {
  if (header === undefined) return false;
  if (header.trim() !== '*') throw refusePrecondition('If-None-Match takes only *');
  return true;
}
