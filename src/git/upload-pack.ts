// The reading half of protocol version 2: list branches, fetch objects.

import { Failure } from '../kernel/failure.js';
import { type Capabilities, forgetCapabilities, knowCapabilities } from './capabilities.js';
import { quoteError, refuseAnswer } from './host-answer.js';
import { sendRequest } from './http-transport.js';
import type { GitObject, ObjectType } from './objects.js';
import { readPack } from './pack-reader.js';
import { DELIMITER, encodePacket, FLUSH, PacketReader, textOf } from './pkt-line.js';
import type { Session } from './session.js';
import { readSideBand } from './side-band.js';

export interface Reference {
  name: string;
  id: string;
  /** Where a symbolic reference points. */
  target: string | null;
}

export interface Wanted {
  /** Objects to fetch, of any type. */
  ids: string[];
  /** Commits of which everything is known already, down to the beginning unless they are `shallow`. */
  haves?: string[];
  /** Of the haves, those of which no ancestor is known. */
  shallow?: string[];
  /** `blobs`: no blobs but those wanted by id. `trees`: no trees either. Hosts that cannot filter send all. */
  without?: 'blobs' | 'trees';
  /** Commits of history; absent for all of it. */
  depth?: number;
  /** Which types to keep of what arrives. */
  keep: ObjectType[];
}

const REFERENCES_MAX = 1_000_000;

/** References whose full names begin with one of the prefixes. */
export async function listReferences(session: Session, prefixes: string[]): Promise<Reference[]> {
  return speak(session, async () => {
    const packets = await command(session, 'ls-refs', [
      'symrefs',
      ...prefixes.map((prefix) => `ref-prefix ${prefix}`),
    ]);
    try {
      const references: Reference[] = [];
      for (;;) {
        const line = await readLine(session.host, packets);
        if (line === null) return references;
        const reference = parseReference(session.host, line);
        if (reference !== null) references.push(reference);
        if (references.length > REFERENCES_MAX)
          throw refuseAnswer(session.host, 'the list of references does not end');
      }
    } finally {
      await packets.close();
    }
  });
}

/** The objects the host sends for this, by id. What was wanted may be missing all the same. */
export async function fetchObjects(session: Session, wanted: Wanted): Promise<Map<string, GitObject>> {
  return speak(session, async (capabilities) => {
    const packets = await command(session, 'fetch', describeWanted(wanted, capabilities));
    try {
      await skipToPack(session.host, packets);
      return await readPack(readSideBand(session.host, packets), {
        host: session.host,
        limits: session.limits,
        keep: (type) => wanted.keep.includes(type),
      });
    } finally {
      await packets.close();
    }
  });
}

/** Talks to the host as its capabilities allow, and forgets them when its answer makes no sense. */
async function speak<T>(session: Session, talk: (capabilities: Capabilities) => Promise<T>): Promise<T> {
  const capabilities = await knowCapabilities(session);
  try {
    return await talk(capabilities);
  } catch (error) {
    if (error instanceof Failure && error.code === 'GIT_ANSWER_INVALID') forgetCapabilities(session);
    throw error;
  }
}

async function command(session: Session, name: string, lines: string[]): Promise<PacketReader> {
  const head = [`command=${name}\n`, 'agent=sallyport\n', 'object-format=sha1\n'].map(encodePacket);
  const body = Buffer.concat([...head, DELIMITER, ...lines.map((line) => encodePacket(`${line}\n`)), FLUSH]);
  const answer = await sendRequest(session, {
    method: 'POST',
    suffix: '/git-upload-pack',
    accept: 'application/x-git-upload-pack-result',
    contentType: 'application/x-git-upload-pack-request',
    body,
    version2: true,
  });
  return new PacketReader(session.host, answer);
}

function describeWanted(wanted: Wanted, capabilities: Capabilities): string[] {
  const lines = ['no-progress', 'ofs-delta'];
  if (wanted.without !== undefined && capabilities.filter)
    lines.push(wanted.without === 'blobs' ? 'filter blob:none' : 'filter tree:0');
  if (wanted.depth !== undefined && capabilities.shallow) lines.push(`deepen ${wanted.depth}`);
  // A host that cannot be told of a missing past would take it for known.
  const shallow = wanted.shallow ?? [];
  const haves = (wanted.haves ?? []).filter((id) => capabilities.shallow || !shallow.includes(id));
  if (capabilities.shallow) for (const id of shallow) lines.push(`shallow ${id}`);
  for (const id of wanted.ids) lines.push(`want ${id}`);
  for (const id of haves) lines.push(`have ${id}`);
  return [...lines, 'done'];
}

/** Sections before the pack (acknowledgements, borders of a shallow history) tell nothing that is needed. */
async function skipToPack(host: string, packets: PacketReader): Promise<void> {
  for (;;) {
    const packet = await packets.next();
    if (packet === null || packet.kind === 'flush') throw refuseAnswer(host, 'it holds no pack');
    if (packet.kind !== 'data') continue;
    const line = textOf(packet.data);
    if (line.startsWith('ERR ')) throw quoteError(host, line.slice(4));
    if (line === 'packfile') return;
  }
}

async function readLine(host: string, packets: PacketReader): Promise<string | null> {
  const packet = await packets.next();
  if (packet === null) throw refuseAnswer(host, 'it ends without its closing packet');
  if (packet.kind === 'flush') return null;
  if (packet.kind !== 'data') throw refuseAnswer(host, 'a packet stands where none belongs');
  const line = textOf(packet.data);
  if (line.startsWith('ERR ')) throw quoteError(host, line.slice(4));
  return line;
}

/** `<id> <name>[ symref-target:<name>][ peeled:<id>]`; `null` for a reference that points at nothing yet. */
function parseReference(host: string, line: string): Reference | null {
  const [id = '', name = '', ...attributes] = line.split(' ');
  if (id === 'unborn') return null;
  if (!/^[0-9a-f]{40}$/.test(id) || name === '')
    throw refuseAnswer(host, 'a reference has no proper id and name');
  const symref = attributes.find((attribute) => attribute.startsWith('symref-target:'));
  return { id, name, target: symref?.slice('symref-target:'.length) ?? null };
}
