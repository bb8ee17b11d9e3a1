import { createHash } from 'node:crypto';
import type { BlobId } from './git.js';

/** The id Git gives to this content. */
export function blobIdOf(content: Uint8Array): BlobId {
  return createHash('sha1').update(`blob ${content.byteLength}\0`).update(content).digest('hex');
}
