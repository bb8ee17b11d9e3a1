// Puts on record what changes nothing in the database, or changes it elsewhere, and what an other one's statement changes.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Failure } from '../kernel/failure.js';
import { Log } from '../kernel/log.js';
import { Storage } from '../storage/database.js';
import { type Act, type Outcome, record } from './record.js';

/** An act that has begun; both entries of it have the same `attempt`. */
export type BegunAct = Act & { data: { attempt: string } };

/** For how long what came of an act is tried to be put on record; whoever asked for it waits meanwhile. */
const CLOSING_MS_MAX = 10_000;
const CLOSING_PAUSE_MS = 500;

@Injectable()
export class Acts {
  constructor(
    private readonly storage: Storage,
    private readonly log: Log,
  ) {}

  /** @throws AUDIT_UNWRITABLE, DATABASE_UNAVAILABLE */
  async note(act: Act, outcome?: Outcome): Promise<void> {
    await this.storage.transact(async (tx) => record(tx, act, outcome));
  }

  /**
   * What somebody outside will notice. That it begins is on record before, or it does not; what came of it afterwards, with what
   * `tell` says of it. A begun act that nothing follows was cut off, or could not be closed: its effect may be there.
   * @throws AUDIT_UNWRITABLE and DATABASE_UNAVAILABLE before it begins, and what `work` does
   */
  async outside<T>(act: Act, work: () => Promise<T>, tell: (done: T) => object): Promise<T> {
    const { begun, done } = await this.#attempt(act, work);
    await this.#close({ ...begun, data: { ...begun.data, ...tell(done) } });
    return done;
  }

  /** The same where the work itself puts on record that it is done, with a change of its own. */
  async begin<T>(act: Act, work: (begun: BegunAct) => Promise<T>): Promise<T> {
    return (await this.#attempt(act, work)).done;
  }

  async #attempt<T>(act: Act, work: (begun: BegunAct) => Promise<T>): Promise<{ begun: BegunAct; done: T }> {
    const begun = { ...act, data: { attempt: randomUUID(), ...act.data } };
    await this.note(begun, { outcome: 'begun' });
    try {
      return { begun, done: await work(begun) };
    } catch (error) {
      await this.#close(begun, { outcome: 'failed', code: Failure.from(error).code });
      throw error;
    }
  }

  /**
   * What came of an act does not change by whether it can be written, so whoever asked hears that in any case; and since it cannot be
   * asked for again later, a database that is away for a moment is waited for.
   */
  async #close(act: BegunAct, outcome?: Outcome): Promise<void> {
    const { action, data } = act;
    for (const end = Date.now() + CLOSING_MS_MAX; ; await delay(CLOSING_PAUSE_MS)) {
      const fault = await this.note(act, outcome).then(
        () => undefined,
        (error: unknown) => ({ err: error, action, attempt: data.attempt }),
      );
      if (fault === undefined) return;
      if (Date.now() >= end) return this.log.error(fault, 'what came of an act is not on record');
      this.log.warn(fault, 'what came of an act is not on record yet');
    }
  }
}
