// Puts on record what changes nothing in the database, or changes it elsewhere, and what an other one's statement changes.
import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Failure } from '../kernel/failure.js';
import { Log } from '../kernel/log.js';
import { Storage } from '../storage/database.js';
import { type Act, type Outcome, record } from './record.js';

/** An act that has begun; both entries of it have the same `attempt`. */
export type BegunAct = Act & { data: { attempt: string } };

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
   * `tell` says of it. A begun act that nothing follows was cut off: its effect may be there.
   * @throws AUDIT_UNWRITABLE, DATABASE_UNAVAILABLE
   */
  async outside<T>(act: Act, work: () => Promise<T>, tell: (done: T) => object): Promise<T> {
    const { begun, done } = await this.#attempt(act, work);
    await this.note({ ...begun, data: { ...begun.data, ...tell(done) } });
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
      const { code } = Failure.from(error);
      await this.note(begun, { outcome: 'failed', code }).catch((fault: unknown) =>
        this.log.error({ err: fault, action: act.action, code }, 'that an act failed is not on record'),
      );
      throw error;
    }
  }
}
