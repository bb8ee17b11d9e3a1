// The writing half: one POST with one command and its pack, and an answer that counts only when it is complete.
import { hearOwnWord, isTruthful, knowPushFeatures } from './capabilities.js';
import { quoteServer, refuseAnswer } from './host-answer.js';
import { sendRequest } from './http-transport.js';
import { encodePacket, FLUSH, PacketReader, type Packets, replay, textOf } from './pkt-line.js';
import { isRace } from './race.js';
import type { Session } from './session.js';
import { readSideBand } from './side-band.js';

export interface Push {
  /** Full name of the reference. */
  reference: string;
  /** What the reference must point at; `null`: it must not exist. */
  from: string | null;
  /** What it is to point at; `null` deletes it. */
  to: string | null;
  /** The objects `to` needs; empty for a deletion. */
  pack: Buffer;
}

export type PushVerdict =
  /** The host says that it is done. `certain`: and it is one whose word is enough. */
  | { kind: 'accepted'; certain: boolean }
  /** The reference did not point where it had to, or was locked. `head`: where the host says it pointed instead. */
  | { kind: 'raced'; reason: string; head: string | null }
  /** The host does not want it. */
  | { kind: 'refused'; reason: string };

const NOTHING = '0'.repeat(40);

/**
 * Moves the reference by compare-and-swap on the host. No discovery comes first: the command itself is the question.
 * @throws Failure when there is no complete answer; then only the reference can tell what happened.
 */
export async function pushPack(session: Session, push: Push): Promise<PushVerdict> {
  const { host } = session;
  const isTrusted = isTruthful(await hearOwnWord(session));
  const features = await knowPushFeatures(session);
  const asked = [
    features.reportStatus ? ' report-status' : '',
    features.sideBand ? ' side-band-64k' : '',
    features.agent ? ' agent=sallyport' : '',
  ].join('');
  const line = `${push.from ?? NOTHING} ${push.to ?? NOTHING} ${push.reference}\0${asked}`;
  const answer = await sendRequest(session, {
    method: 'POST',
    suffix: '/git-receive-pack',
    accept: 'application/x-git-receive-pack-result',
    contentType: 'application/x-git-receive-pack-request',
    body: Buffer.concat([encodePacket(line), FLUSH, push.pack]),
  });
  if (!features.reportStatus) return readSilence(answer);
  const talk: Buffer[] = [];
  const report = await readReport(host, answer, (words) => talk.push(words));
  const verdict = judge(host, push.reference, report, Buffer.concat(talk).toString('utf8'));
  if (verdict.kind !== 'accepted') return verdict;
  return { kind: 'accepted', certain: isTrusted };
}

/** A host that reports nothing has only its reference to show. */
async function readSilence(answer: AsyncIterable<Buffer>): Promise<PushVerdict> {
  for await (const _ of answer);
  return { kind: 'accepted', certain: false };
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
  // What JGit says in place of a report.
  if (/^(?:error: |ERR )/.test(unpack)) return { kind: 'refused', reason: quoteServer(unpack) };
  if (!unpack.startsWith('unpack '))
    throw refuseAnswer(host, 'the report of the push does not begin with unpack');
  if (unpack === 'unpack ok' && statuses.includes(`ok ${reference}`))
    return { kind: 'accepted', certain: true };
  const refusal = statuses
    .find((line) => line.startsWith(`ng ${reference} `))
    ?.slice(`ng ${reference} `.length);
  if (unpack !== 'unpack ok')
    return { kind: 'refused', reason: quoteServer(`${unpack.slice('unpack '.length)} ${talk}`) };
  if (refusal === undefined) throw refuseAnswer(host, 'the report of the push does not name the branch');
  const reason = quoteServer(talk === '' ? refusal : `${refusal}: ${talk}`);
  if (!isRace(refusal, talk)) return { kind: 'refused', reason };
  const head = /\bis at ([0-9a-f]{40}) but expected /.exec(`${refusal} ${talk}`)?.[1] ?? null;
  return { kind: 'raced', reason, head };
}
