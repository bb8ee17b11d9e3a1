// What becomes of deliveries that are stored: read, compared with the connector's repository, handed to whatever acts on them, and
// ended with an outcome. Any manager may claim any of them; what a killed one was at is claimed again by another.
import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { type Connector, ConnectorsRepository } from '../connectors/connectors.repository.js';
import { inSpan } from '../kernel/concern.js';
import { tell } from '../kernel/facts.js';
import { Failure } from '../kernel/failure.js';
import { Log } from '../kernel/log.js';
import { step } from '../kernel/step.js';
import { type HookEvent, MalformedHook } from '../providers/webhook.js';
import { DeliveriesRepository, type DeliveryBatch, type WaitingDelivery } from './deliveries.repository.js';
import { HookReactions } from './hook-reaction.js';
import { hookReading, readHook } from './hook-reader.js';
import { joinEvents } from './join-events.js';
import { type Outcome, outcome } from './outcome.js';
import { type Match, matchRepository, nameGiven } from './repository-match.js';
import type { SettledDelivery } from './settled-deliveries.repository.js';
import { type Webhook, WebhooksRepository } from './webhooks.repository.js';

const SWEEP_MS = 1_000;
const FORGET_MS = 60_000;
/** Between two looks while deliveries come: what comes meanwhile is one batch, which spares the database most of the work. */
const GATHER_MS = 50;
const CLAIM_MS = 30_000;
const BATCH_MAX: Record<DeliveryBatch, number> = { many: 100, apart: 1 };
/** So often one is begun of which nothing is heard again: it may be what ends the processes that read it. */
const BEGUN_MAX = 3;
const ATTEMPTS_MAX = 8;
const NEWS_MS = 1_000;

/** A delivery that was read. */
interface Told {
  delivery: WaitingDelivery;
  event: HookEvent;
  /** What of it is said beside what it led to. */
  notes: string[];
}

@Injectable()
export class DeliveriesFlow {
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #sweeping = new Map<DeliveryBatch, Promise<void>>();
  /** Of what something came since the sweep that runs began to look. */
  readonly #hinted = new Set<DeliveryBatch>();
  #isStopping = false;

  constructor(
    private readonly deliveries: DeliveriesRepository,
    private readonly webhooks: WebhooksRepository,
    private readonly connectors: ConnectorsRepository,
    private readonly reactions: HookReactions,
    private readonly log: Log,
  ) {}

  start(): void {
    this.#timers.push(setInterval(() => this.hint(), SWEEP_MS));
    this.#timers.push(setInterval(() => void this.#forget(), FORGET_MS));
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#sweeping.values());
  }

  /** That there may be something to do, about a body of so many bytes where that is known. */
  hint(bodyBytes?: number): void {
    const isLarge = bodyBytes !== undefined && bodyBytes > hookReading.hereBytesMax;
    if (!isLarge) this.#look('many');
    if (isLarge || bodyBytes === undefined) this.#look('apart');
  }

  #look(batch: DeliveryBatch): void {
    this.#hinted.add(batch);
    if (this.#sweeping.has(batch)) return;
    this.#sweeping.set(
      batch,
      this.#sweep(batch).finally(() => this.#sweeping.delete(batch)),
    );
  }

  async #sweep(batch: DeliveryBatch): Promise<void> {
    const max = BATCH_MAX[batch];
    try {
      while (this.#hinted.delete(batch) && !this.#isStopping) {
        const claimed = await this.deliveries.claim(max, CLAIM_MS, batch);
        if (claimed.length === max) this.#hinted.add(batch);
        if (claimed.length > 0)
          await inSpan({ name: 'webhook.deliveries', parent: null }, () =>
            step('webhook.process', () => this.#process(claimed)),
          );
        if (claimed.length > 0 && claimed.length < max) await pause(GATHER_MS);
      }
    } catch (error) {
      this.log.warn({ err: error }, 'webhook deliveries');
    }
  }

  async #process(claimed: WaitingDelivery[]): Promise<void> {
    const [left = [], lost = []] = [false, true].map((isLost) =>
      claimed.filter(({ begun }) => begun > BEGUN_MAX === isLost),
    );
    await this.#settle(lost, lost.map(asLost));
    for (const group of Map.groupBy(left, ({ scope, connector }) => `${scope} ${connector}`).values()) {
      const work = this.#processOf(group);
      await work.catch(async (error: unknown) => this.#rest(group, error));
    }
  }

  /** Those of one webhook. */
  async #processOf(group: WaitingDelivery[]): Promise<void> {
    const [{ scope, connector: id } = { scope: '', connector: '' }] = group;
    const connector = await this.connectors.get(scope, id);
    const webhook = await this.webhooks.get(scope, id);
    const settled: SettledDelivery[] = [];
    const told: Told[] = [];
    let { hostRepositoryId } = webhook;
    /** What the host called the repository; null where that is what the connector calls it. */
    const given: (string | null)[] = [];
    for (const delivery of group) {
      const event = await this.#read(delivery);
      if ('kind' in event && 'details' in event) {
        settled.push({ sequence: delivery.sequence, event: null, outcome: event });
        continue;
      }
      const match = matchRepository({ url: connector.url, hostRepoId: hostRepositoryId }, event.repo);
      if (match === 'same' || hostRepositoryId === null)
        hostRepositoryId = match === 'other' ? null : (event.repo.hostRepoId ?? hostRepositoryId);
      const names = match === 'same' ? namesByThisId(connector, event, hostRepositoryId) : [];
      given.push(...names);
      const notes = names.flatMap((name) => (name === null ? [] : renamed(name)));
      const early = outcomeWithout(event, match, notes);
      if (early === undefined) told.push({ delivery, event, notes });
      else settled.push({ sequence: delivery.sequence, event, outcome: early });
    }
    await this.#learn(connector, webhook, hostRepositoryId);
    await this.#hear(connector, given.at(-1));
    if (isNews(webhook, latest(group))) await this.webhooks.noteVerified(scope, id, latest(group));
    await this.#settle(group, settled);
    for (const joined of joinEvents(told)) await this.#actOn(connector, joined);
  }

  async #learn(connector: Connector, { hostRepositoryId }: Webhook, now: string | null): Promise<void> {
    if (now !== null && now !== hostRepositoryId) await this.webhooks.setHostRepositoryId(connector, now);
  }

  /** What the host called the repository last. */
  async #hear(connector: Connector, given: string | null | undefined): Promise<void> {
    if (typeof given === 'string')
      await this.connectors.noteRenamed(connector, { url: given, by: 'webhook' });
    if (given === null && connector.renamedTo !== null) await this.connectors.noteRenamed(connector, null);
  }

  async #actOn(connector: Connector, { event, of }: { event: HookEvent; of: Told[] }): Promise<void> {
    try {
      const details: string[] = [];
      for (const reaction of this.reactions.all) {
        const words = await reaction.react(connector, event);
        if (words !== undefined) details.push(words);
      }
      const first = of[0]?.delivery.id ?? '';
      const { scope, id: name } = connector;
      const acted = details.length === 0 ? undefined : { scope, connector: name, id: first, details };
      await this.#settle(
        of.map(({ delivery }) => delivery),
        of.map(({ delivery, event: own, notes }, at) => ({
          sequence: delivery.sequence,
          event: own,
          outcome:
            at === 0
              ? outcome(details.length === 0 ? 'noted' : 'acted', ...details, ...notes)
              : outcome('joined', `together with delivery ${first}`, ...notes),
        })),
        acted,
      );
    } catch (error) {
      await this.#rest(
        of.map(({ delivery }) => delivery),
        error,
      );
    }
  }

  /** What the host says in it, or why that is not known. */
  async #read({
    sequence,
    provider,
    headers,
    event,
    body: own,
  }: WaitingDelivery): Promise<HookEvent | Outcome> {
    if (event !== null) return event;
    const body = own ?? (await this.deliveries.body(sequence));
    if (body === null) return outcome('malformed', 'Its body is not kept any more');
    try {
      return await readHook(provider, body, headers);
    } catch (error) {
      if (error instanceof MalformedHook) return outcome('malformed', error.message);
      throw error;
    }
  }

  /** They come again, later every time. */
  async #rest(group: WaitingDelivery[], error: unknown): Promise<void> {
    const { code, message } = Failure.from(error, 'webhook delivery');
    this.log.warn({ err: error, deliveries: group.map(({ id }) => id) }, 'webhook deliveries');
    const why = `${code}: ${message}`;
    for (const delivery of group) {
      const { sequence, attempts, event } = delivery;
      await (attempts >= ATTEMPTS_MAX
        ? this.#settle([delivery], [{ sequence, event, outcome: outcome('failed', why) }])
        : this.deliveries.rest(sequence, 500 * 2 ** attempts, outcome('resting', why)));
    }
  }

  /** `of`: at least those that are settled. */
  async #settle(
    of: WaitingDelivery[],
    settled: SettledDelivery[],
    acted?: Parameters<DeliveriesRepository['settle']>[1],
  ): Promise<void> {
    await this.deliveries.settle(settled, acted);
    const bySequence = new Map(of.map((delivery) => [delivery.sequence, delivery]));
    for (const { sequence, outcome: end } of settled) {
      const { provider, receivedAt } = bySequence.get(sequence) as WaitingDelivery;
      const seconds = (Date.now() - receivedAt.getTime()) / 1_000;
      tell('webhook.end', { provider, outcome: end.kind, seconds });
    }
  }

  async #forget(): Promise<void> {
    await this.deliveries
      .forget()
      .catch((error: unknown) => this.log.warn({ err: error }, 'forgetting webhook deliveries'));
  }
}

const asLost = ({ sequence, event }: WaitingDelivery): SettledDelivery => ({
  sequence,
  event,
  outcome: outcome('failed', `Whoever began to process it was not heard of again, ${BEGUN_MAX} times`),
});

const latest = (group: WaitingDelivery[]): Date =>
  new Date(Math.max(...group.map(({ receivedAt }) => receivedAt.getTime())));

/** Many deliveries of one second say no more than one of them, unless something was refused in between. */
function isNews({ lastVerifiedAt, lastRefusedAt }: Webhook, at: Date): boolean {
  if (lastVerifiedAt === null || (lastRefusedAt !== null && lastRefusedAt >= lastVerifiedAt)) return true;
  return at.getTime() - lastVerifiedAt.getTime() >= NEWS_MS;
}

/** Of an event that nothing acts on. */
function outcomeWithout(event: HookEvent, match: Match, notes: string[]): Outcome | undefined {
  if (event.kind === 'ping') return outcome('ping', ...notes);
  if (match === 'other') return outcome('other-repository', nameOf(event) ?? 'by an id alone');
  return event.kind === 'ignored' ? outcome('ignored', event.why, ...notes) : undefined;
}

/** One at most, as `nameGiven`; a name beside another id, or none, is no new one. */
function namesByThisId({ url }: Connector, { repo }: HookEvent, id: string | null): (string | null)[] {
  const name = repo.hostRepoId === id && id !== null ? nameGiven(url, repo) : undefined;
  return name === undefined ? [] : [name];
}

const renamed = (name: string): string =>
  `The host calls the repository ${name} now; where that is right, say so with POST …/connectors/{id}/rename`;

const nameOf = ({ repo: { fullName, cloneUrls, hostRepoId } }: HookEvent): string | undefined =>
  fullName ?? cloneUrls[0] ?? hostRepoId;
