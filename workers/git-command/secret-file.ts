// The secret of the command line, a password or a private key: from a file or standard input, never an argument.
import fs from 'node:fs';
import type { Readable } from 'node:stream';
import type { SecretFile } from './arguments.js';

const BYTES_MAX = 64 * 1024;
const STANDARD_INPUT = '-';

/**
 * The one line that the file of a password holds, without its end; a key as it is.
 * @throws Error whose message completes "--password-file …"
 */
export async function readSecret({ option, file }: SecretFile, stdin: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of file === STANDARD_INPUT ? stdin : fs.createReadStream(file)) {
    chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes > BYTES_MAX) throw new Error(`is longer than ${BYTES_MAX} bytes`);
  }
  const secret = Buffer.concat(chunks);
  if (option === '--key-file') return secret;
  const line = withoutEnd(secret);
  if (line.length === 0) throw new Error('is empty');
  if (line.some((byte) => byte === 0x0a || byte === 0x0d || byte === 0))
    throw new Error('holds more than one line, or a NUL');
  return line;
}

function withoutEnd(text: Buffer): Buffer {
  if (text.at(-1) !== 0x0a) return text;
  return text.subarray(0, text.at(-2) === 0x0d ? -2 : -1);
}
