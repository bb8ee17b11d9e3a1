// Tokens that came of refresh tokens, as this process remembers them and as the database has them for all managers: sealed, and
// opened for the length of a call by whoever can. One exchange serves every connector that names the same.
import { Injectable } from '@nestjs/common';
import {
  type GrantPlace,
  type GrantToken,
  SecretGrantsRepository,
} from '../secrets/secret-grants.repository.js';

const KNOWN_MAX = 4_096;

@Injectable()
export class GrantTokens {
  /** By what they came of, the one that was put there last at the end. */
  readonly #known = new Map<string, GrantToken[]>();
  /** Ids of those that a host took no more. Another manager finds that out by itself. */
  readonly #refused = new Set<string>();

  constructor(private readonly grants: SecretGrantsRepository) {}

  /** The one that is at hand and fits the asker. */
  async find(
    place: GrantPlace,
    fingerprint: string,
    fits: (token: GrantToken) => Promise<boolean>,
  ): Promise<GrantToken | undefined> {
    const known = this.#usable(this.#known.get(fingerprint) ?? []);
    for (const token of known) if (await fits(token)) return token;
    const others = this.#usable(await this.grants.tokensOf(place, fingerprint));
    for (const token of others) {
      if (known.some(({ id }) => id === token.id) || !(await fits(token))) continue;
      this.keep(token);
      return token;
    }
    return undefined;
  }

  keep(token: GrantToken): void {
    const { fingerprint, road } = token;
    const others = this.#usable(this.#known.get(fingerprint) ?? []).filter((one) => one.road !== road);
    this.#known.delete(fingerprint);
    this.#known.set(fingerprint, [...others, token]);
    const [oldest] = this.#known.keys();
    if (this.#known.size > KNOWN_MAX && oldest !== undefined) this.#known.delete(oldest);
  }

  /** This very one is used no more. */
  refuse({ id, fingerprint }: GrantToken): void {
    this.#refused.add(id);
    const [oldest] = this.#refused;
    if (this.#refused.size > KNOWN_MAX && oldest !== undefined) this.#refused.delete(oldest);
    const left = (this.#known.get(fingerprint) ?? []).filter((one) => one.id !== id);
    if (left.length === 0) this.#known.delete(fingerprint);
    else this.#known.set(fingerprint, left);
  }

  #usable(tokens: GrantToken[]): GrantToken[] {
    return tokens.filter(({ id, usableUntil }) => usableUntil > Date.now() && !this.#refused.has(id));
  }
}
