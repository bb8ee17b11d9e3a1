// Listens to delegates: who is alive, who speaks which contract, and who still lacks the keys of its group.
import { Injectable } from '@nestjs/common';
import { record } from '../audit/record.js';
import { clockSkewMaxMs } from '../contract/messages.js';
import { Presence, PresenceClaims, silenceMaxMs, type Welcome, welcomeInfo } from '../contract/presence.js';
import { contractOldest, contractVersion } from '../contract/version.js';
import { tell } from '../kernel/facts.js';
import { Log } from '../kernel/log.js';
import { PresenceReceiver } from '../queue/presence-queue.js';
import { Backend } from '../queue/queue.module.js';
import { QueueAccess, userOf } from '../queue/queue-access.js';
import { accountOf, type Scope } from '../scopes/scope.js';
import { Sealer } from '../sealing/hpke.js';
import { isSignedBy } from '../sealing/identity.js';
import { MessageRefused, openMessage, type SealedMessage, sealMessage } from '../sealing/sealed-message.js';
import { Storage } from '../storage/database.js';
import type { DelegateState } from '../storage/schema.js';
import { DelegateEventsRepository } from './delegate-events.repository.js';
import { type DelegateRecord, DelegatesRepository } from './delegates.repository.js';
import { GroupsRepository } from './groups.repository.js';
import { ManagerKeys } from './manager-keys.js';

/** Many tasks ask at once; one look at the database serves them all for this long. */
const FRESH_MS = 200;
/** How often groups that other managers made, users that Redis lost, and what is left of revoked delegates are looked for. */
const SWEEP_MS = 1_000;

/** What setting a state is called in the audit. */
const acts: Record<DelegateState, string> = {
  enabled: 'delegate.enable',
  disabled: 'delegate.disable',
  draining: 'delegate.drain',
  revoked: 'delegate.revoke',
};

/** Asks another delegate of the group for what a newcomer lacks; null when there is none. */
export type HandOver = (
  newcomer: DelegateRecord,
  signature: string,
) => Promise<{ enc: string; box: string } | null>;

/** What is done with their queues. */
export interface QueueWork {
  handOver: HandOver;
  /** Of delegates that can reach the queue no more. */
  removeQueues: (gone: readonly DelegateRecord[]) => Promise<void>;
}

@Injectable()
export class DelegatesService {
  readonly #receivers = new Map<string, PresenceReceiver>();
  #all: { records: Promise<DelegateRecord[]>; until: number } | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The look that is under way, if one is. */
  #sweeping: Promise<void> | undefined;
  #work: QueueWork = { handOver: async () => null, removeQueues: async () => undefined };
  /** Messages that were not what they claimed to be, by reason. */
  readonly refused = new Map<string, number>();

  constructor(
    private readonly backend: Backend,
    private readonly access: QueueAccess,
    private readonly delegates: DelegatesRepository,
    private readonly groups: GroupsRepository,
    private readonly events: DelegateEventsRepository,
    private readonly storage: Storage,
    private readonly keys: ManagerKeys,
    private readonly log: Log,
  ) {}

  /** Begins to listen, to every group that there is and will be. */
  async listen(work: QueueWork): Promise<void> {
    this.#work = work;
    await this.#look();
    this.#timer = setInterval(() => void this.#look(), SWEEP_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sweeping;
    await Promise.allSettled([...this.#receivers.values()].map((receiver) => receiver.close()));
    await this.access.close();
  }

  /** Begins to listen to a group that was just made. */
  attend(group: string): void {
    if (this.#receivers.has(group)) return;
    const receiver = new PresenceReceiver(this.backend, group, (data) => this.#receive(group, data), {
      onFault: (error) => this.log.debug({ err: error }, 'presence queue'),
      onRefusal: (reason) => this.noteForgery(`of group ${group}`, reason),
    });
    this.#receivers.set(group, receiver);
  }

  /** At most a fifth of a second old. */
  async find(id: string): Promise<DelegateRecord | undefined> {
    return (await this.#records()).find((one) => one.id === id);
  }

  async inAccountOf(scope: Scope): Promise<DelegateRecord[]> {
    const account = accountOf(scope);
    return (await this.#records()).filter((one) => accountOf(one.scope) === account);
  }

  /** Of every account. */
  all(): Promise<DelegateRecord[]> {
    return this.#records();
  }

  /** What its operators want of it. @throws NOT_FOUND */
  async setState(scope: Scope, id: string, state: DelegateState): Promise<DelegateRecord> {
    const set = await this.storage.transact(async (tx) => {
      const { record: one, changed } = await this.delegates.setState(tx, { scope, id, state });
      if (changed) await this.events.tell(tx, one, `delegate.${state}`);
      const { name, group } = one;
      record(tx, { action: acts[state], scope, target: `delegates/${id}`, data: { name, group, changed } });
      return one;
    });
    this.forget();
    return set;
  }

  /** What was known is looked up again. */
  forget(): void {
    this.#all = undefined;
  }

  /** Counts and records a message that was not what it claimed to be. */
  noteForgery(delegate: string, reason: string): void {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
    tell('delegate.forgery', {});
    this.log.warn({ audit: true, delegate, reason }, 'message of a delegate refused');
  }

  #records(): Promise<DelegateRecord[]> {
    if (this.#all !== undefined && this.#all.until > Date.now()) return this.#all.records;
    const records = this.delegates.listAll();
    this.#all = { records, until: Date.now() + FRESH_MS };
    records.catch(() => this.forget());
    return records;
  }

  /** A slow database or queue must not see one look pile up on another. */
  async #look(): Promise<void> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined;
    });
    await this.#sweeping;
  }

  async #sweep(): Promise<void> {
    try {
      await this.events.tellPresence();
      const groups = new Set(await this.groups.peopled());
      for (const group of groups) this.attend(group);
      for (const [group, receiver] of this.#receivers)
        if (!groups.has(group)) {
          this.#receivers.delete(group);
          void receiver.close().catch(() => undefined);
        }
      const users = await this.access.restore(() => this.delegates.admitted());
      for (const receiver of this.#receivers.values()) receiver.trim();
      const revoked = (await this.#records()).filter(({ state }) => state === 'revoked');
      // While one may still write there, or has come back since, its queue stays.
      await this.#work.removeQueues(revoked.filter(({ id }) => !users.has(userOf(id))));
    } catch (error) {
      this.log.debug({ err: error }, 'sweep over delegates');
    }
  }

  async #receive(group: string, data: unknown): Promise<SealedMessage | null> {
    const heard = await this.#open(group, data);
    if (heard === undefined) return null;
    const { claims, presence, record } = heard;
    await this.delegates.heard(claims, presence);
    if (!record.groupHasP256) await this.#learn(record, presence);
    this.forget();
    if (claims.said === 'heartbeat') return null;
    this.log.info({ delegate: record.name, group: record.group }, claims.said);
    return claims.said === 'hello' ? this.#welcome(claims, presence, record) : null;
  }

  /** Of a group's second sealing key its delegates tell, since a manager of before asked for none at their enrolment. */
  async #learn({ groupId }: DelegateRecord, { groupKeys }: Presence): Promise<void> {
    const told = groupKeys?.edition === null ? groupKeys.p256 : null;
    const { keys } = told == null ? { keys: null } : await this.groups.find(groupId);
    if (told == null || keys === null) return;
    if (isSignedBy(keys.identityKey, 'sealing-key-p256', told.sealingKey, told.signature))
      await this.groups.learn(groupId, told);
    else this.noteForgery(`of group ${groupId}`, 'its group did not sign the sealing key that it tells of');
  }

  async #open(group: string, data: unknown) {
    const records = new Map((await this.#records()).map((one) => [one.id, one]));
    const knows = ({ delegate }: PresenceClaims): DelegateRecord | undefined => {
      const record = records.get(delegate);
      return record?.groupId === group && record.state !== 'revoked' ? record : undefined;
    };
    try {
      const { claims, payload } = await openMessage(data, {
        purpose: 'presence',
        claims: PresenceClaims,
        authorKey: (said) => knows(said)?.identityKey,
        check: (said) => this.#objectionTo(said),
        opener: this.keys.presenceOpener,
      });
      const presence = Presence.safeParse(payload);
      if (!presence.success) throw new MessageRefused('it says nothing readable');
      return { claims, presence: presence.data, record: knows(claims) as DelegateRecord };
    } catch (error) {
      if (!(error instanceof MessageRefused)) throw error;
      this.noteForgery(`of group ${group}`, error.message);
      return undefined;
    }
  }

  /** A heartbeat that was recorded must not keep a dead delegate alive. */
  #objectionTo({ deployment, said, saidAt }: PresenceClaims): string | undefined {
    if (deployment !== this.keys.deployment) return 'it is of another deployment';
    const ageMs = Date.now() - saidAt;
    if (ageMs < -clockSkewMaxMs || ageMs > clockSkewMaxMs + silenceMaxMs)
      return said === 'hello' ? 'its clock differs by more than a minute' : 'it is out of date';
    return undefined;
  }

  async #welcome(
    { delegate, process }: PresenceClaims,
    { self, wantsGroupKeys }: Presence,
    record: DelegateRecord,
  ): Promise<SealedMessage> {
    const understood = self.contract >= contractOldest && self.contractOldest <= contractVersion;
    if (!understood)
      this.log.warn({ delegate: record.name, contract: self.contract }, 'delegate speaks another contract');
    const welcome: Welcome = understood
      ? {
          accepted: true,
          contract: Math.min(contractVersion, self.contract),
          groupKeys: wantsGroupKeys === null ? null : await this.#work.handOver(record, wantsGroupKeys),
          edition: (await this.groups.find(record.groupId)).edition,
        }
      : { accepted: false, contract: contractVersion, contractOldest };
    const claims = { deployment: this.keys.deployment, delegate, process };
    return sealMessage(welcome, claims, {
      purpose: 'welcome',
      sealer: new Sealer(record.sealingKey, welcomeInfo(delegate)),
      author: this.keys.identity,
    });
  }
}
