// Packs and reports come in up to three channels of one stream: 1 is the data, 2 talk for people, 3 a fatal error.
import { quoteError, refuseAnswer } from './host-answer.js';
import type { PacketReader } from './pkt-line.js';

const TALK_BYTES_MAX = 4_096;

/** Data of channel 1 up to the closing flush. `hear` gets what the server says on channel 2, at most 4 KiB of it. */
export async function* readSideBand(
  host: string,
  packets: Pick<PacketReader, 'next'>,
  hear: (talk: Buffer) => void = () => undefined,
): AsyncGenerator<Buffer> {
  let heard = 0;
  for (;;) {
    const packet = await packets.next();
    if (packet === null) throw refuseAnswer(host, 'it ends without its closing packet');
    if (packet.kind === 'flush') return;
    if (packet.kind !== 'data') throw refuseAnswer(host, 'a packet stands where none belongs');
    const channel = packet.data[0];
    const data = packet.data.subarray(1);
    if (channel === 1) yield data;
    else if (channel === 3) throw quoteError(host, data);
    else if (channel !== 2) throw refuseAnswer(host, 'a packet belongs to no channel');
    else if (heard < TALK_BYTES_MAX) {
      heard += data.length;
      hear(Buffer.from(data.subarray(0, TALK_BYTES_MAX)));
    }
  }
}
