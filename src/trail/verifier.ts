// Checks an exported trail line by line, in constant memory. What a line alone can show is that nothing within was changed, left out
// or put elsewhere; that nothing is missing at the end takes somebody who remembers an earlier end.
import { GENESIS, type Head, hashedText, type Link, readLink } from './link.js';

/** Something that is not as it was written. */
export interface Finding {
  /** Of the entry that it shows at; null where a line has none. */
  position: number | null;
  /** Of the export, from 1; null where it is about what is not there. */
  line: number | null;
  kind:
    | 'unreadable'
    | 'foreign'
    | 'missing'
    | 'misplaced'
    | 'unlinked'
    | 'edited'
    | 'rewritten'
    | 'truncated';
  /** In words. */
  problem: string;
}

export interface Verdict {
  account: string | null;
  entries: number;
  /** Of the last entry that there is; where the trail was to begin if there is none. */
  head: Head;
  findings: Finding[];
  /** All that were made; `findings` are the first ones. */
  count: number;
}

export interface Expected {
  /** Whose trail it is to be; that of the first line without it. */
  account?: string | undefined;
  /** What it goes on from; its beginning without it. */
  after?: Head | undefined;
  /** Ends that were seen before: each has to be there. */
  witnesses?: Head[] | undefined;
}

/** SHA-256 of a text in UTF-8, in hexadecimal digits: where this runs has its own. */
export type Digest = (text: string) => string | Promise<string>;

const FINDINGS_MAX = 100;

class TrailVerifier {
  readonly #digest: Digest;
  readonly #findings: Finding[] = [];
  readonly #witnesses: Map<number, string>;
  #account: string | undefined;
  #last: Head;
  #line = 0;
  #count = 0;
  #entries = 0;

  constructor(digest: Digest, { account, after = GENESIS, witnesses = [] }: Expected) {
    this.#digest = digest;
    this.#account = account;
    this.#last = after;
    this.#witnesses = new Map(witnesses.map(({ position, hash }) => [position, hash]));
    this.#witness(after);
  }

  /** The next line, without its end. */
  async take(line: string): Promise<void> {
    this.#line += 1;
    const link = readLink(line);
    if (link === undefined) return this.#find('unreadable', null, 'the line is no entry of a trail');
    this.#entries += 1;
    this.#compare(link, await this.#digest(hashedText(link)));
    this.#last = { position: link.position, hash: link.hash };
    this.#witness(this.#last);
  }

  /** After the last line. */
  end(): Verdict {
    for (const position of [...this.#witnesses.keys()].toSorted((one, other) => one - other)) {
      if (position > this.#last.position)
        this.#add({
          position,
          line: null,
          kind: 'truncated',
          problem: `the trail ends at ${this.#last.position}, and was seen to go on to ${position}`,
        });
      else
        this.#add({
          position,
          line: null,
          kind: 'missing',
          problem: `entry ${position}, which was seen, is not there`,
        });
    }
    return {
      account: this.#account ?? null,
      entries: this.#entries,
      head: this.#last,
      findings: this.#findings,
      count: this.#count,
    };
  }

  #compare({ account, position, previous, hash }: Link, made: string): void {
    this.#account ??= account;
    if (account !== this.#account)
      this.#find('foreign', position, `it is of ${account}, and this trail of ${this.#account}`);
    const next = this.#last.position + 1;
    if (position > next)
      this.#find(
        'missing',
        position,
        next === position - 1 ? `entry ${next} is missing` : `entries ${next} to ${position - 1} are missing`,
      );
    else if (position < next)
      this.#find('misplaced', position, `it stands after entry ${this.#last.position}`);
    else if (previous !== this.#last.hash)
      this.#find('unlinked', position, `it does not follow the entry ${this.#last.position} that is here`);
    if (made !== hash) this.#find('edited', position, 'it is not what its hash was made of');
  }

  #witness({ position, hash }: Head): void {
    const seen = this.#witnesses.get(position);
    if (seen === undefined) return;
    this.#witnesses.delete(position);
    if (seen !== hash)
      this.#find('rewritten', position, `another entry ${position} was seen before: the trail was made anew`);
  }

  #find(kind: Finding['kind'], position: number | null, problem: string): void {
    this.#add({ position, line: this.#line, kind, problem });
  }

  #add(finding: Finding): void {
    this.#count += 1;
    if (this.#findings.length < FINDINGS_MAX) this.#findings.push(finding);
  }
}

/** Of a whole export. */
export async function verifyTrail(
  digest: Digest,
  lines: AsyncIterable<string> | Iterable<string>,
  expected: Expected = {},
): Promise<Verdict> {
  const verifier = new TrailVerifier(digest, expected);
  for await (const line of lines) if (line !== '') await verifier.take(line);
  return verifier.end();
}
