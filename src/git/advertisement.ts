// The list a host opens a conversation with: what it can do and, before protocol version 2, every reference it has.
import { quoteError, refuseAnswer, refuseExcess } from './host-answer.js';
import { sendRequest } from './http-transport.js';
import { PacketReader, textOf } from './pkt-line.js';
import type { Session } from './session.js';

export interface Reference {
  /** Full name, or HEAD. */
  name: string;
  id: string;
  /** Where a symbolic reference points. */
  target: string | null;
}

export interface Advertisement {
  protocol: 0 | 1 | 2;
  /** Capabilities: values by name; '' where one has none, several of one name joined by spaces. */
  words: Map<string, string>;
  /** Those asked for, of version 0 and 1; version 2 lists none. */
  references: Reference[];
}

const LINES_MAX = 1_000_000;
const CAPABILITIES_MAX = 1_000;
const REFERENCES_MAX = 250_000;
const NOBODY = 'capabilities^{}';

/**
 * Asks for the list of a service. Version 2 is asked of upload-pack alone, receive-pack has none.
 * @param keep which references are wanted; of those there may be 250,000.
 * @throws Failure GIT_ANSWER_INVALID, GIT_LIMIT_EXCEEDED, and what the transport throws
 */
export async function readAdvertisement(
  session: Session,
  service: 'git-upload-pack' | 'git-receive-pack',
  keep: (name: string) => boolean = () => false,
): Promise<Advertisement> {
  const { host } = session;
  const answer = await sendRequest(session, {
    method: 'GET',
    suffix: `/info/refs?service=${service}`,
    accept: `application/x-${service}-advertisement`,
    version2: service === 'git-upload-pack',
  });
  const packets = new PacketReader(host, answer);
  try {
    return await readList(host, packets, { service, keep });
  } finally {
    await packets.close();
  }
}

async function readList(
  host: string,
  packets: PacketReader,
  { service, keep }: { service: string; keep: (name: string) => boolean },
): Promise<Advertisement> {
  const first = await skipBanner(host, packets, service);
  if (first === 'version 2') return readVersion2(host, packets);
  const isVersion1 = first === 'version 1';
  const line = isVersion1 ? await readLine(host, packets) : first;
  return readReferences(host, packets, { line, protocol: isVersion1 ? 1 : 0, keep });
}

/** Adds a reference, unless there are too many. */
export function collectReference(host: string, references: Reference[], reference: Reference): void {
  if (references.length >= REFERENCES_MAX) throw refuseExcess(host, 'references', REFERENCES_MAX);
  references.push(reference);
}

/** The first line that is not the banner of the service, nor the flush that closes it. */
async function skipBanner(host: string, packets: PacketReader, service: string): Promise<string | null> {
  const line = await readLine(host, packets);
  if (line === null || !line.startsWith('# service=')) return line;
  if (line !== `# service=${service}`) throw refuseAnswer(host, 'it speaks of another service');
  const next = await readLine(host, packets);
  return next === null ? readLine(host, packets) : next;
}

async function readVersion2(host: string, packets: PacketReader): Promise<Advertisement> {
  const words = new Map<string, string>();
  for (let count = 0; count < CAPABILITIES_MAX; count++) {
    const line = await readLine(host, packets);
    if (line === null) return { protocol: 2, words, references: [] };
    const at = line.indexOf('=');
    if (at < 0) words.set(line, '');
    else words.set(line.slice(0, at), line.slice(at + 1));
  }
  throw refuseAnswer(host, 'the list of capabilities does not end');
}

interface Older {
  line: string | null;
  protocol: 0 | 1;
  keep: (name: string) => boolean;
}

/** `<id> <name>\0<capabilities>`, then `<id> <name>` a line; a repository without references names a nobody. */
async function readReferences(host: string, packets: PacketReader, older: Older): Promise<Advertisement> {
  const { protocol, keep } = older;
  const [head = '', said = ''] = (older.line ?? '').split('\0');
  const words = parseWords(said);
  const targets = parseTargets(words);
  const references: Reference[] = [];
  let line: string | null = older.line === null ? null : head;
  for (let count = 0; line !== null; count++) {
    if (count >= LINES_MAX) throw refuseExcess(host, 'lines of the list of references', LINES_MAX);
    const reference = parseReference(host, line);
    if (reference !== null && keep(reference.name))
      collectReference(host, references, { ...reference, target: targets.get(reference.name) ?? null });
    line = await readLine(host, packets);
  }
  return { protocol, words, references };
}

/** `<id> <name>`; `null` for a line that names no reference of ours. */
function parseReference(host: string, line: string): Pick<Reference, 'id' | 'name'> | null {
  const [id = '', name = ''] = splitOnce(line, ' ');
  if (id === 'shallow') return null;
  if (!/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(id) || name === '')
    throw refuseAnswer(host, 'a reference has no proper id and name');
  return name === NOBODY || id.length !== 40 ? null : { id, name };
}

function parseWords(said: string): Map<string, string> {
  const words = new Map<string, string>();
  for (const word of said.split(' ').filter(Boolean)) {
    const [name = '', value = ''] = splitOnce(word, '=');
    const before = words.get(name);
    words.set(name, before === undefined ? value : `${before} ${value}`);
  }
  return words;
}

/** `symref=HEAD:refs/heads/main` */
function parseTargets(words: Map<string, string>): Map<string, string> {
  const pairs = (words.get('symref') ?? '').split(' ').map((pair) => splitOnce(pair, ':'));
  return new Map(pairs.map(([name = '', target = '']) => [name, target]));
}

function splitOnce(text: string, by: string): string[] {
  const at = text.indexOf(by);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** `null` at a flush. */
async function readLine(host: string, packets: PacketReader): Promise<string | null> {
  const packet = await packets.next();
  if (packet === null) throw refuseAnswer(host, 'the list it opens with is incomplete');
  if (packet.kind === 'flush') return null;
  if (packet.kind !== 'data') throw refuseAnswer(host, 'a packet stands where none belongs');
  const line = textOf(packet.data);
  if (line.startsWith('ERR ')) throw quoteError(host, line.slice(4));
  return line;
}
