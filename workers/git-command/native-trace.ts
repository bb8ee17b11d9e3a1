// What the system git says of its own requests and packets, as numbers. It writes line by line, with everything that is not
// printable made a dot or a number, so that nothing a host sends can look like a line of its own.
import fs from 'node:fs';
import readline from 'node:readline';
import type { HostFeatures } from '../../src/git/git.js';
import { quoteServer } from '../../src/git/host-answer.js';
import type { Traffic } from '../../src/git/meter.js';

/** What can be known: over SSH the connections, each of them one request, and no bytes. */
export interface Measured {
  requests: number;
  bytesUp: number | null;
  bytesDown: number | null;
}

const BYTES = /(=>|<=) (?:Send|Recv) (?:header|data), 0*(\d+) bytes /;
const REQUEST = /=> Send header: [A-Z]+ \S+ HTTP\//;
/** Git starts one ssh for each connection. */
const CONNECTION = /^\{"event":"child_start",.*"child_class":"transport\/ssh"/;
const PACKET = /packet:\s+\S+< (.*)$/;
/** `<id> <name>`, a NUL, and the capabilities. */
const OLDER = /^[0-9a-f]{40,64} .+?\\0 ?(.*)$/;

/** Reads the file; when it is not there, nothing was sent. A host that was not heard is `null`. */
export async function readTrace(
  file: string,
  isSsh: boolean,
): Promise<{ traffic: Measured; host: HostFeatures | null }> {
  const traffic: Traffic = { requests: 0, bytesUp: 0, bytesDown: 0 };
  const listener = new HostListener();
  if (!fs.existsSync(file)) return { traffic, host: null };
  const lines = readline.createInterface({ input: fs.createReadStream(file, 'latin1') });
  for await (const line of lines) {
    const packet = PACKET.exec(line)?.[1];
    if (packet !== undefined) listener.hear(packet);
    else countLine(traffic, line);
  }
  const measured = isSsh ? { requests: traffic.requests, bytesUp: null, bytesDown: null } : traffic;
  return { traffic: measured, host: listener.host };
}

function countLine(traffic: Traffic, line: string): void {
  const [, direction, bytes] = BYTES.exec(line) ?? [];
  if (direction === '=>') traffic.bytesUp += Number(bytes);
  else if (direction === '<=') traffic.bytesDown += Number(bytes);
  else if (REQUEST.test(line) || CONNECTION.test(line)) traffic.requests++;
}

/** What the trace tells by there being one, and what it does not tell. */
const ALWAYS = { objectFormat: 'sha1', push: null } as const;

/** Picks the host's first list of capabilities out of the packets. */
class HostListener {
  host: HostFeatures | null = null;
  #lines: string[] | null = null;
  #isVersion1 = false;

  hear(packet: string): void {
    if (this.host !== null) return;
    if (this.#lines !== null) this.#collect(this.#lines, packet);
    else if (packet === 'version 2') this.#lines = [];
    else if (packet === 'version 1') this.#isVersion1 = true;
    else this.#hearOlder(OLDER.exec(packet)?.[1]?.split(' ') ?? []);
  }

  #collect(lines: string[], packet: string): void {
    if (packet !== '0000') {
      // It is written twice in a row, once by the helper that fetched it.
      if (packet !== 'version 2') lines.push(packet);
      return;
    }
    const words = (lines.find((line) => line.startsWith('fetch=')) ?? '').slice('fetch='.length).split(' ');
    this.host = { agent: findAgent(lines), protocol: 2, ...findFilters(words), wants: 'any', ...ALWAYS };
  }

  /** A list with `report-status` is one for pushes, and says nothing of fetches. */
  #hearOlder(words: string[]): void {
    if (words.length === 0 || words.includes('report-status')) return;
    const protocol = this.#isVersion1 ? 1 : 0;
    const wants = words.includes('allow-any-sha1-in-want') ? 'any' : 'commits';
    this.host = { agent: findAgent(words), protocol, ...findFilters(words), wants, ...ALWAYS };
  }
}

function findFilters(words: string[]): Pick<HostFeatures, 'filter' | 'shallow'> {
  return { filter: words.includes('filter'), shallow: words.includes('shallow') };
}

function findAgent(words: string[]): string | null {
  const agent = quoteServer(words.find((word) => word.startsWith('agent='))?.slice('agent='.length) ?? '');
  return agent === '' ? null : agent;
}
