// Gets a task done by whichever delegate can do it now, as long as there is time: one that dies or goes away is followed by
// another.
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { Purpose } from '../contract/audit.js';
import { type TaskInput, type TaskName, type TaskOutput, tasks } from '../contract/tasks.js';
import { contractOldest, contractVersion } from '../contract/version.js';
import { inPart } from '../kernel/concern.js';
import { secondsSince, tell } from '../kernel/facts.js';
import { Failure, type WireFailure } from '../kernel/failure.js';
import { placeOf } from '../policy/git-patterns.js';
import { type SendOptions, type Standing, TaskQueue } from '../queue/task-queue.js';
import type { Scope } from '../scopes/scope.js';
import type { DelegateRecord } from './delegates.repository.js';
import { DelegatesService, type HandOver, type QueueWork } from './delegates.service.js';
import { ReachMemory } from './reach-memory.js';
import {
  type Candidate,
  explainNobody,
  explainWaiting,
  findAbsent,
  rank,
  type Verdict,
  type Wanted,
} from './selection.js';

/** The delegate that did a task. */
export type Doer = Pick<Candidate, 'id' | 'name' | 'group'>;

/** What a task asks of the delegate that takes it. */
export interface Errand {
  /** Of the connector, or of the secret manager whose credential goes with it. */
  scope: Scope;
  group: string | null;
  tags: readonly string[];
  /** Of the repository; null where none is part of it. */
  url: string | null;
  /** Id of the one group that can do it. */
  groupId?: string | undefined;
  /** Contract version that a delegate must at least speak. */
  since?: number | undefined;
  /** Id of the one delegate that may be asked: it may have done it already, and it alone knows what came of it. */
  only?: string | undefined;
  /** Told which delegate is asked, before it is. After one that was lost over the task nobody else is asked. */
  begin?: ((delegate: string) => Promise<void>) | undefined;
  /** Told who has done it. */
  done?: ((delegate: Doer) => void) | undefined;
  /** Why it is run, for the delegate's records. */
  purpose?: Purpose | undefined;
}

/** So many delegates may be lost over a task before it counts as one that kills them. */
const LOST_MAX = 5;
const PAUSE_MS = 250;
const HAND_OVER_MS = 5_000;
const ASK_MS = 10_000;
/** Another delegate may be able to do what failed for one of these reasons. */
const elsewhere = new Set([
  'GIT_UNREACHABLE',
  'GIT_ADDRESS_DENIED',
  'HOST_API_UNREACHABLE',
  'SECRET_UNREADABLE',
  'SECRET_MANAGER_UNAVAILABLE',
  'SECRET_AUDIT_UNWRITABLE',
  'DELEGATE_POLICY_REFUSED',
  'TASK_REFUSED',
]);

@Injectable()
export class Dispatcher implements QueueWork {
  readonly #reach = new ReachMemory();
  /** Tasks of this manager that a delegate has. */
  readonly #busy = new Map<string, number>();
  #onServed: (delegate: string) => void = () => undefined;

  constructor(
    private readonly queue: TaskQueue,
    private readonly delegates: DelegatesService,
  ) {}

  /** Every delegate of the account, judged for this errand, the one that would be chosen first. */
  async explain(errand: Errand): Promise<Verdict[]> {
    return rank(await this.#candidates(errand), wantedFor(errand));
  }

  /** The delegate that would be asked now. @throws DELEGATE_UNAVAILABLE */
  async choose(errand: Errand): Promise<DelegateRecord> {
    const verdicts = await this.explain(errand);
    const chosen = verdicts.find(({ eligible }) => eligible);
    const delegate = chosen === undefined ? undefined : await this.delegates.find(chosen.delegate.id);
    if (delegate !== undefined) return delegate;
    throw new Failure('DELEGATE_UNAVAILABLE', { reason: explainNobody(verdicts, wantedFor(errand)) });
  }

  /** Tells of every delegate that has answered a task with a purpose: it may have opened a secret. */
  tellServed(listener: (delegate: string) => void): void {
    this.#onServed = listener;
  }

  /**
   * @throws the delegate's own Failure. DELEGATE_UNAVAILABLE, QUEUE_UNAVAILABLE: it was not begun and never will be.
   * DELEGATE_SILENT, TASK_OUTCOME_UNKNOWN, TASK_POISONED: it may have been done, or may still be.
   */
  async run<N extends TaskName>(
    errand: Errand,
    name: N,
    input: TaskInput<N>,
    timeoutMs: number,
  ): Promise<TaskOutput<N>> {
    const attempt = new Attempt(timeoutMs);
    for (;;) {
      const verdicts = await this.explain(errand);
      const chosen = verdicts.find(({ eligible, delegate }) => eligible && !attempt.refused.has(delegate.id));
      if (chosen === undefined || (errand.begin !== undefined && attempt.lost > 0))
        throw attempt.giveUp(verdicts, errand);
      await errand.begin?.(chosen.delegate.id);
      const answered = await this.#ask(errand, chosen.delegate.id, name, input, attempt).catch(
        (error: unknown) => {
          throw attempt.describe(Failure.from(error), chosen.delegate.group);
        },
      );
      if (answered === undefined) {
        if (attempt.isOver) throw attempt.late(chosen.delegate.group);
        await delay(attempt.lost === 0 ? 0 : PAUSE_MS);
        continue;
      }
      // What a host’s API answers says nothing of its Git.
      const host = name.startsWith('host.') ? '' : hostOf(errand);
      if (answered.ok) {
        this.#reach.note(chosen.delegate.id, host, true, '');
        errand.done?.(chosen.delegate);
        return tasks[name].output.parse(answered.output) as TaskOutput<N>;
      }
      const failure = Failure.fromWire(answered.failure as WireFailure);
      if (failure.code === 'GIT_UNREACHABLE')
        this.#reach.note(chosen.delegate.id, host, false, failure.message);
      if (!attempt.goesOnAfter(failure, chosen.delegate.id))
        throw attempt.describe(failure, chosen.delegate.group);
    }
  }

  /** Has another delegate of the group hand over its keys to a newcomer; null when there is none that could now. */
  readonly handOver: HandOver = async (newcomer, signature) => {
    const { id, identityKey, sealingKey, groupId, scope } = newcomer;
    const fellows = (await this.delegates.inAccountOf(scope)).filter(
      (one) =>
        one.groupId === groupId &&
        one.id !== id &&
        one.alive &&
        one.said !== 'hello' &&
        one.state === 'enabled' &&
        one.contract >= contractOldest &&
        one.hasGroupKeys,
    );
    const input = { delegate: id, identityKey, sealingKey, signature, contract: newcomer.contract };
    const attempt = new Attempt(HAND_OVER_MS);
    for (const fellow of fellows) {
      if (attempt.isOver) break;
      const answer = await this.#ask(undefined, fellow.id, 'group.handOver', input, attempt).catch(
        () => undefined,
      );
      if (answer?.ok === true) return tasks['group.handOver'].output.parse(answer.output);
    }
    return null;
  };

  /** Asks this very delegate. @throws the delegate's own Failure; DELEGATE_UNAVAILABLE, DELEGATE_SILENT, QUEUE_UNAVAILABLE, TASK_OUTCOME_UNKNOWN */
  async ask<N extends TaskName>(
    { id, group }: Pick<DelegateRecord, 'id' | 'group'>,
    name: N,
    input: TaskInput<N>,
  ): Promise<TaskOutput<N>> {
    const attempt = new Attempt(ASK_MS);
    const answer = await this.#ask(undefined, id, name, input, attempt);
    if (answer === undefined) throw attempt.lost === 0 ? attempt.untouched(group) : attempt.late(group);
    if (!answer.ok) throw Failure.fromWire(answer.failure as WireFailure);
    return tasks[name].output.parse(answer.output) as TaskOutput<N>;
  }

  readonly removeQueues = (gone: readonly DelegateRecord[]): Promise<void> =>
    this.queue.remove(gone.map(addressOf));

  async #ask<N extends TaskName>(
    errand: Errand | undefined,
    id: string,
    name: N,
    input: TaskInput<N>,
    attempt: Attempt,
  ) {
    const delegate = await this.delegates.find(id);
    if (delegate === undefined) return undefined;
    this.#busy.set(id, (this.#busy.get(id) ?? 0) + 1);
    let begunBy: string | null | undefined;
    const began = performance.now();
    let code = 'unanswered';
    try {
      const standing: SendOptions['standing'] = async (begun): Promise<Standing> => {
        const now = await this.delegates.find(id);
        // One that does not say which process it is was the one that is there when the task is first seen begun.
        if (begun.isBegun) begunBy = begun.begunBy ?? begunBy ?? now?.process ?? null;
        // Another process of the same delegate has begun meanwhile: the one that had the task is no more.
        const isAnother = begunBy !== undefined && now?.process !== begunBy;
        const stands = await this.#standing(errand, delegate, now);
        return isAnother && stands !== 'gone' ? 'silent' : stands;
      };
      const options = {
        contract: Math.min(contractVersion, delegate.contract),
        expiresAt: attempt.endsAt,
        purpose: errand?.purpose,
        standing,
      };
      const span = {
        name: `send ${name}`,
        kind: 'producer' as const,
        attributes: { 'sallyport.delegate': id },
      };
      const sent = await inPart(span, () => this.queue.send(addressOf(delegate), name, input, options));
      if (sent.outcome === 'untouched') return undefined;
      if (sent.outcome === 'answered') {
        attempt.wasQueueAway = sent.wasQueueAway === true;
        code = sent.answer.ok ? 'OK' : sent.answer.failure.code;
        return sent.answer;
      }
      if (sent.isFinal)
        throw new Failure('TASK_OUTCOME_UNKNOWN', { group: delegate.group, reason: sent.reason });
      attempt.lose(sent.reason, sent.isDead);
      return undefined;
    } finally {
      tell('delegate.task', { group: delegate.group, task: name, code, seconds: secondsSince(began) });
      if (errand?.purpose !== undefined) this.#onServed(id);
      const left = (this.#busy.get(id) ?? 1) - 1;
      if (left > 0) this.#busy.set(id, left);
      else this.#busy.delete(id);
    }
  }

  async #standing(
    errand: Errand | undefined,
    { id, tasksMax }: DelegateRecord,
    now: DelegateRecord | undefined,
  ): Promise<Standing> {
    if (now === undefined || now.state === 'revoked' || now.said === 'goodbye') return 'gone';
    if (!now.alive) return 'silent';
    if (now.state !== 'enabled' || now.said === 'draining') return 'finishing';
    const isFull = (this.#busy.get(id) ?? 0) > tasksMax;
    return isFull && errand !== undefined && (await this.#hasFreer(errand)) ? 'finishing' : 'serving';
  }

  /** Whether a delegate could begin the errand at once: what waits with another one is taken back for it. */
  async #hasFreer(errand: Errand): Promise<boolean> {
    const [first] = await this.explain(errand);
    return first?.eligible === true && first.reasons.length === 0;
  }

  async #candidates(errand: Errand): Promise<Candidate[]> {
    const host = hostOf(errand);
    const known = await this.delegates.inAccountOf(errand.scope);
    return known.map((delegate) => ({
      ...delegate,
      silentMs: Date.now() - (delegate.lastSeenAt ?? delegate.enrolledAt).getTime(),
      busy: Math.max(this.#busy.get(delegate.id) ?? 0, delegate.running),
      nativeGit: delegate.capabilities.nativeGit,
      gitAllowed: delegate.capabilities.gitAllowed,
      reach: this.#reach.of(delegate.id, host),
    }));
  }
}

/** What is remembered of reaching it; the empty name where no host is part of the errand. */
const hostOf = ({ url }: Errand): string => (url === null ? '' : placeOf(url).host);

const wantedFor = ({ scope, group, groupId, only, tags, url, since = contractOldest }: Errand): Wanted => ({
  scope,
  group,
  groupId,
  only,
  tags,
  url,
  contract: { oldest: Math.max(since, contractOldest), latest: contractVersion },
});

/** A task is sealed to the delegate itself: nobody else of its group opens it, and the group's keys may change meanwhile. */
const addressOf = (delegate: DelegateRecord) => ({
  delegate: delegate.id,
  group: delegate.groupId,
  sealingKey: delegate.sealingKey,
  identityKey: delegate.identityKey,
});

/** What has become of a task so far. */
class Attempt {
  readonly endsAt: number;
  /** Delegates that have said that they cannot do it. */
  readonly refused = new Set<string>();
  lost = 0;
  /** While the delegate that answered last had it. */
  wasQueueAway = false;
  /** Delegates that died over it. */
  #deaths = 0;
  #reason = '';
  #failure: Failure | undefined;

  constructor(private readonly timeoutMs: number) {
    this.endsAt = Date.now() + timeoutMs;
  }

  get isOver(): boolean {
    return Date.now() >= this.endsAt || this.#deaths >= LOST_MAX;
  }

  lose(reason: string, isDeath: boolean): void {
    this.lost += 1;
    if (isDeath) this.#deaths += 1;
    this.#reason = reason;
  }

  /** Whether another delegate is asked after this failure of one. */
  goesOnAfter(failure: Failure, delegate: string): boolean {
    if (this.isOver) return false;
    if (failure.code === 'TASK_OUTCOME_UNKNOWN') {
      this.lose(failure.message, !this.wasQueueAway);
      return !this.isOver;
    }
    if (!elsewhere.has(failure.code)) return false;
    this.refused.add(delegate);
    // Of several, one that passes says more about what comes of it.
    if (this.#failure === undefined || this.#failure.disposition === 'stop') this.#failure = failure;
    return true;
  }

  /**
   * Where an earlier delegate was lost over the task, it may have done it: then no failure says that it was not done. How many
   * went away is told with it, for whoever tries the same again.
   */
  describe(failure: Failure, group: string): Failure {
    if (this.#deaths >= LOST_MAX)
      return new Failure('TASK_POISONED', { lost: this.#deaths, reason: this.#reason }) as Failure;
    if (this.lost === 0) return failure;
    const reason = `an earlier delegate took it and did not answer (${this.#reason}); this one met: ${failure.message}`;
    return new Failure(
      'TASK_OUTCOME_UNKNOWN',
      { group, reason, lost: this.#deaths },
      { cause: failure },
    ) as Failure;
  }

  /**
   * Nobody is left to ask. What one delegate may not do ends a task at once only where no other could do it once it is there
   * again.
   */
  giveUp(verdicts: readonly Verdict[], errand: Errand): Failure {
    const failure = this.#failure;
    if (failure === undefined) return this.#unavailable(explainNobody(verdicts, wantedFor(errand)), errand);
    const absent = findAbsent(verdicts).filter(({ delegate }) => !this.refused.has(delegate.id));
    if (failure.disposition === 'stop' && absent.length > 0)
      return this.#unavailable(explainWaiting(failure, absent), errand, { wasAsked: true });
    return this.describe(failure, errand.group ?? errand.scope);
  }

  untouched(group: string): Failure {
    const reason = `the delegate of group ${group} that was asked has gone away`;
    return new Failure('DELEGATE_UNAVAILABLE', { reason }) as Failure;
  }

  late(group: string): Failure {
    if (this.#deaths >= LOST_MAX)
      return new Failure('TASK_POISONED', { lost: this.#deaths, reason: this.#reason }) as Failure;
    if (this.lost === 0)
      return new Failure('DELEGATE_UNAVAILABLE', { reason: `all of group ${group} were busy` }) as Failure;
    const seconds = Math.round(this.timeoutMs / 1000);
    return new Failure('DELEGATE_SILENT', { group, seconds, lost: this.#deaths }) as Failure;
  }

  #unavailable(reason: string, { group, scope }: Errand, more: { wasAsked?: true } = {}): Failure {
    const nobody = new Failure('DELEGATE_UNAVAILABLE', { reason, ...more }) as Failure;
    return this.describe(nobody, group ?? scope);
  }
}
