// How a delegate joins a group: by a token its operators were given, with keys it made itself.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type Enrolment, type EnrolmentRequest, proofText } from '../contract/enrolment.js';
import { contractOldest, contractVersion } from '../contract/version.js';
import { Failure } from '../kernel/failure.js';
import { Log } from '../kernel/log.js';
import { Backend } from '../queue/queue.module.js';
import { makePassword, QueueAccess, userOf } from '../queue/queue-access.js';
import type { Scope } from '../scopes/scope.js';
import { ScopesRepository } from '../scopes/scopes.repository.js';
import { isSignedBy } from '../sealing/identity.js';
import { Storage } from '../storage/database.js';
import { DelegateTokensRepository } from './delegate-tokens.repository.js';
import { DelegatesRepository } from './delegates.repository.js';
import { DelegatesService } from './delegates.service.js';
import { GroupsRepository } from './groups.repository.js';
import { ManagerKeys } from './manager-keys.js';

/** Where delegates find the queue, as a value that can be injected. Without user-info; absent without Redis. */
export abstract class QueueEndpoint {
  abstract readonly url: string | undefined;
}

const loopback = /^(?:127\.|::1$|::ffff:127\.)/;

@Injectable()
export class Admission {
  constructor(
    private readonly storage: Storage,
    private readonly scopes: ScopesRepository,
    private readonly groups: GroupsRepository,
    private readonly tokens: DelegateTokensRepository,
    private readonly delegates: DelegatesRepository,
    private readonly presence: DelegatesService,
    private readonly backend: Backend,
    private readonly access: QueueAccess,
    private readonly endpoint: QueueEndpoint,
    private readonly keys: ManagerKeys,
    private readonly log: Log,
  ) {}

  /** Makes a token, and its group where there is none. @throws SCOPE_NOT_FOUND */
  async makeToken(
    scope: Scope,
    { group: name, uses, expiresAt }: { group: string; uses: number; expiresAt: Date },
  ): Promise<{ id: string; text: string }> {
    const made = await this.storage.transact(async (tx) => {
      await this.scopes.hold(tx, scope);
      const group = await this.groups.ensure(tx, scope, name);
      return { group, token: await this.tokens.create(tx, group.id, { uses, expiresAt }) };
    });
    this.log.info({ audit: true, scope, group: name, token: made.token.id }, 'delegate token made');
    return made.token;
  }

  /**
   * Admits a delegate to the group of its token.
   * @throws TOKEN_REJECTED, ENROLMENT_REFUSED, CONTRACT_VERSION_MISMATCH, QUEUE_UNAVAILABLE, QUEUE_ACCESS_DENIED
   */
  async enrol(token: string, request: EnrolmentRequest, address: string): Promise<Enrolment> {
    this.#requireFitting(token, request, address);
    const { self, identityKey, sealingKey } = request;
    const { password, passwordHash } = makePassword();
    const isRedis = this.backend.kind === 'redis';
    const { group, keys, delegate } = await this.storage.transact(async (tx) => {
      const groupId = await this.tokens.use(tx, token);
      const keys = await this.groups.found(tx, groupId, request.group);
      const delegate = await this.delegates.enrol(tx, {
        id: `d${randomBytes(8).toString('hex')}`,
        groupId,
        self,
        identityKey,
        sealingKey,
        passwordHash: isRedis ? passwordHash : null,
      });
      const group = await this.groups.get(tx, groupId);
      // Within the transaction: a delegate that Redis does not know would have used up its token for nothing.
      await this.access.admit({ delegate, group: groupId, passwordHash });
      return { group, keys, delegate };
    });
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
