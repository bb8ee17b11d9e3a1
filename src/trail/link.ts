// How the entries of an audit hang together. Nothing here knows a database or a network: whoever has the lines can check them.

/** One entry of an account's trail, as it is exported: a line of JSON. */
export interface Link {
  account: string;
  /** From 1, without gaps. */
  position: number;
  /** Hash of the entry before it, 64 hexadecimal digits; zeros before the first. */
  previous: string;
  /** Over account, position, previous hash and entry. */
  hash: string;
  /** The text of the entry, which is JSON, exactly as it was hashed. */
  entry: string;
}

/** Where a trail ends, or ended when somebody looked. */
export interface Head {
  position: number;
  hash: string;
}

/** Before the first entry. */
export const GENESIS: Head = { position: 0, hash: '0'.repeat(64) };

/** What an entry's hash is made of. No other use of SHA-256 begins so, and no other trail; each part but the last one has no line end. */
export const hashedText = ({ account, position, previous, entry }: Omit<Link, 'hash'>): string =>
  `sallyport-audit-1\n${account}\n${position}\n${previous}\n${entry}`;

/** A line of an export; undefined where it is none. */
export function readLink(line: string): Link | undefined {
  try {
    const { account, position, previous, hash, entry, ...rest } = JSON.parse(line) as Link;
    const isLink =
      [account, entry].every((text) => typeof text === 'string') &&
      [previous, hash].every((text) => typeof text === 'string' && HASH.test(text)) &&
      Number.isSafeInteger(position) &&
      position > 0 &&
      Object.keys(rest).length === 0;
    return isLink ? { account, position, previous, hash, entry } : undefined;
  } catch {
    return undefined;
  }
}

export const writeLink = ({ account, position, previous, hash, entry }: Link): string =>
  JSON.stringify({ account, position, previous, hash, entry });

/** `POSITION:HASH`; undefined where it is none. */
export function readHead(text: string): Head | undefined {
  const [, position = '', hash = ''] = /^(0|[1-9]\d{0,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  return hash === '' || !Number.isSafeInteger(Number(position))
    ? undefined
    : { position: Number(position), hash };
}

export const writeHead = ({ position, hash }: Head): string => `${position}:${hash}`;

const HASH = /^[0-9a-f]{64}$/;
