// Brings events to whoever follows them. One look at the table serves all streams of this manager; a stream reads for itself only
// until it has caught up. One that is slower than what happens is left behind with nothing kept for it, and catches up again.
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Failure } from '../kernel/failure.js';
import { Log } from '../kernel/log.js';
import type { Scope } from '../scopes/scope.js';
import type { StoredEvent } from './event.js';
import { type EventPage, EventsRepository } from './events.repository.js';
import { comparePositions, type Position } from './position.js';

/** How often events are looked for while somebody follows them. */
const LOOK_MS = 250;
const PAGE = 500;
/** Events that wait for one follower; with more it is left behind. */
const WAITING_MAX = 1_000;
/** Streams of all accounts. */
const STREAMS_MAX = 1_000;
const FAULT_PAUSE_MS = 500;

/** What has happened since the batch before. */
export interface Batch {
  events: StoredEvent[];
  /** Everything up to here was given. */
  reached: Position;
}

@Injectable()
export class EventFeed {
  readonly #followers = new Set<Follower>();
  /** By account. */
  readonly #streams = new Map<Scope, number>();
  #total = 0;
  /** How far the followers have been served; unknown while there are none. */
  #reached: Position | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  readonly #stopping = new AbortController();

  constructor(
    private readonly config: Config,
    private readonly events: EventsRepository,
    private readonly log: Log,
  ) {}

  start(): void {
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
  }

  /** Ends all streams. */
  stop(): void {
    clearInterval(this.#timer);
    this.#stopping.abort();
  }

  /** A place for a stream; whoever has it gives it back once. @throws EVENT_STREAMS_FULL */
  admit(account: Scope): () => void {
    const open = this.#streams.get(account) ?? 0;
    const max = this.config.SALLYPORT_EVENT_STREAMS_MAX;
    if (open >= max) throw new Failure('EVENT_STREAMS_FULL', { max, whose: account });
    if (this.#total >= STREAMS_MAX)
      throw new Failure('EVENT_STREAMS_FULL', { max: STREAMS_MAX, whose: 'all accounts' });
    this.#streams.set(account, open + 1);
    this.#total += 1;
    return () => {
      this.#total -= 1;
      const left = (this.#streams.get(account) ?? 1) - 1;
      if (left === 0) this.#streams.delete(account);
      else this.#streams.set(account, left);
    };
  }

  /**
   * All events of the account after `from`, in order, each once; every so often a batch without any. A database that is away is
   * waited for.
   * @throws EVENTS_GONE
   */
  async *follow(account: Scope, from: Position, options: FollowOptions): AsyncGenerator<Batch> {
    const signal = AbortSignal.any([options.signal, this.#stopping.signal]);
    let at = from;
    while (!signal.aborted) {
      const page = await this.#read(account, at, signal);
      if (page === undefined) continue;
      at = page.reached;
      yield page;
      const follower = page.isFull ? undefined : this.#join(account, at);
      if (follower === undefined) continue;
      try {
        for (;;) {
          const batch = await follower.next(options.idleMs, signal);
          if (batch === undefined) break;
          at = batch.reached;
          yield batch;
        }
      } finally {
        this.#followers.delete(follower);
      }
    }
  }

  async #read(account: Scope, at: Position, signal: AbortSignal): Promise<EventPage | undefined> {
    try {
      return await this.events.read(account, at, PAGE);
    } catch (error) {
      if (error instanceof Failure) throw error;
      this.log.debug({ err: error }, 'reading events');
      await delay(FAULT_PAUSE_MS, undefined, { signal }).catch(() => undefined);
      return undefined;
    }
  }

  /** Undefined where the others are further on by now. */
  #join(account: Scope, at: Position): Follower | undefined {
    if (this.#reached !== undefined && comparePositions(at, this.#reached) < 0) return undefined;
    this.#reached ??= at;
    const follower = new Follower(account, at);
    this.#followers.add(follower);
    return follower;
  }

  /** A slow database must not see one look pile up on another. */
  async #look(): Promise<void> {
    if (this.#isLooking) return;
    if (this.#followers.size === 0) this.#reached = undefined;
    if (this.#reached === undefined) return;
    this.#isLooking = true;
    try {
      let isFull = true;
      while (isFull) {
        const page: EventPage = await this.events.read(null, this.#reached, PAGE);
        ({ isFull } = page);
        this.#reached = page.reached;
        for (const follower of this.#followers) if (!follower.take(page)) this.#followers.delete(follower);
      }
    } catch (error) {
      this.log.debug({ err: error }, 'looking for events');
      // Whoever follows reads for itself until the table can be read again.
      if (error instanceof Failure) this.#forgetAll();
    } finally {
      this.#isLooking = false;
    }
  }

  #forgetAll(): void {
    for (const follower of this.#followers) follower.leaveBehind();
    this.#followers.clear();
    this.#reached = undefined;
  }
}

export interface FollowOptions {
  /** Ends it. */
  signal: AbortSignal;
  /** How long nothing is said where nothing happens. */
  idleMs: number;
}

/** One stream that has caught up. */
class Follower {
  #waiting: StoredEvent[] = [];
  #isBehind = false;
  #wake: () => void = () => undefined;

  constructor(
    readonly account: Scope,
    private reached: Position,
  ) {}

  /** False where more would wait than may. */
  take({ events, reached }: Batch): boolean {
    const own = events.filter(
      ({ account, position }) => account === this.account && comparePositions(position, this.reached) > 0,
    );
    if (this.#waiting.length + own.length > WAITING_MAX) {
      this.leaveBehind();
      return false;
    }
    this.#waiting.push(...own);
    if (comparePositions(reached, this.reached) > 0) this.reached = reached;
    if (own.length > 0) this.#wake();
    return true;
  }

  leaveBehind(): void {
    this.#isBehind = true;
    this.#wake();
  }

  /** What waits, as soon as something does, or nothing after so long; undefined where it is over or left behind. */
  async next(idleMs: number, signal: AbortSignal): Promise<Batch | undefined> {
    if (this.#waiting.length === 0 && !this.#isBehind && !signal.aborted) await this.#wait(idleMs, signal);
    if (signal.aborted || (this.#isBehind && this.#waiting.length === 0)) return undefined;
    const batch = { events: this.#waiting, reached: this.reached };
    this.#waiting = [];
    return batch;
  }

  #wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#wake = () => undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
      this.#wake = done;
    });
  }
}
