// The writing half: one POST with one command and its pack, and an answer that counts only when it is complete.
import { quoteServer, refuseAnswer } from './host-answer.js';
import { sendRequest } from './http-transport.js';
import { encodePacket, FLUSH, PacketReader, textOf } from './pkt-line.js';
import { isRace } from './race.js';
import type { Session } from './session.js';
import { readSideBand } from './side-band.js';

export interface Push {
  /** Full name of the reference. */
  reference: string;
  /** What the reference must point at; `null`: it must not exist. */
  from: string | null;
  to: string;
  pack: Buffer;
}

/** `raced`: the reference did not point where it had to, or was locked. `refused`: the host does not want it. */
export type PushVerdict = { kind: 'accepted' } | { kind: 'raced' | 'refused'; reason: string };

const NOTHING = '0'.repeat(40);

/**
 * Moves the reference by compare-and-swap on the host. No discovery comes first: the command itself is the question.
 * @throws Failure when there is no complete answer; then only the reference can tell what happened.
 */
export async function pushPack(session: Session, push: Push): Promise<PushVerdict> {
  const line = `${push.from ?? NOTHING} ${push.to} ${push.reference}\0 report-status side-band-64k agent=sallyport`;
  const answer = await sendRequest(session, {
    method: 'POST',
    suffix: '/git-receive-pack',
    accept: 'application/x-git-receive-pack-result',
    contentType: 'application/x-git-receive-pack-request',
    body: Buffer.concat([encodePacket(line), FLUSH, push.pack]),
  });
  const talk: Buffer[] = [];
  const report = await readReport(session.host, answer, (words) => talk.push(words));
  return judge(session.host, push.reference, report, Buffer.concat(talk).toString('utf8'));
}

/** Whether the host would take a push from this credential, as far as it says so before one is made. */
export async function probeReceivePack(session: Session): Promise<void> {
  const answer = await sendRequest(session, {
    method: 'GET',
    suffix: '/info/refs?service=git-receive-pack',
    accept: 'application/x-git-receive-pack-advertisement',
  });
  const packets = new PacketReader(session.host, answer);
  try {
    const first = await packets.next();
    if (first?.kind !== 'data' || textOf(first.data) !== '# service=git-receive-pack')
      throw refuseAnswer(session.host, 'the list of references does not begin as it must');
  } finally {
    // A repository may have a million references; none of them is wanted.
    await packets.close();
  }
}

/** Lines of the report, with or without side band around them. */
async function readReport(
  host: string,
  answer: AsyncIterable<Buffer>,
  hear: (talk: Buffer) => void,
): Promise<string[]> {
  const outer = new PacketReader(host, answer);
  try {
    const first = await outer.next();
    if (first === null) throw refuseAnswer(host, 'the report of the push is empty');
    const banded = first.kind === 'data' && (first.data[0] ?? 0) < 4;
    const lines = banded
      ? await readLines(host, new PacketReader(host, readSideBand(host, replay(first, outer), hear)))
      : await readLines(host, replay(first, outer));
    return lines;
  } finally {
    await outer.close();
  }
}

type Packets = Pick<PacketReader, 'next'>;

/** The packets once more from the one that was looked at. */
function replay(first: Awaited<ReturnType<PacketReader['next']>>, rest: PacketReader): Packets {
  let pending: typeof first | undefined = first;
  return {
    next: async () => {
      const packet = pending ?? (await rest.next());
      pending = undefined;
      return packet;
    },
  };
}

async function readLines(host: string, packets: Packets): Promise<string[]> {
  const lines: string[] = [];
  for (;;) {
    const packet = await packets.next();
    if (packet === null) throw refuseAnswer(host, 'the report of the push is incomplete');
    if (packet.kind === 'flush') return lines;
    if (packet.kind !== 'data') throw refuseAnswer(host, 'a packet stands where none belongs');
    lines.push(textOf(packet.data));
    if (lines.length > 100) throw refuseAnswer(host, 'the report of the push does not end');
  }
}

function judge(host: string, reference: string, lines: string[], talk: string): PushVerdict {
  const [unpack = '', ...statuses] = lines;
  if (!unpack.startsWith('unpack '))
    throw refuseAnswer(host, 'the report of the push does not begin with unpack');
  if (unpack === 'unpack ok' && statuses.includes(`ok ${reference}`)) return { kind: 'accepted' };
  const refusal = statuses
    .find((line) => line.startsWith(`ng ${reference} `))
    ?.slice(`ng ${reference} `.length);
  if (unpack !== 'unpack ok')
    return { kind: 'refused', reason: quoteServer(`${unpack.slice('unpack '.length)} ${talk}`) };
  if (refusal === undefined) throw refuseAnswer(host, 'the report of the push does not name the branch');
  return {
    kind: isRace(refusal, talk) ? 'raced' : 'refused',
    reason: quoteServer(talk === '' ? refusal : `${refusal}: ${talk}`),
  };
}
