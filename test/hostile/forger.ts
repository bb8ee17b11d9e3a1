// A seeded forger: what it makes of genuine messages is never one of them.
import { Identity } from '../../src/sealing/identity.js';
import type { SealedMessage } from '../../src/sealing/sealed-message.js';

const fields = ['claims', 'enc', 'box', 'signature'] as const;
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.split('');
const stranger = new Identity(Identity.make());

/** Mulberry32: small, and the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Trick = (message: SealedMessage, other: SealedMessage) => unknown;

export class Forger {
  readonly #random: () => number;
  /** How often each trick was played. */
  readonly played = new Map<string, number>();

  constructor(
    seed: number,
    private readonly genuine: readonly SealedMessage[],
  ) {
    this.#random = randomFrom(seed);
  }

  /** A message like this one that nobody wrote. */
  forge(message: SealedMessage): unknown {
    for (;;) {
      const [name, trick] = this.#one(Object.entries(this.#tricks));
      const forged = trick(message, this.#one(this.genuine));
      const text = JSON.stringify(forged);
      if ([message, ...this.genuine].some((known) => JSON.stringify(known) === text)) continue;
      this.played.set(name, (this.played.get(name) ?? 0) + 1);
      return text === undefined ? null : (JSON.parse(text) as unknown);
    }
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #one<T>(list: readonly T[]): T {
    return list[this.#below(list.length)] as T;
  }

  readonly #tricks: Record<string, Trick> = {
    'turn a letter': (message) => this.#with(message, (text) => this.#turn(text, this.#one(LETTERS))),
    'turn a byte': (message) =>
      this.#with(message, (text) => this.#turn(text, String.fromCharCode(this.#below(256)))),
    'turn the last letter': (message) =>
      this.#with(message, (text) => text.slice(0, -1) + this.#one(LETTERS)),
    'turn many': (message) => {
      let forged = message;
      for (let left = 1 + this.#below(20); left > 0; left -= 1)
        forged = this.#with(forged, (text) => this.#turn(text, this.#one(LETTERS)));
      return forged;
    },
    'flip a bit of what is encoded': (message) => {
      const field = this.#one(['enc', 'box', 'signature'] as const);
      const bytes = Buffer.from(message[field], 'base64url');
      const at = this.#below(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << this.#below(8));
      return { ...message, [field]: bytes.toString('base64url') };
    },
    truncate: (message) => this.#with(message, (text) => text.slice(0, this.#below(text.length))),
    'cut the beginning': (message) => this.#with(message, (text) => text.slice(1 + this.#below(4))),
    lengthen: (message) =>
      this.#with(message, (text) => text + this.#one(['A', '=', '\n', ' ', '\0', 'AAAA', '.'])),
    'swap a field': (message, other) => {
      const field = this.#one(fields);
      return { ...message, [field]: other[field] };
    },
    'swap two fields': (message, other) => {
      const [one, two] = [this.#one(fields), this.#one(fields)];
      return { ...message, [one]: other[one], [two]: other[two] };
    },
    'exchange its fields': (message) => {
      const [one, two] = [this.#one(fields), this.#one(fields)];
      return { ...message, [one]: message[two], [two]: message[one] };
    },
    'leave a field out': (message) => {
      const { [this.#one(fields)]: _, ...rest } = message;
      return rest;
    },
    'add a field': (message) =>
      JSON.parse(
        `${JSON.stringify(message).slice(0, -1)},"${this.#one(['__proto__', 'constructor', 'toString', 'then', 'more', ''])}":{"claims":""}}`,
      ),
    'another type': (message) => ({ ...message, [this.#one(fields)]: this.#oddValue(message) }),
    'no object at all': (message) => this.#oddValue(message),
    huge: (message) => this.#with(message, (text) => text.repeat(1 + this.#below(200))),
    'rewrite a claim': (message) => ({ ...message, claims: this.#rewrite(message.claims) }),
    'play with JSON': (message) => ({ ...message, claims: this.#respell(message.claims) }),
    'sign as a stranger': (message) => this.#sign(message, message.claims),
    'rewrite and sign as a stranger': (message) => this.#sign(message, this.#rewrite(message.claims)),
  };

  #with(message: SealedMessage, change: (text: string) => string): SealedMessage {
    const field = this.#one(fields);
    return { ...message, [field]: change(message[field]) };
  }

  #turn(text: string, letter: string): string {
    const at = this.#below(text.length);
    return text.slice(0, at) + letter + text.slice(at + 1);
  }

  #sign(message: SealedMessage, claims: string): SealedMessage {
    return { ...message, claims, signature: stranger.sign(this.#one(['task', 'answer']), claims) };
  }

  #oddValue(message: SealedMessage): unknown {
    return this.#one<unknown>([
      null,
      true,
      0,
      -1,
      1e308,
      '',
      '__proto__',
      [],
      {},
      [message],
      { message },
      Object.entries(message),
      JSON.stringify(message),
      '[['.repeat(2_000),
      { length: 43, toString: 'x' },
    ]);
  }

  #rewrite(claims: string): string {
    const parsed = JSON.parse(claims) as Record<string, unknown>;
    const key = this.#one(Object.keys(parsed));
    const value = this.#one<unknown>([
      null,
      '',
      0,
      -1,
      2 ** 53,
      {},
      [],
      '__proto__',
      'constructor',
      'git.commit',
      parsed.task,
    ]);
    if (this.#below(4) === 0) delete parsed[key];
    else parsed[key] = value;
    return JSON.stringify(parsed);
  }

  #respell(claims: string): string {
    const rest = claims.slice(1);
    return this.#one([
      `{"name":"git.commit",${rest}`,
      `{"__proto__":{"name":"git.commit"},${rest}`,
      `{"constructor":{"prototype":{}},${rest}`,
      `{"digest":"x",${rest}`,
      `${claims.slice(0, -1)},"delegate":"other"}`,
      `${claims.slice(0, -1)},"digest":""}`,
      ` ${claims}`,
      `${claims}\n`,
      `\ufeff${claims}`,
      `${claims}${claims}`,
      `[${claims}]`,
      JSON.stringify(claims),
      claims.replace('"task"', '"\\u0074ask"'),
      claims.replace(/:(\d+)/, ':$1.0'),
      claims.replace(/:(\d+)/, ':$1e0'),
      claims.replace(/:(\d+)/, ':"$1"'),
      claims.replace(/:(\d+)/, ':9$1'),
      '['.repeat(4_000),
      `${'{"a":'.repeat(700)}1${'}'.repeat(700)}`,
      'null',
      '',
      '{}',
    ]);
  }
}
