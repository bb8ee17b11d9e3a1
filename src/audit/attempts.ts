// Attempts that came to nothing. The first one of an actor at an action is put on record at once; what follows within a minute is
// counted, and put on record in one entry when the minute is over. So whoever is refused again and again, by mistake or by intent,
// adds two entries a minute for each action that there is, and whoever is unknown adds none.
import { Injectable } from '@nestjs/common';
import { Log } from '../kernel/log.js';
import { Storage } from '../storage/database.js';
import type { Actor } from './acting.js';
import { recordAs, trailOf } from './record.js';

export interface Attempt {
  actor: Actor;
  action: string;
  /** Within the account that the actor is of. */
  scope: string;
  target: string;
  outcome: 'refused' | 'denied';
  code: string;
}

interface Window {
  last: Attempt;
  until: number;
  /** By code, those that are not on record yet. */
  more: Map<string, number>;
}

const WINDOW_MS = 60_000;
const LOOK_MS = 5_000;
/** Beyond so many, the oldest is closed before its time. */
const WINDOWS_MAX = 10_000;

@Injectable()
export class Attempts {
  readonly #windows = new Map<string, Window>();
  #timer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    private readonly storage: Storage,
    private readonly log: Log,
  ) {}

  start(): void {
    this.#timer = setInterval(() => void this.#look(Date.now()), LOOK_MS);
  }

  /** What was counted is put on record. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#closing;
    await this.#look(Number.POSITIVE_INFINITY);
  }

  /** It is refused whether it can be put on record or not. */
  async note(attempt: Attempt): Promise<void> {
    const { actor, action, scope, outcome, code } = attempt;
    const key = JSON.stringify([trailOf(scope), actor.kind, actor.id, action, outcome]);
    const known = this.#windows.get(key);
    if (known !== undefined && known.until > Date.now()) {
      known.more.set(code, (known.more.get(code) ?? 0) + 1);
      known.last = attempt;
      return;
    }
    if (known !== undefined) await this.#close(key, known);
    this.#windows.set(key, { last: attempt, until: Date.now() + WINDOW_MS, more: new Map() });
    await this.#write(attempt, undefined);
    const [oldest] = this.#windows;
    if (this.#windows.size > WINDOWS_MAX && oldest !== undefined) await this.#close(...oldest);
  }

  /** A slow database must not see one look pile up on another. */
  async #look(now: number): Promise<void> {
    this.#closing ??= this.#closeUntil(now).finally(() => {
      this.#closing = undefined;
    });
    await this.#closing;
  }

  async #closeUntil(now: number): Promise<void> {
    for (const [key, window] of [...this.#windows]) if (window.until <= now) await this.#close(key, window);
  }

  async #close(key: string, window: Window): Promise<void> {
    if (this.#windows.get(key) !== window) return;
    this.#windows.delete(key);
    if (window.more.size === 0) return;
    await this.#write(window.last, Object.fromEntries(window.more));
  }

  async #write(
    { actor, action, scope, target, outcome, code }: Attempt,
    more: object | undefined,
  ): Promise<void> {
    const data = more === undefined ? {} : { data: { repeated: more } };
    await this.storage
      .transact(async (tx) => recordAs(tx, actor, { action, scope, target, ...data }, { outcome, code }))
      .catch((error: unknown) => this.log.error({ err: error, action, code }, 'an attempt is not on record'));
  }
}
