// What a host can do is asked once and remembered for ten minutes, so that a warm operation costs no discovery.
import { Failure } from '../kernel/failure.js';
import { quoteError, quoteServer, refuseAnswer } from './host-answer.js';
import { sendRequest } from './http-transport.js';
import { PacketReader, textOf } from './pkt-line.js';
import type { Session } from './session.js';

export interface Capabilities {
  /** `fetch` can leave out blobs or trees. */
  filter: boolean;
  /** `fetch` can leave out history. */
  shallow: boolean;
}

const REMEMBER_MS = 600_000;
const REMEMBER_MAX = 10_000;
const LINES_MAX = 1_000;

const remembered = new Map<string, { capabilities: Capabilities; until: number }>();

/** The host's capabilities for this repository, from memory when they are fresh. */
export async function knowCapabilities(session: Session): Promise<Capabilities> {
  const known = remembered.get(session.partition);
  if (known !== undefined && known.until > performance.now()) return known.capabilities;
  return discoverCapabilities(session);
}

/**
 * Asks the host.
 * @throws Failure GIT_PROTOCOL_UNSUPPORTED without version 2, GIT_OBJECT_FORMAT_UNSUPPORTED for anything but SHA-1.
 */
export async function discoverCapabilities(session: Session): Promise<Capabilities> {
  const body = await sendRequest(session, {
    method: 'GET',
    suffix: '/info/refs?service=git-upload-pack',
    accept: 'application/x-git-upload-pack-advertisement',
    version2: true,
  });
  const capabilities = parseAdvertisement(session.host, await readAdvertisement(session.host, body));
  remembered.delete(session.partition);
  remembered.set(session.partition, { capabilities, until: performance.now() + REMEMBER_MS });
  const oldest = remembered.keys().next().value;
  if (remembered.size > REMEMBER_MAX && oldest !== undefined) remembered.delete(oldest);
  return capabilities;
}

/** Makes the next operation ask again: an answer showed that the host is not what it was. */
export function forgetCapabilities(session: Session): void {
  remembered.delete(session.partition);
}

async function readAdvertisement(host: string, body: AsyncIterable<Buffer>): Promise<string[]> {
  const packets = new PacketReader(host, body);
  try {
    const lines: string[] = [];
    for (;;) {
      const packet = await packets.next();
      if (packet === null) throw refuseAnswer(host, 'the list of capabilities is incomplete');
      if (packet.kind === 'flush' && lines.length > 0) return lines;
      // A flush before the list closes the banner that some servers put there.
      if (packet.kind !== 'data') continue;
      const line = checkLine(host, textOf(packet.data));
      if (lines.length > 0 || !line.startsWith('# service=')) lines.push(line);
      if (lines[0] !== undefined && lines[0] !== 'version 2')
        throw new Failure('GIT_PROTOCOL_UNSUPPORTED', {
          host,
          reason: 'it does not speak protocol version 2',
        });
      if (lines.length > LINES_MAX) throw refuseAnswer(host, 'the list of capabilities does not end');
    }
  } finally {
    await packets.close();
  }
}

function checkLine(host: string, line: string): string {
  if (line.startsWith('ERR ')) throw quoteError(host, line.slice(4));
  return line;
}

function parseAdvertisement(host: string, lines: string[]): Capabilities {
  const values = new Map(lines.slice(1).map((line) => splitOnce(line)));
  const format = values.get('object-format') ?? 'sha1';
  if (format !== 'sha1')
    throw new Failure('GIT_OBJECT_FORMAT_UNSUPPORTED', { host, format: quoteServer(format) });
  if (!values.has('ls-refs') || !values.has('fetch'))
    throw new Failure('GIT_PROTOCOL_UNSUPPORTED', {
      host,
      reason: 'it lacks the commands ls-refs and fetch',
    });
  const features = (values.get('fetch') ?? '').split(' ');
  return { filter: features.includes('filter'), shallow: features.includes('shallow') };
}

function splitOnce(line: string): [string, string] {
  const at = line.indexOf('=');
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
}
