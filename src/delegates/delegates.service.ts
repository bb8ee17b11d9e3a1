// Listens to delegates: compares contract versions at their hello, and remembers who is alive.
import { Injectable } from '@nestjs/common';
import type { Presence, Welcome } from '../contract/presence.js';
import { contractVersion } from '../contract/version.js';
import { Log } from '../kernel/log.js';
import { PresenceReceiver } from '../queue/presence-queue.js';
import { Backend } from '../queue/queue.module.js';
import { DelegatesRepository } from './delegates.repository.js';

/** Many tasks ask at once; one look at the database serves them all for this long. */
const FRESH_MS = 500;

@Injectable()
export class DelegatesService {
  readonly #served = new Map<string, { answer: Promise<boolean>; until: number }>();
  #receiver: PresenceReceiver | undefined;

  constructor(
    private readonly backend: Backend,
    private readonly delegates: DelegatesRepository,
    private readonly log: Log,
  ) {}

  /** Begins to listen. `deployment` is told to every delegate that is welcome. */
  listen(deployment: string): void {
    this.#receiver = new PresenceReceiver(
      this.backend,
      (presence) => this.#receive(presence, deployment),
      (error) => this.log.debug({ err: error }, 'presence queue'),
    );
    void this.delegates
      .forgetLongGone()
      .catch((error: unknown) => this.log.warn({ err: error }, 'forgetting delegates'));
  }

  async stop(): Promise<void> {
    await this.#receiver?.close();
  }

  /** Whether a delegate of the group is alive; at most half a second old. */
  async isServed(group: string): Promise<boolean> {
    const known = this.#served.get(group);
    if (known !== undefined && known.until > Date.now()) return known.answer;
    const answer = this.delegates.isServed(group);
    this.#served.set(group, { answer, until: Date.now() + FRESH_MS });
    answer.catch(() => this.#served.delete(group));
    return answer;
  }

  async #receive(presence: Presence, deployment: string): Promise<Welcome> {
    if (presence.contract !== contractVersion) {
      this.log.warn(
        { delegate: presence.name, contract: presence.contract },
        'delegate speaks another contract',
      );
      return { accepted: false, contract: contractVersion };
    }
    await this.delegates.heard(presence);
    this.#served.delete(presence.group);
    if (presence.said !== 'heartbeat')
      this.log.info({ delegate: presence.name, group: presence.group }, presence.said);
    return { accepted: true, contract: contractVersion, deployment };
  }
}
