// How much the door does for callers that have not proven anything. What it keeps of them is bounded whatever they do: so many at
// once, so many bytes of bodies, so many refusals a minute. Those at a webhook count against that webhook, and those at none against
// the address they come from, since many webhooks share the addresses of a public host. Who has proven itself at a webhook within
// the day is not held up there by what others do.
import net from 'node:net';
import { AgedMap } from '../kernel/aged-map.js';
import { Failure } from '../kernel/failure.js';
import { HOOK_BODY_BYTES_MAX } from '../providers/readable-hook.js';

export const doorLimits = {
  /** Of one body. */
  bodyBytesMax: HOOK_BODY_BYTES_MAX,
  /** Of all bodies that are not verified yet. */
  bytesMax: 128 * 1024 * 1024,
  /** Of those, by callers that have not proven themselves. */
  strangerBytesMax: 64 * 1024 * 1024,
  /** Of those, at one webhook, and from one address: one body. */
  strangerShareBytesMax: HOOK_BODY_BYTES_MAX + 1024 * 1024,
  visitsMax: 512,
  strangerVisitsMax: 256,
  /** Strangers from one address. */
  sourceVisitsMax: 64,
  /** Refusals that may come at once, and how many more a second: where no webhook is, and at one. */
  source: { refusals: 60, perSecond: 1 },
  webhook: { refusals: 120, perSecond: 2 },
} as const;

const KNOWN_MS = 86_400_000;
const BUCKET_MS = 300_000;
/** Addresses and webhooks that are remembered. */
const REMEMBERED_MAX = 10_000;

interface Bucket {
  /** Refusals that are still borne. */
  left: number;
  at: number;
}

interface Rate {
  refusals: number;
  perSecond: number;
}

/** `lost`: it came where no webhook is. `other`: what was wrong was not the caller’s doing. */
export type Leaving = 'verified' | 'refused' | 'lost' | 'other';

/** One request at the door. */
export interface Visit {
  /** Before so many more bytes are kept. @throws WEBHOOK_DOOR_FULL */
  take: (bytes: number) => void;
  /** Lets go of all that it took. Told once. */
  leave: (how: Leaving) => void;
}

export class DoorLimits {
  readonly #known = new AgedMap<true>({ ageMsMax: KNOWN_MS, weightMax: REMEMBERED_MAX });
  readonly #buckets = new AgedMap<Bucket>({ ageMsMax: BUCKET_MS, weightMax: 2 * REMEMBERED_MAX });
  /** Strangers that are there, by the address they come from. */
  readonly #sources = new Map<string, number>();
  #visits = 0;
  #strangers = 0;
  #bytes = 0;
  #strangerBytes = 0;
  /** Of strangers, by address and by webhook. */
  readonly #shares = new Map<string, number>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Bytes of bodies that are kept at this moment. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @throws RATE_LIMITED, WEBHOOK_DOOR_FULL */
  enter(address: string, webhook: string): Visit {
    const source = sourceOf(address);
    const pair = `${source} ${webhook}`;
    const isStranger = this.#known.get(pair) === undefined;
    if (isStranger) this.#admitStranger(source, webhook);
    else if (this.#visits >= doorLimits.visitsMax) throw full('too many of them are being read');
    this.#count(source, isStranger, 1);
    const shares = isStranger ? [`from ${source}`, `to ${webhook}`] : [];
    let kept = 0;
    return {
      take: (bytes) => {
        this.#assertRoom(bytes, shares);
        kept += bytes;
        this.#hold(bytes, shares);
      },
      leave: (how) => {
        this.#count(source, isStranger, -1);
        this.#hold(-kept, shares);
        kept = 0;
        if (how === 'verified') this.#known.put(pair, true);
        if (how === 'lost') this.#charge(`from ${source}`, doorLimits.source);
        if (how === 'refused') this.#charge(`to ${webhook}`, doorLimits.webhook);
      },
    };
  }

  #admitStranger(source: string, webhook: string): void {
    const waitMs = Math.max(
      this.#waitMs(`from ${source}`, doorLimits.source),
      this.#waitMs(`to ${webhook}`, doorLimits.webhook),
    );
    if (waitMs > 0) throw new Failure('RATE_LIMITED', { retryAfterSeconds: Math.ceil(waitMs / 1_000) });
    if (
      this.#visits >= doorLimits.visitsMax ||
      this.#strangers >= doorLimits.strangerVisitsMax ||
      (this.#sources.get(source) ?? 0) >= doorLimits.sourceVisitsMax
    )
      throw full('too many of them are being read');
  }

  /** @param shares of a stranger; none of somebody who is known */
  #assertRoom(bytes: number, shares: string[]): void {
    const { bytesMax, strangerBytesMax, strangerShareBytesMax } = doorLimits;
    if (
      this.#bytes + bytes > bytesMax ||
      (shares.length > 0 && this.#strangerBytes + bytes > strangerBytesMax) ||
      shares.some((share) => (this.#shares.get(share) ?? 0) + bytes > strangerShareBytesMax)
    )
      throw full('too many bytes of them are being read');
  }

  #hold(bytes: number, shares: string[]): void {
    this.#bytes += bytes;
    if (shares.length > 0) this.#strangerBytes += bytes;
    for (const share of shares) {
      const held = (this.#shares.get(share) ?? 0) + bytes;
      if (held === 0) this.#shares.delete(share);
      else this.#shares.set(share, held);
    }
  }

  #count(source: string, isStranger: boolean, by: 1 | -1): void {
    this.#visits += by;
    if (!isStranger) return;
    this.#strangers += by;
    const there = (this.#sources.get(source) ?? 0) + by;
    if (there === 0) this.#sources.delete(source);
    else this.#sources.set(source, there);
  }

  #waitMs(key: string, rate: Rate): number {
    const { left } = this.#bucket(key, rate);
    return left >= 1 ? 0 : ((1 - left) / rate.perSecond) * 1_000;
  }

  #charge(key: string, rate: Rate): void {
    const { left } = this.#bucket(key, rate);
    this.#buckets.put(key, { left: Math.max(0, left - 1), at: this.now() });
  }

  #bucket(key: string, { refusals, perSecond }: Rate): Bucket {
    const now = this.now();
    const { left, at } = this.#buckets.get(key) ?? { left: refusals, at: now };
    return { left: Math.min(refusals, left + ((now - at) / 1_000) * perSecond), at: now };
  }
}

/** IPv6 networks give everybody very many addresses: the /64 counts. */
function sourceOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (!net.isIPv6(plain)) return plain;
  const [head = '', tail = ''] = plain.toLowerCase().split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === '' ? [] : tail.split(':');
  const zeros = plain.includes('::')
    ? Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0')
    : [];
  const groups = [...before, ...zeros, ...after].slice(0, 4);
  return groups.map((group) => group.replace(/^0+(?=.)/, '')).join(':');
}

const full = (reason: string): Failure => new Failure('WEBHOOK_DOOR_FULL', { reason }) as Failure;
