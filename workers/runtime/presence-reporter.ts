// Says that this delegate is there, sealed to the manager and signed.
import { randomUUID } from 'node:crypto';
import {
  type Presence,
  type PresenceClaims,
  presenceInfo,
  Welcome,
  WelcomeClaims,
  welcomeInfo,
} from '../../src/contract/presence.js';
import type { Log } from '../../src/kernel/log.js';
import type { QueueBackend } from '../../src/queue/backend.js';
import { PresenceSender } from '../../src/queue/presence-queue.js';
import { Opener, Sealer } from '../../src/sealing/hpke.js';
import type { Identity } from '../../src/sealing/identity.js';
import { openMessage, type SealedMessage, sealMessage } from '../../src/sealing/sealed-message.js';
import type { EnrolmentFile, IdentityFile } from './delegate-files.js';

interface Author {
  enrolment: EnrolmentFile;
  keys: IdentityFile;
  identity: Identity;
}

export class PresenceReporter {
  readonly #sender: PresenceSender;
  readonly #sealer: Sealer;
  readonly #opener: Opener;
  /** Id of this process, new with every start. */
  readonly process = randomUUID();

  constructor(
    backend: QueueBackend,
    private readonly author: Author,
    private readonly log: Log,
    private readonly describe: () => Presence,
  ) {
    const { deployment, delegate, group, manager } = author.enrolment;
    this.#sender = new PresenceSender(backend, group.id, (error) =>
      log.debug({ err: error }, 'presence queue'),
    );
    this.#sealer = new Sealer(manager.sealingKey, presenceInfo(deployment));
    this.#opener = new Opener(author.keys.sealing, welcomeInfo(delegate));
  }

  /** Waits for the manager's answer. `wantsGroupKeys` as in the contract. */
  async hello(wantsGroupKeys: string | null, signal: AbortSignal): Promise<Welcome> {
    const { deployment, delegate, group, manager } = this.author.enrolment;
    for (;;) {
      const message = (): Promise<SealedMessage> =>
        this.#seal('hello', { ...this.describe(), wantsGroupKeys });
      const answer = await this.#sender.hello(delegate, message, signal);
      try {
        const { payload } = await openMessage(answer, {
          purpose: 'welcome',
          claims: WelcomeClaims,
          authorKey: manager.identityKey,
          check: (claims) =>
            claims.deployment === deployment &&
            claims.delegate === delegate &&
            claims.process === this.process
              ? undefined
              : 'it is for somebody else',
          opener: this.#opener,
        });
        return Welcome.parse(payload);
      } catch (error) {
        this.log.warn({ audit: true, delegate, group: group.name, err: error }, 'welcome refused');
      }
    }
  }

  async say(said: PresenceClaims['said']): Promise<void> {
    const { delegate } = this.author.enrolment;
    try {
      await this.#sender.say(said, delegate, await this.#seal(said, this.describe()));
    } catch (error) {
      this.log.debug({ err: error }, said);
    }
  }

  /** Answers when the queue does; rejects otherwise. */
  async ping(): Promise<void> {
    await this.#sender.ping();
  }

  async close(): Promise<void> {
    await this.#sender.close();
  }

  #seal(said: PresenceClaims['said'], presence: Presence): Promise<SealedMessage> {
    const { deployment, delegate, group } = this.author.enrolment;
    const claims = {
      deployment,
      group: group.id,
      delegate,
      said,
      process: this.process,
      saidAt: Date.now(),
    };
    const author = this.author.identity;
    return sealMessage(presence, claims, { purpose: 'presence', sealer: this.#sealer, author });
  }
}
