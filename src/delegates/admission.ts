// How a delegate joins a group: by a token its operators were given, with keys it made itself.
import { randomBytes } from 'node:crypto';
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { Actor } from '../audit/acting.js';
import { record, recordAs } from '../audit/record.js';
import { type Enrolment, type EnrolmentRequest, proofText } from '../contract/enrolment.js';
import { contractOldest, contractVersion } from '../contract/version.js';
import { Failure } from '../kernel/failure.js';
import { Log } from '../kernel/log.js';
import { Backend } from '../queue/queue.module.js';
import { makePassword, QueueAccess, userOf } from '../queue/queue-access.js';
import { isOpenToAnybody } from '../queue/queue-probe.js';
import type { Scope } from '../scopes/scope.js';
import { ScopesRepository } from '../scopes/scopes.repository.js';
import { isSignedBy } from '../sealing/identity.js';
import { type Session, Storage } from '../storage/database.js';
import { DelegateEventsRepository } from './delegate-events.repository.js';
import { DelegateTokensRepository } from './delegate-tokens.repository.js';
import { DelegatesRepository } from './delegates.repository.js';
import { DelegatesService } from './delegates.service.js';
import { type FoundingKeys, GroupsRepository } from './groups.repository.js';
import { ManagerKeys } from './manager-keys.js';

/** Where delegates find the queue, as a value that can be injected. Without user-info; absent without Redis. */
export abstract class QueueEndpoint {
  abstract readonly url: string | undefined;
}

const loopback = /^(?:127\.|::1$|::ffff:127\.)/;

@Injectable()
export class Admission implements OnApplicationBootstrap {
  constructor(
    private readonly storage: Storage,
    private readonly scopes: ScopesRepository,
    private readonly groups: GroupsRepository,
    private readonly tokens: DelegateTokensRepository,
    private readonly delegates: DelegatesRepository,
    private readonly events: DelegateEventsRepository,
    private readonly presence: DelegatesService,
    private readonly backend: Backend,
    private readonly access: QueueAccess,
    private readonly endpoint: QueueEndpoint,
    private readonly keys: ManagerKeys,
    private readonly log: Log,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if ((await this.delegates.admitted()).length > 0) await this.#warnOfOpenQueue();
  }

  /** Makes a token, and its group where there is none. @throws SCOPE_NOT_FOUND */
  async makeToken(
    scope: Scope,
    { group: name, uses, expiresAt }: { group: string; uses: number; expiresAt: Date },
  ): Promise<{ id: string; text: string }> {
    const made = await this.storage.transact(async (tx) => {
      await this.scopes.hold(tx, scope);
      const group = await this.groups.ensure(tx, scope, name);
      const token = await this.tokens.create(tx, group.id, { uses, expiresAt });
      const data = { group: name, uses, expiresAt };
      record(tx, { action: 'delegate-token.create', scope, target: `delegate-tokens/${token.id}`, data });
      return { group, token };
    });
    this.log.info({ audit: true, scope, group: name, token: made.token.id }, 'delegate token made');
    return made.token;
  }

  /**
   * Admits a delegate to the group of its token; asked again, it answers again, with another password, and takes no second use.
   * @throws TOKEN_REJECTED, ENROLMENT_REFUSED, CONTRACT_VERSION_MISMATCH, QUEUE_UNAVAILABLE, QUEUE_ACCESS_DENIED
   */
  async enrol(token: string, request: EnrolmentRequest, address: string): Promise<Enrolment> {
    this.#requireFitting(token, request, address);
    const { self, identityKey, sealingKey } = request;
    const { password, passwordHash } = makePassword();
    const isRedis = this.backend.kind === 'redis';
    const stored = isRedis ? passwordHash : null;
    const { group, keys, delegate } = await this.storage.transact(async (tx) => {
      const held = await this.tokens.hold(tx, token);
      const { groupId } = held;
      const known = await this.#unheard(tx, groupId, request);
      if (known === undefined) await this.tokens.use(tx, held);
      const keys = await this.#found(tx, groupId, request);
      const newcomer = { groupId, self, identityKey, sealingKey, passwordHash: stored };
      if (known !== undefined) await this.delegates.enrolAgain(tx, known, newcomer);
      const id = `d${randomBytes(8).toString('hex')}`;
      const delegate = known ?? (await this.delegates.enrol(tx, { id, ...newcomer }));
      const group = await this.groups.get(tx, groupId);
      const told = { id: delegate, name: self.name, group: group.name, scope: group.scope };
      if (known === undefined) await this.events.tell(tx, told, 'delegate.enrolled');
      const again = known !== undefined;
      const data = { group: group.name, token: held.id, address, version: self.version, again };
      const newcomerActor: Actor = { kind: 'delegate', id: delegate, name: self.name };
      recordAs(tx, newcomerActor, {
        action: 'delegate.enrol',
        scope: group.scope,
        target: `delegates/${delegate}`,
        data,
      });
      // Within the transaction: a delegate that Redis does not know would have used up its token for nothing.
      await this.access.admit({ delegate, group: groupId, passwordHash });
      return { group, keys, delegate };
    });
    await this.#warnOfOpenQueue();
    this.presence.attend(group.id);
    this.presence.forget();
    this.log.info({ audit: true, delegate: self.name, group: group.name, scope: group.scope }, 'enrolled');
    return {
      deployment: this.keys.deployment,
      delegate,
      group: { id: group.id, name: group.name, scope: group.scope, ...keys },
      manager: { identityKey: this.keys.identity.publicKey, sealingKey: this.keys.sealingKey },
      queue: isRedis
        ? { kind: 'redis', url: this.endpoint.url as string, username: userOf(delegate), password }
        : { kind: 'postgres' },
    };
  }

  /** Users keep nobody apart in a Redis that obeys whoever has no name. One that does not answer is for others to report. */
  async #warnOfOpenQueue(): Promise<void> {
    if (this.backend.kind !== 'redis') return;
    if (!(await isOpenToAnybody(this.backend).catch(() => false))) return;
    this.log.warn(
      { audit: true },
      'the default user of Redis is open: it answered PING, and whatever it may do, whoever reaches Redis may. Turn it off (ACL SETUSER default off)',
    );
  }

  /**
   * Whom the same request enrolled before, if its answer was lost: it asks again with the same keys, and its token, though used
   * up or out of date by now, was good then. Whoever has said a word has had its answer.
   * @throws ENROLMENT_REFUSED
   */
  async #unheard(
    tx: Session,
    groupId: string,
    { identityKey, sealingKey, self }: EnrolmentRequest,
  ): Promise<string | undefined> {
    const known = await this.delegates.known(tx, identityKey);
    if (known === undefined) return undefined;
    const isSame = known.groupId === groupId && known.sealingKey === sealingKey;
    if (!isSame || known.wasHeard || known.state === 'revoked')
      throw new Failure('ENROLMENT_REFUSED', {
        reason: 'a delegate has enrolled with this identity key before',
        hint: 'Use the token of its group. Where it needs another identity, enrol in another data folder',
      });
    const namesake = await this.delegates.idOf(tx, groupId, self.name);
    if (namesake === undefined || namesake === known.id) return known.id;
    throw new Failure('ENROLMENT_REFUSED', {
      reason: `another delegate of the group is called ${self.name}, and this one enrolled under another name before`,
      hint: 'Enrol again with --name and the name of before',
    });
  }

  /** @throws ENROLMENT_REFUSED where the keys are those of another group */
  async #found(tx: Session, groupId: string, { group }: EnrolmentRequest): Promise<FoundingKeys> {
    const keys = await this.groups.found(tx, groupId, group);
    if (keys !== undefined) return keys;
    throw new Failure('ENROLMENT_REFUSED', {
      reason: 'the keys for the group are those of another group',
      hint: 'Use the token of that group, or enrol in another data folder',
    });
  }

  #requireFitting(token: string, request: EnrolmentRequest, address: string): void {
    const { self, group, identityKey, proof } = request;
    if (self.contract < contractOldest || self.contractOldest > contractVersion)
      throw new Failure('CONTRACT_VERSION_MISMATCH', { manager: contractVersion, delegate: self.contract });
    if (this.backend.kind === 'postgres' && !loopback.test(address))
      throw new Failure('ENROLMENT_REFUSED', {
        reason:
          'the queue is in PostgreSQL, which isolates no delegate groups from each other: only a delegate on the manager’s own machine may use it',
        hint: 'Give the manager a Redis (REDIS_URL), then enrol again',
      });
    if (!isSignedBy(identityKey, 'enrolment', proofText(token, request), proof))
      throw new Failure('ENROLMENT_REFUSED', {
        reason: 'the proof is not by the identity key',
        hint: 'Enrol with `npm run delegate -- enrol` of the same version as the manager',
      });
    if (!isSignedBy(group.identityKey, 'sealing-key', group.sealingKey, group.signature))
      throw new Failure('ENROLMENT_REFUSED', {
        reason: 'the group’s sealing key is not signed by its identity key',
        hint: 'Enrol with `npm run delegate -- enrol` of the same version as the manager',
      });
  }
}
