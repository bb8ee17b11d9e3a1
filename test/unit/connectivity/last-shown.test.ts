import { describe, expect, it } from 'vitest';
import { LastShown } from '../../../src/connectivity/last-shown.js';
import { onceMore, type Useless } from '../../../src/credentials/once-more.js';
import { AgedMap } from '../../../src/kernel/aged-map.js';
import { Failure } from '../../../src/kernel/failure.js';

const NAME = 'a connector';
const codes = { refused: 'GIT_AUTH_REJECTED', stale: 'CREDENTIAL_STALE' } as const;

/** Calls of one use; each takes what is at hand, or else a fresh one. */
class Calls {
  readonly refusing = new AgedMap<true>({ ageMsMax: 60_000, weightMax: 8 });
  readonly last = new LastShown(this.refusing, NAME);
  fetched = 0;
  isAtHand = true;

  call(verdict: (isFresh: boolean) => Useless | undefined): Promise<string> {
    const work = async (): Promise<string> => {
      const isFresh = !this.isAtHand;
      if (isFresh) this.fetched += 1;
      this.isAtHand = true;
      const forget = (): void => {
        this.isAtHand = false;
      };
      this.last.show({ isFresh, forget });
      const why = verdict(isFresh);
      if (why === undefined) return 'done';
      throw new Failure(codes[why], { host: 'git.example', reason: 'no' } as never);
    };
    return onceMore(work, ({ code }) => code === codes.refused, this.last).catch((error) => error.code);
  }
}

describe('a token that is at hand', () => {
  it('is given up once for a host that refuses a fresh one too', async () => {
    const calls = new Calls();
    for (let at = 0; at < 3; at++) expect(await calls.call(() => 'refused')).toBe(codes.refused);
    expect([calls.fetched, calls.isAtHand]).toEqual([1, true]);
  });

  it('is given up again once one was taken', async () => {
    const calls = new Calls();
    await calls.call(() => 'refused');
    expect(await calls.call(() => undefined)).toBe('done');
    expect(await calls.call((isFresh) => (isFresh ? undefined : 'refused'))).toBe('done');
    expect(calls.fetched).toBe(2);
  });

  it('is given up where nobody can open it, whatever the host refused', async () => {
    const calls = new Calls();
    await calls.call(() => 'refused');
    expect(await calls.call((isFresh) => (isFresh ? undefined : 'stale'))).toBe('done');
    expect(calls.fetched).toBe(2);
  });

  it('is not taken by a call that showed none', async () => {
    const calls = new Calls();
    await calls.call(() => 'refused');
    await onceMore(
      async () => 'remembered',
      () => false,
      calls.last,
    );
    expect(calls.refusing.get(NAME)).toBe(true);
  });
});
