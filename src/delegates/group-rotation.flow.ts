// How a group's keys are changed while it works: one delegate makes the next edition, the others get it from it, sealed; once all
// have it, it is published, and they take it into use. Every step can be done again, so whoever comes after a killed manager goes
// on from what is stored. Nothing that passes here can be read here.
import { Injectable } from '@nestjs/common';
import {
  type GroupEdition,
  type GroupKeyKind,
  idOfEdition,
  isGenuineEdition,
} from '../contract/group-keys.js';
import { contractOldest } from '../contract/version.js';
import { Failure } from '../kernel/failure.js';
import { Log } from '../kernel/log.js';
import { step } from '../kernel/step.js';
import type { Scope } from '../scopes/scope.js';
import { type DelegateRecord, DelegatesRepository } from './delegates.repository.js';
import { DelegatesService } from './delegates.service.js';
import { Dispatcher } from './dispatcher.js';
import { GroupRotationsRepository, type RotationRecord } from './group-rotations.repository.js';
import { type GroupRecord, GroupsRepository } from './groups.repository.js';

const SWEEP_MS = 1_000;
/** Rotations that this manager is at, at once. */
const CLAIMED_MAX = 8;
/** After so long without a word from a manager another one goes on; two at it do no harm. */
const CLAIM_MS = 10_000;
/** A delegate that fell silent is waited for so long; one that says hello again gets what it lacks. */
export const ABSENCE_MS = 3_600_000;
/** Before a delegate that could not be given its keys is given them again. */
const PAUSE_MS = 10_000;

@Injectable()
export class GroupRotationFlow {
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> | undefined;
  /** Delegates that could not be given their keys: until when they are left alone, and what went wrong. */
  readonly #pauses = new Map<string, { until: number; reason: string }>();

  constructor(
    private readonly rotations: GroupRotationsRepository,
    private readonly groups: GroupsRepository,
    private readonly delegates: DelegatesRepository,
    private readonly presence: DelegatesService,
    private readonly dispatcher: Dispatcher,
    private readonly log: Log,
  ) {}

  start(): void {
    this.#timer = setInterval(() => void this.#look(), SWEEP_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sweeping;
  }

  /**
   * Begins to change the keys of a group; asked again while that is under way, goes on with it.
   * @throws NOT_FOUND, DELEGATE_GROUP_UNFIT
   */
  async rotate(scope: Scope, name: string, keys: GroupKeyKind[]): Promise<GroupRecord> {
    const group = await this.groups.named(scope, name);
    requireFit(group, await this.delegates.ofGroup(group.id));
    const begun = await step('rotation.accept', () => this.rotations.begin(group.id, keys));
    const { id: rotation } = begun.rotation;
    if (begun.isNew) this.log.info({ audit: true, scope, group: name, rotation, keys }, 'rotation begun');
    void this.#look();
    return group;
  }

  async #look(): Promise<void> {
    this.#sweeping ??= this.#sweep()
      .catch((error: unknown) => this.log.warn({ err: error }, 'rotation of group keys'))
      .finally(() => {
        this.#sweeping = undefined;
      });
    await this.#sweeping;
  }

  async #sweep(): Promise<void> {
    const claimed = await this.rotations.claim(CLAIMED_MAX, CLAIM_MS);
    await Promise.all(claimed.map((rotation) => this.#goOn(rotation)));
    const behind = (await this.presence.all()).filter((one) => canBeTold(one) && !one.isUpToDate);
    const groups = new Set(behind.map(({ groupId }) => groupId));
    for (const id of groups) await this.#catchUp(await this.groups.find(id));
  }

  async #goOn(rotation: RotationRecord): Promise<void> {
    let waitsFor: string | null;
    try {
      waitsFor = await this.#advance(rotation);
    } catch (error) {
      waitsFor = Failure.from(error, `rotation ${rotation.id}`).message;
      this.log.warn({ err: error, rotation: rotation.id }, 'rotation of group keys');
    }
    await this.rotations.release(rotation.id, waitsFor);
  }

  /** As far as it goes now; what it waits for then. */
  async #advance(rotation: RotationRecord): Promise<string | null> {
    const group = await this.groups.find(rotation.groupId);
    const edition = rotation.edition ?? (await this.#stage(rotation, group));
    if (edition === null) return 'a delegate of the group that can make the keys';
    if (rotation.state === 'staged') {
      const waitsFor = await this.#spread(rotation, edition);
      if (waitsFor !== undefined) return waitsFor;
      const isDone = await step('rotation.publish', () => this.rotations.publish(rotation.id, edition));
      if (!isDone) return null;
      this.presence.forget();
      this.#record(rotation, group, 'keys published');
    }
    await this.#catchUp(await this.groups.find(group.id));
    const id = idOfEdition(edition);
    const fellows = await this.delegates.ofGroup(group.id);
    const left = fellows.filter((one) => isCounted(one) && one.groupKeys?.edition !== id);
    if (left.length > 0) return `${this.#name(left)} to take the new keys into use`;
    // Where all are silent nobody is waited for, but a next rotation would have nobody that could make its keys.
    if (!fellows.some(({ groupKeys }) => groupKeys?.edition === id))
      return 'a delegate of the group to take the new keys into use';
    await step('rotation.finish', () => this.rotations.finish(rotation.id));
    this.#record(rotation, group, 'rotation done');
    return null;
  }

  /** Has a delegate that uses the current keys make the next ones; null where none can be asked. */
  async #stage(rotation: RotationRecord, { id, keys, edition }: GroupRecord): Promise<GroupEdition | null> {
    const makers = (await this.delegates.ofGroup(id)).filter((one) => canBeTold(one) && one.isUpToDate);
    // One that has made them already answers those.
    const [maker] = makers.toSorted((one, other) => staged(other) - staged(one));
    if (maker === undefined || keys === null) return null;
    const input = { rotation: rotation.id, keys: rotation.keys, current: edition };
    const made = await step('rotation.stage', () => this.dispatcher.ask(maker, 'group.stage', input));
    const isFitting =
      isGenuineEdition(made.edition, keys.identityKey) &&
      made.edition.rotation === rotation.id &&
      made.edition.number > (edition?.number ?? 0);
    if (!isFitting) {
      this.presence.noteForgery(maker.id, 'its group did not sign the keys that it answered');
      return null;
    }
    await this.#note(maker, made.state);
    return step('rotation.keep', () => this.rotations.keep(rotation.id, made.edition));
  }

  /** Gives the edition to every delegate that lacks it; what it waits for, unless all have it. */
  async #spread(
    { id: rotation, groupId }: RotationRecord,
    edition: GroupEdition,
  ): Promise<string | undefined> {
    const id = idOfEdition(edition);
    const fellows = await this.delegates.ofGroup(groupId);
    if (fellows.every((one) => one.groupKeys !== null && !hasEdition(one, id))) {
      await this.rotations.giveUp(rotation);
      return 'new keys, since nobody has those that were made';
    }
    const lacking = fellows.filter((one) => canBeTold(one) && !hasEdition(one, id));
    await Promise.all(lacking.map((one) => this.#give(one, fellows, (holder) => hasEdition(holder, id))));
    const left = (await this.delegates.ofGroup(groupId)).filter(
      (one) => isCounted(one) && !hasEdition(one, id),
    );
    return left.length === 0 ? undefined : `${this.#name(left)} to get the new keys`;
  }

  /** Gives what is current to every delegate that lacks it, and has every one use it. */
  async #catchUp({ id, edition }: GroupRecord): Promise<void> {
    const isHolder = (one: DelegateRecord): boolean => canBeTold(one) && one.hasGroupKeys;
    const fellows = await this.delegates.ofGroup(id);
    const lacking = fellows.filter((one) => canBeTold(one) && !one.hasGroupKeys);
    await Promise.all(lacking.map((one) => this.#give(one, fellows, isHolder)));
    if (edition === null) return;
    const waiting = (await this.delegates.ofGroup(id)).filter((one) => isHolder(one) && !one.isUpToDate);
    await Promise.all(
      waiting.map((one) =>
        this.#try(one, async () => {
          const told = step('rotation.promote', () => this.dispatcher.ask(one, 'group.promote', { edition }));
          await this.#note(one, (await told).state);
        }),
      ),
    );
  }

  /** Has one of the holders hand its keys to this delegate, as to a newcomer. */
  async #give(
    one: DelegateRecord,
    fellows: readonly DelegateRecord[],
    isHolder: (fellow: DelegateRecord) => boolean,
  ): Promise<void> {
    const holders = fellows.filter((fellow) => canBeTold(fellow) && fellow.id !== one.id && isHolder(fellow));
    if (holders.length === 0) return;
    await this.#try(one, async () => {
      const { signature } = await this.dispatcher.ask(one, 'group.wish', {});
      const { id: delegate, identityKey, sealingKey, contract } = one;
      const newcomer = { delegate, identityKey, sealingKey, signature, contract };
      const sealed = await step('rotation.hand-over', () => this.#askAny(holders, newcomer));
      const { state } = await step('rotation.adopt', () => this.dispatcher.ask(one, 'group.adopt', sealed));
      await this.#note(one, state);
    });
  }

  /** The first that does it; where none does, what the last one met. */
  async #askAny(
    holders: readonly DelegateRecord[],
    newcomer: Parameters<typeof this.dispatcher.ask<'group.handOver'>>[2],
  ) {
    let failure: unknown;
    for (const holder of holders)
      try {
        return await this.dispatcher.ask(holder, 'group.handOver', newcomer);
      } catch (error) {
        failure = error;
      }
    throw failure;
  }

  /** What fails with one delegate holds up no other, and is tried again after a pause. */
  async #try({ id, name }: DelegateRecord, work: () => Promise<void>): Promise<void> {
    const paused = this.#pauses.get(id);
    if (paused !== undefined && paused.until > Date.now()) return;
    this.#pauses.delete(id);
    try {
      await work();
    } catch (error) {
      const { code, message } = Failure.from(error, `delegate ${name}`);
      this.#pauses.set(id, { until: Date.now() + PAUSE_MS, reason: message });
      this.log.warn({ delegate: name, code, err: error }, 'delegate not given the keys of its group');
    }
  }

  async #note({ id }: DelegateRecord, state: NonNullable<DelegateRecord['groupKeys']>): Promise<void> {
    await this.delegates.noteGroupKeys(id, state);
    this.presence.forget();
  }

  /** With what went wrong with each. */
  #name(delegates: readonly DelegateRecord[]): string {
    const each = delegates.map(({ id, name }) => {
      const reason = this.#pauses.get(id)?.reason;
      return reason === undefined ? name : `${name} (${reason})`;
    });
    return `${delegates.length === 1 ? 'delegate' : 'delegates'} ${each.join(', ')}`;
  }

  #record({ id: rotation }: RotationRecord, { scope, name: group }: GroupRecord, what: string): void {
    this.log.info({ audit: true, scope, group, rotation }, what);
  }
}

/** @throws DELEGATE_GROUP_UNFIT */
function requireFit({ name: group, keys }: GroupRecord, fellows: readonly DelegateRecord[]): void {
  if (keys === null || fellows.length === 0)
    throw new Failure('DELEGATE_GROUP_UNFIT', {
      group,
      problem: 'no delegate of it has enrolled, so it has no keys',
      mend: 'Enrol a delegate first',
    });
}

/** Whoever has it staged opens by it, too. */
const hasEdition = ({ groupKeys }: DelegateRecord, id: string): boolean =>
  groupKeys?.edition === id || groupKeys?.staged === id;

const staged = ({ groupKeys }: DelegateRecord): number => Number((groupKeys?.staged ?? null) !== null);

const canBeTold = ({ state, said, alive, contract }: DelegateRecord): boolean =>
  state === 'enabled' && said === 'heartbeat' && alive && contract >= contractOldest;

/** Who is waited for: whoever may have a task now, or soon, without saying hello before. */
const isCounted = ({ state, said, lastSeenAt }: DelegateRecord): boolean =>
  state === 'enabled' && said === 'heartbeat' && Date.now() - (lastSeenAt?.getTime() ?? 0) < ABSENCE_MS;
