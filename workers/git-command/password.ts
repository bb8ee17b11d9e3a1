// The password of the command line: from a file or standard input, never an argument.
import fs from 'node:fs';
import type { Readable } from 'node:stream';

const BYTES_MAX = 64 * 1024;
const STANDARD_INPUT = '-';

/**
 * The one line that the file holds, without its end.
 * @throws Error whose message completes "--password-file …"
 */
export async function readPassword(file: string, stdin: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of file === STANDARD_INPUT ? stdin : fs.createReadStream(file)) {
    chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes > BYTES_MAX) throw new Error(`is longer than ${BYTES_MAX} bytes`);
  }
  const line = withoutEnd(Buffer.concat(chunks));
  if (line.length === 0) throw new Error('is empty');
  if (line.some((byte) => byte === 0x0a || byte === 0x0d || byte === 0))
    throw new Error('holds more than one line, or a NUL');
  return line;
}

function withoutEnd(text: Buffer): Buffer {
  if (text.at(-1) !== 0x0a) return text;
  return text.subarray(0, text.at(-2) === 0x0d ? -2 : -1);
}
