// `npm run -s webhook -- inspect`: what the door would make of deliveries, one JSON object a line, without a server.
import './config/process.js';
import { once } from 'node:events';
import { inspectDelivery, refuseLine } from './providers/inspect-delivery.js';

const LINE_BYTES_MAX = 64 * 1024 * 1024;
const NEWLINE = 0x0a;
const USAGE = `Usage: npm run -s webhook -- inspect < deliveries
A line is {"id", "host", "headers", "bodyBase64", "secrets": [], "now"?}; each is answered with a line
`;

// Whoever reads the answers may have had enough of them.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await main(process.argv.slice(2));

/** The exit code. */
async function main(args: string[]): Promise<number> {
  if (args.join(' ') !== 'inspect') {
    process.stderr.write(USAGE);
    return 2;
  }
  for await (const line of readLines(process.stdin)) {
    const answer =
      line === 'too long' ? refuseLine('The line has more than 64 MiB') : inspectDelivery(line.toString());
    if (!process.stdout.write(`${JSON.stringify(answer)}\n`)) await once(process.stdout, 'drain');
  }
  return 0;
}

/** One line at a time in memory; of one that is too long, nothing is kept. */
async function* readLines(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer | 'too long'> {
  let parts: Buffer[] = [];
  let length = 0;
  const keep = (part: Buffer): void => {
    length += part.length;
    if (length > LINE_BYTES_MAX) parts = [];
    else parts.push(part);
  };
  const take = (): Buffer | 'too long' => {
    const line = length > LINE_BYTES_MAX ? 'too long' : Buffer.concat(parts);
    parts = [];
    length = 0;
    return line;
  };
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      keep(chunk.subarray(start, end));
      yield take();
      start = end + 1;
    }
    keep(chunk.subarray(start));
  }
  if (length > 0) yield take();
}
