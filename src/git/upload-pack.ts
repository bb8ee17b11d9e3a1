// The reading half of the protocol: list references, fetch objects. Version 2 where the host speaks it; before it, a list of
// all references opens every conversation and a fetch is one request with everything in it.

import { Failure } from '../kernel/failure.js';
import { collectReference, type Reference, readAdvertisement } from './advertisement.js';
import {
  type Capabilities,
  discoverCapabilities,
  forgetCapabilities,
  isOwnWord,
  isTruthful,
  knowCapabilities,
  noteCapabilities,
  recallCapabilities,
} from './capabilities.js';
import { quoteError, refuseAnswer } from './host-answer.js';
import { sendRequest } from './http-transport.js';
import type { GitObject, ObjectType } from './objects.js';
import { readPack } from './pack-reader.js';
import { DELIMITER, encodePacket, FLUSH, PacketReader, type Packets, replay, textOf } from './pkt-line.js';
import { requireTime, type Session } from './session.js';
import { readSideBand } from './side-band.js';

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
  /** Called for every object as it comes, also of an answer that fails later. */
  onKept?: ((id: string, object: GitObject) => void) | undefined;
  /** Finds what is here already of the haves: then the answer may build on it. */
  known?: ((id: string) => GitObject | undefined) | undefined;
}

/** References whose full names begin with one of the prefixes. */
export async function listReferences(session: Session, prefixes: string[]): Promise<Reference[]> {
  // Nothing known: the discovery of an older host brings the references along.
  if (recallCapabilities(session)?.protocol !== 2) return listByAdvertisement(session, prefixes);
  return speak(session, ({ protocol }) =>
    protocol === 2 ? listByCommand(session, prefixes) : listByAdvertisement(session, prefixes),
  );
}

/** The objects the host sends for this, by id. What was wanted may be missing all the same. */
export async function fetchObjects(session: Session, wanted: Wanted): Promise<Map<string, GitObject>> {
  try {
    return await fetchWanted(session, wanted);
  } catch (error) {
    if (!isRefusalOfPast(session, error)) throw error;
    const tips = new Set((await listReferences(session, ['refs/heads/'])).map(({ id }) => id));
    if (wanted.ids.every((id) => tips.has(id))) throw error;
    return tips.size === 0 ? new Map() : fetchWanted(session, { ids: [...tips], keep: wanted.keep });
  }
}

/**
 * Some older hosts answer with an error when a commit is wanted that no reference points at. What such a host has of it
 * comes with the whole history of its branches, or not at all.
 */
function isRefusalOfPast(session: Session, error: unknown): boolean {
  if (!(error instanceof Failure)) return false;
  const { status } = error.data as { status?: number };
  const isRefusal =
    error.code === 'GIT_OBJECT_NOT_FOUND' || (error.code === 'GIT_HOST_ERROR' && status === 500);
  const capabilities = recallCapabilities(session);
  return isRefusal && capabilities?.protocol !== 2 && capabilities?.wants === 'commits';
}

async function fetchWanted(session: Session, wanted: Wanted): Promise<Map<string, GitObject>> {
  return speak(session, async (capabilities) => {
    const isVersion2 = capabilities.protocol === 2;
    const packets = isVersion2
      ? await command(session, 'fetch', describeWanted(wanted, capabilities))
      : await ask(session, describeOlder(wanted, capabilities), false);
    try {
      const pack = isVersion2
        ? await skipToPack(session.host, packets)
        : await skipToBand(session.host, packets);
      return await readPack(readSideBand(session.host, pack), {
        host: session.host,
        limits: session.limits,
        keep: (type) => wanted.keep.includes(type),
        ...(wanted.known === undefined ? {} : { known: wanted.known }),
        ...(wanted.onKept === undefined ? {} : { onKept: wanted.onKept }),
        check: () => requireTime(session),
      });
    } finally {
      await packets.close();
    }
  });
}

/** Talks to the host as its capabilities allow. Those it was only taken to have are asked for when it does not understand. */
async function speak<T>(session: Session, talk: (capabilities: Capabilities) => Promise<T>): Promise<T> {
  const capabilities = await knowCapabilities(session);
  const isOwn = isOwnWord(session);
  try {
    return await talk(capabilities);
  } catch (error) {
    if (!(error instanceof Failure) || !isMisunderstanding(error, isOwn)) throw error;
    forgetCapabilities(session);
    if (isOwn) throw error;
    return talk(await discoverCapabilities(session));
  }
}

function isMisunderstanding({ code }: Failure, isOwn: boolean): boolean {
  if (code === 'GIT_ANSWER_INVALID') return true;
  return !isOwn && ['GIT_HOST_ERROR', 'GIT_OBJECT_NOT_FOUND'].includes(code);
}

async function listByAdvertisement(session: Session, prefixes: string[]): Promise<Reference[]> {
  const isWanted = (name: string): boolean => prefixes.some((prefix) => name.startsWith(prefix));
  const said = await readAdvertisement(session, 'git-upload-pack', isWanted);
  return noteCapabilities(session, said).protocol === 2 ? listByCommand(session, prefixes) : said.references;
}

async function listByCommand(session: Session, prefixes: string[]): Promise<Reference[]> {
  const lines = ['symrefs', ...prefixes.map((prefix) => `ref-prefix ${prefix}`)];
  const packets = await command(session, 'ls-refs', lines);
  try {
    const references: Reference[] = [];
    for (let line = await readLine(session.host, packets); line !== null; ) {
      const reference = parseReference(session.host, line);
      if (reference !== null) collectReference(session.host, references, reference);
      line = await readLine(session.host, packets);
    }
    return references;
  } finally {
    await packets.close();
  }
}

async function command(session: Session, name: string, lines: string[]): Promise<PacketReader> {
  const head = [`command=${name}\n`, 'agent=sallyport\n', 'object-format=sha1\n'].map(encodePacket);
  const body = Buffer.concat([...head, DELIMITER, ...lines.map((line) => encodePacket(`${line}\n`)), FLUSH]);
  return ask(session, body, true);
}

async function ask(session: Session, body: Buffer, version2: boolean): Promise<PacketReader> {
  const answer = await sendRequest(session, {
    method: 'POST',
    suffix: '/git-upload-pack',
    accept: 'application/x-git-upload-pack-result',
    contentType: 'application/x-git-upload-pack-request',
    body,
    version2,
  });
  return new PacketReader(session.host, answer);
}

function describeWanted(wanted: Wanted, capabilities: Capabilities): string[] {
  const haves = usableHaves(wanted, capabilities);
  return [
    'no-progress',
    'ofs-delta',
    ...(wanted.known === undefined ? [] : ['thin-pack']),
    ...describeExtent(wanted, capabilities),
    ...wanted.ids.map((id) => `want ${id}`),
    ...haves.map((id) => `have ${id}`),
    'done',
  ];
}

/** One request of version 0: wants with what is asked of the host, a flush, what is known here. */
function describeOlder(wanted: Wanted, capabilities: Capabilities): Buffer {
  const haves = usableHaves(wanted, capabilities);
  const names = ['side-band-64k', 'ofs-delta', 'no-progress', 'filter'];
  // Some hosts insist on thin packs: with nothing to leave out they are whole.
  if (wanted.known !== undefined || haves.length === 0) names.push('thin-pack');
  const asked = names.filter((name) => capabilities.offers.has(name));
  const wants = wanted.ids.map((id, index) => (index === 0 ? `want ${id} ${asked.join(' ')}` : `want ${id}`));
  const before = [...wants, ...describeExtent(wanted, capabilities)];
  const after = [...haves.map((id) => `have ${id}`), 'done'];
  const encode = (line: string): Buffer => encodePacket(`${line}\n`);
  return Buffer.concat([...before.map(encode), FLUSH, ...after.map(encode)]);
}

function describeExtent(wanted: Wanted, { filter, shallow }: Capabilities): string[] {
  const lines = shallow ? (wanted.shallow ?? []).map((id) => `shallow ${id}`) : [];
  if (wanted.depth !== undefined && shallow) lines.push(`deepen ${wanted.depth}`);
  if (wanted.without !== undefined && filter)
    lines.push(wanted.without === 'blobs' ? 'filter blob:none' : 'filter tree:0');
  return lines;
}

/** A host that cannot be told of a missing past would take it for known; of a strange one nothing is taken for granted. */
function usableHaves({ haves = [], shallow = [] }: Wanted, capabilities: Capabilities): string[] {
  if (capabilities.protocol !== 2 && !isTruthful(capabilities)) return [];
  return haves.filter((id) => capabilities.shallow || !shallow.includes(id));
}

/** Sections before the pack (acknowledgements, borders of a shallow history) tell nothing that is needed. */
async function skipToPack(host: string, packets: PacketReader): Promise<Packets> {
  for (;;) {
    const packet = await packets.next();
    if (packet === null || packet.kind === 'flush') throw refuseAnswer(host, 'it holds no pack');
    if (packet.kind !== 'data') continue;
    const line = textOf(packet.data);
    if (line.startsWith('ERR ')) throw quoteError(host, line.slice(4));
    if (line === 'packfile') return packets;
  }
}

/** As `skipToPack` before version 2: lines of text, then without further notice the first packet of a channel. */
async function skipToBand(host: string, packets: PacketReader): Promise<Packets> {
  for (;;) {
    const packet = await packets.next();
    if (packet === null) throw refuseAnswer(host, 'it holds no pack');
    if (packet.kind !== 'data') continue;
    if ((packet.data[0] ?? 0) < 4) return replay(packet, packets);
    const line = textOf(packet.data);
    if (line.startsWith('ERR ')) throw quoteError(host, line.slice(4));
    if (!/^(?:shallow|unshallow|ACK|NAK)\b/.test(line)) throw refuseAnswer(host, 'it holds no pack');
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
