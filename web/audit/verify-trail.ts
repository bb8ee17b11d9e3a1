// The chain of a trail, checked by this browser: with the code of the command line, and the browser’s own SHA-256.
import type { Head } from '../../src/trail/link.js';
import { type Verdict, verifyTrail } from '../../src/trail/verifier.js';

/** Browsers compute no hashes on pages that came by plain HTTP from another machine. */
export const canVerify = (): boolean => globalThis.crypto?.subtle !== undefined;

export interface Checked {
  /** The export, as it comes. */
  bytes: ReadableStream<Uint8Array>;
  account: string;
  /** Ends that were seen before. */
  witnesses: Head[];
  /** Entries that were looked at so far. */
  onEntries?: (count: number) => void;
}

const TELL_EVERY = 500;

export async function verifyExport({ bytes, account, witnesses, onEntries }: Checked): Promise<Verdict> {
  async function* told(): AsyncGenerator<string> {
    let count = 0;
    for await (const line of linesOf(bytes)) {
      yield line;
      count += 1;
      if (count % TELL_EVERY === 0) onEntries?.(count);
    }
  }
  return verifyTrail(digest, told(), { account, witnesses });
}

/** In words: whether all is as it was written, and how much that is. */
export function sentenceOf({ count, entries }: Verdict): string {
  const what = count === 0 ? 'Nothing is' : `${count} ${count === 1 ? 'thing is' : 'things are'}`;
  return `${what} wrong with the ${entries} ${entries === 1 ? 'entry' : 'entries'}`;
}

async function digest(text: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Without holding more than a line that has not ended yet. */
async function* linesOf(bytes: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = bytes.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
    if (done) break;
  }
  if (rest !== '') yield rest;
}
