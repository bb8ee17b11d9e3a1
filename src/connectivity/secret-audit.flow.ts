// Brings the delegates' own records of the secrets they opened into the database: soon after a task that may have opened one,
// once in a while from every delegate, and when somebody asks. What is not fetched stays with the delegate, so nothing is lost
// when an answer is; what is fetched twice is put on record once.
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { contractOldest } from '../contract/version.js';
import type { DelegateRecord } from '../delegates/delegates.repository.js';
import { DelegatesService } from '../delegates/delegates.service.js';
import { Dispatcher } from '../delegates/dispatcher.js';
import { Log } from '../kernel/log.js';
import { areNested, type Scope } from '../scopes/scope.js';
import { SecretAuditRepository } from '../secrets/secret-audit.repository.js';

const LOOK_MS = 1_000;
/** One of the managers asks every delegate that often, for what others did not come to fetch. */
const ROUND_MS = 30_000;
/** How long somebody who asks waits for delegates. */
const WAIT_MS = 2_000;
const RECORDS_MAX = 200;
/** Records that are fetched in one go, before somebody else has a turn. */
const PAGES_MAX = 50;

/** A delegate that may have records which are not fetched. */
export interface Behind {
  delegate: DelegateRecord;
  /** When it last had no more than was fetched. */
  fetchedAt: Date | null;
}

@Injectable()
export class SecretAuditFlow {
  #timer: NodeJS.Timeout | undefined;
  /** Delegates that may have opened a secret for this manager since. */
  readonly #due = new Set<string>();
  /** By delegate. */
  readonly #fetching = new Map<string, Promise<boolean>>();
  #looking: Promise<void> | undefined;

  constructor(
    private readonly delegates: DelegatesService,
    private readonly dispatcher: Dispatcher,
    private readonly audit: SecretAuditRepository,
    private readonly log: Log,
  ) {}

  start(): void {
    this.dispatcher.tellServed((delegate) => this.#due.add(delegate));
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
    await Promise.all(this.#fetching.values());
  }

  /** Fetches what there is about secrets of this scope and within, as far as it comes soon; answers whose records may be missing. */
  async refresh(scope: Scope): Promise<Behind[]> {
    const all = await this.delegates.inAccountOf(scope);
    const concerned = all.filter((one) => areNested(one.scope, scope) && keepsRecords(one));
    const stop = new AbortController();
    const late = delay(WAIT_MS, false, { signal: stop.signal }).catch(() => false);
    const known = await Promise.all(
      concerned.map(async (delegate) => {
        const isFresh = canBeAsked(delegate) && (await Promise.race([this.#fetch(delegate), late]));
        const { fetchedAt } = await this.audit.fetched(delegate.id);
        return { delegate, fetchedAt, isFresh };
      }),
    );
    stop.abort();
    return known
      .filter(({ isFresh }) => !isFresh)
      .map(({ delegate, fetchedAt }) => ({ delegate, fetchedAt }));
  }

  /** A slow database must not see one look pile up on another. */
  async #look(): Promise<void> {
    this.#looking ??= this.#fetchDue()
      .catch((error: unknown) => this.log.debug({ err: error }, 'look for records of opened secrets'))
      .finally(() => {
        this.#looking = undefined;
      });
    await this.#looking;
  }

  async #fetchDue(): Promise<void> {
    const all = await this.delegates.all();
    const askable = all.filter((one) => keepsRecords(one) && canBeAsked(one));
    for (const delegate of askable) if (this.#due.delete(delegate.id)) void this.#fetch(delegate);
    const idle = askable.filter(({ id }) => !this.#fetching.has(id)).map(({ id }) => id);
    const claimed = new Set(await this.audit.claim(idle, ROUND_MS));
    for (const delegate of askable) if (claimed.has(delegate.id)) void this.#fetch(delegate);
  }

  /** Whether all it has is fetched now. */
  #fetch(delegate: DelegateRecord): Promise<boolean> {
    const running = this.#fetching.get(delegate.id);
    if (running !== undefined) return running;
    const fetching = this.#fetchAll(delegate)
      .catch((error: unknown) => {
        this.log.debug({ err: error, delegate: delegate.id }, 'records of opened secrets not fetched');
        return false;
      })
      .finally(() => this.#fetching.delete(delegate.id));
    this.#fetching.set(delegate.id, fetching);
    return fetching;
  }

  async #fetchAll(delegate: DelegateRecord): Promise<boolean> {
    const { id, name, scope } = delegate;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const asked = await this.audit.fetched(id);
      const question = { log: asked.log, after: asked.sequence, max: RECORDS_MAX };
      const told = await this.dispatcher.ask(delegate, 'secrets.audit', question);
      const objection = await this.audit.take({ id, name, scope }, asked, told);
      if (objection !== undefined) this.delegates.noteForgery(id, objection);
      const reached = told.records.at(-1)?.sequence ?? told.latest;
      if (reached >= told.latest) return true;
    }
    return false;
  }
}

const keepsRecords = ({ contract, lastSeenAt }: DelegateRecord): boolean =>
  contract >= contractOldest && lastSeenAt !== null;

const canBeAsked = ({ state, alive, said }: DelegateRecord): boolean =>
  state === 'enabled' && alive && said === 'heartbeat';
