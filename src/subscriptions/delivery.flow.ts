// Brings events to the receivers of subscriptions: each subscription by one manager at a time, in order, at least once. A receiver
// that is slow or broken holds up its own subscription and nothing else.
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { OWN_ACCORD } from '../contract/audit.js';
import { isWanted, type StoredEvent } from '../events/event.js';
import { EventsRepository } from '../events/events.repository.js';
import { type Position, toEventCursor } from '../events/position.js';
import { inSpan } from '../kernel/concern.js';
import { secondsSince, tell } from '../kernel/facts.js';
import { Failure } from '../kernel/failure.js';
import { Log } from '../kernel/log.js';
import { step } from '../kernel/step.js';
import type { Scope } from '../scopes/scope.js';
import { EventSender, type SigningKeys } from './event-sender.js';
import { type Claim, SubscriptionsRepository } from './subscriptions.repository.js';
import { SubscriptionsService } from './subscriptions.service.js';
import { describeOutcome, judge } from './verdict.js';

const LOOK_MS = 500;
const FORGET_MS = 60_000;
/** Subscriptions that one manager delivers at the same time, and those of one account among them. */
const RUNNING_MAX = 32;
const ACCOUNT_MAX = 8;
/** Of one look at the table. */
const CLAIM_MAX = 4;
const PAGE = 100;
/** After so long another subscription has its turn. */
const TURN_MS = 10_000;
/** How long what is being sent may go on when the manager stops. */
const GRACE_MS = 2_000;

@Injectable()
export class DeliveryFlow {
  readonly #running = new Map<Claim, Promise<void>>();
  readonly #timers: NodeJS.Timeout[] = [];
  #looking: Promise<void> | undefined;
  #isStopping = false;
  readonly #cutOff = new AbortController();

  constructor(
    private readonly config: Config,
    private readonly events: EventsRepository,
    private readonly subscriptions: SubscriptionsRepository,
    private readonly service: SubscriptionsService,
    private readonly sender: EventSender,
    private readonly log: Log,
  ) {}

  start(): void {
    const say = (what: string) => (error: unknown) => this.log.debug({ err: error }, what);
    const renew = (): Promise<void> => this.subscriptions.renew([...this.#running.keys()], this.#leaseMs);
    this.#timers.push(
      setInterval(() => void this.#look(), LOOK_MS),
      setInterval(() => void renew().catch(say('renewing subscriptions')), this.#leaseMs / 3),
      setInterval(() => void this.service.forgetPrevious().catch(say('forgetting secrets')), FORGET_MS),
    );
  }

  /** What is not delivered by then, somebody else delivers. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#looking;
    const timer = setTimeout(() => this.#cutOff.abort(), GRACE_MS);
    await Promise.all(this.#running.values());
    clearTimeout(timer);
    for (const one of this.#timers) clearInterval(one);
  }

  get #leaseMs(): number {
    return this.config.SALLYPORT_LEASE_SECONDS * 1_000;
  }

  /** A slow database must not see one look pile up on another. */
  async #look(): Promise<void> {
    if (this.#isStopping) return;
    this.#looking ??= this.#begin()
      .catch((error: unknown) => this.log.debug({ err: error }, 'looking for subscriptions'))
      .finally(() => {
        this.#looking = undefined;
      });
    await this.#looking;
  }

  async #begin(): Promise<void> {
    for (let isMore = true; isMore && !this.#isStopping; ) {
      const limit = Math.min(CLAIM_MAX, RUNNING_MAX - this.#running.size);
      if (limit <= 0) return;
      const without = this.#busyAccounts();
      const claims = await this.subscriptions.claim({ leaseMs: this.#leaseMs, limit, without });
      for (const claim of claims) {
        const run = this.#deliver(claim);
        this.#running.set(claim, run);
        void run.then(() => this.#running.delete(claim));
      }
      isMore = claims.length === limit;
    }
  }

  #busyAccounts(): Scope[] {
    const counts = new Map<Scope, number>();
    for (const { account } of this.#running.keys()) counts.set(account, (counts.get(account) ?? 0) + 1);
    return [...counts].filter(([, count]) => count >= ACCOUNT_MAX).map(([account]) => account);
  }

  /** One turn of a subscription. Never fails: what cannot be done now is found by the next look. */
  async #deliver(claim: Claim): Promise<void> {
    const keys = this.sender.keysOf(claim, OWN_ACCORD);
    try {
      await this.#deliverPages(claim, keys);
    } catch (error) {
      this.log.debug({ err: error, subscription: claim.id, scope: claim.scope }, 'delivering events');
    } finally {
      keys.close();
      await this.subscriptions
        .release(claim)
        .catch((error: unknown) => this.log.debug({ err: error }, 'releasing a subscription'));
    }
  }

  async #deliverPages(claim: Claim, keys: SigningKeys): Promise<void> {
    const end = Date.now() + TURN_MS;
    for (let at = claim.position; Date.now() < end; ) {
      const page = await this.events
        .read(claim.account, at, PAGE)
        .catch((error: unknown) => this.#lose(claim, error));
      if (page === undefined) return;
      let passed: Position | undefined;
      for (const event of page.events) {
        if (this.#isStopping || Date.now() >= end) return;
        if (isWanted(event, filterOf(claim))) {
          if (!(await this.#send(claim, event, keys))) return;
          passed = undefined;
        } else passed = event.position;
      }
      if (passed !== undefined && !(await this.subscriptions.passed(claim, passed))) return;
      at = page.events.at(-1)?.position ?? at;
      if (!page.isFull) return;
    }
  }

  /** What was not delivered is not kept any more: its users have to know. */
  async #lose(claim: Claim, error: unknown): Promise<undefined> {
    if (!(error instanceof Failure) || error.code !== 'EVENTS_GONE') throw error;
    const what = `events after ${toEventCursor(claim.position)} are no longer kept: replay what is`;
    const verdict = { kind: 'pause' as const, error: `${error.code}: ${what}` };
    await this.subscriptions.failed(claim, { verdict, attempt: null });
  }

  /** Whether the next event may follow. */
  async #send(claim: Claim, event: StoredEvent, keys: SigningKeys): Promise<boolean> {
    const began = performance.now();
    const outcome = await inSpan({ name: 'event.delivery', kind: 'producer', parent: null }, () =>
      step('events.deliver', () => this.sender.send(claim, event, { keys, signal: this.#cutOff.signal })),
    );
    if (this.#cutOff.signal.aborted) return false;
    const retryMsMax = this.config.SALLYPORT_SUBSCRIPTIONS_RETRY_SECONDS * 1_000;
    const verdict = judge(outcome, { ...claim, retryMsMax }, Math.random());
    tell('event.delivery', { outcome: verdict.kind, seconds: secondsSince(began) });
    const isDelivered = verdict.kind === 'delivered';
    const attempt = {
      event,
      ms: Math.round(performance.now() - began),
      status: outcome.status,
      error: isDelivered ? null : describeOutcome(outcome),
    };
    if (!isDelivered) {
      await this.subscriptions.failed(claim, { verdict, attempt });
      return false;
    }
    // What failed before has nothing to do with what comes next.
    claim.failures = 0;
    claim.failingMs = 0;
    return this.subscriptions.delivered(claim, { event, attempt });
  }
}

const filterOf = ({ scope, types, kinds, branches }: Claim) => ({
  scope,
  types,
  kinds: kinds ?? undefined,
  branches: branches ?? undefined,
});
