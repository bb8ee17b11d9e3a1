// What may be written as a subscription, and the secrets that sign for it.
import { randomBytes, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { ownAccord } from '../audit/acting.js';
import { Acts } from '../audit/acts.js';
import { record } from '../audit/record.js';
import { EventsRepository } from '../events/events.repository.js';
import { type Position, START } from '../events/position.js';
import { Failure } from '../kernel/failure.js';
import { parseReceiverUrl } from '../policy/receiver-url.js';
import { accountOf, type Scope } from '../scopes/scope.js';
import { ScopesRepository } from '../scopes/scopes.repository.js';
import type { MayUse } from '../secrets/secret-use.js';
import { SecretsRepository } from '../secrets/secrets.repository.js';
import { assertWithinReach, SecretsService } from '../secrets/secrets.service.js';
import { isReferenced, Storage } from '../storage/database.js';
import { EventSender } from './event-sender.js';
import { makeSigningSecret } from './signature.js';
import type { SecretName, Subscription } from './subscription.js';
import {
  type NewAttempt,
  SubscriptionsRepository,
  type SubscriptionWrite,
} from './subscriptions.repository.js';
import { describeOutcome } from './verdict.js';

export interface SubscriptionRequest {
  url: string;
  types: string[];
  kinds?: string[] | undefined;
  branches?: string[] | undefined;
  enabled: boolean;
  /** Name of a builtin secret; without it one is made, or the one of before stays. */
  secret?: string | undefined;
}

export interface Written {
  subscription: Subscription;
  created: boolean;
  /** Where it was made: told here and never again. */
  signingSecret: string | undefined;
}

/** How long a secret that was replaced signs on where nothing else is said. */
const BOTH_HOURS = 24;

@Injectable()
export class SubscriptionsService {
  constructor(
    private readonly storage: Storage,
    private readonly scopes: ScopesRepository,
    private readonly events: EventsRepository,
    private readonly subscriptions: SubscriptionsRepository,
    private readonly secrets: SecretsRepository,
    private readonly keeper: SecretsService,
    private readonly sender: EventSender,
    private readonly acts: Acts,
  ) {}

  /**
   * Makes one, which begins with what happens from now on, or changes one, which goes on from where it is.
   * @throws PERMISSION_MISSING, RECEIVER_DENIED, SCOPE_NOT_FOUND, NOT_FOUND for the secret, SECRET_DELETED, SECRET_OUT_OF_REACH, SUBSCRIPTION_UNFIT
   */
  async put(
    scope: Scope,
    id: string,
    request: SubscriptionRequest,
    by: { actor: string; mayUse: MayUse },
  ): Promise<Written> {
    const url = parseReceiverUrl(request.url, this.sender.policy);
    await this.scopes.get(scope);
    const named =
      request.secret === undefined ? undefined : await this.#resolve(scope, id, request.secret, by);
    const before = await this.subscriptions.get(scope, id).catch(absent);
    const made = named === undefined && before === undefined ? [await this.#make(scope)] : [];
    const secret = named ?? before?.secret ?? (made[0] as Made);
    const { types, kinds = null, branches = null, enabled } = request;
    const write = { scope, id, url, types, kinds, branches, enabled, secret };
    try {
      const isNamed = named !== undefined;
      const put = await this.#write(write, { isGenerated: made.length > 0, isNamed });
      // Somebody else may have made the subscription in the same moment.
      const used = made.find((one) => isSame(one, put.subscription.secret));
      await this.#drop([...put.old, ...made.filter((one) => one !== used)]);
      return { ...put, signingSecret: used?.text };
    } catch (error) {
      await this.#drop(made);
      throw isReferenced(error) ? new Failure('NOT_FOUND', { what: 'secret', id: secret.id }) : error;
    }
  }

  /** Where the secret is another one by name, that of before signs on. */
  async #write(
    write: SubscriptionWrite,
    { isGenerated, isNamed }: { isGenerated: boolean; isNamed: boolean },
  ) {
    return this.storage.transact(async (tx) => {
      await this.scopes.hold(tx, write.scope);
      const held = await this.subscriptions.hold(tx, write.scope, write.id);
      const changesSecret = isNamed && held !== undefined && !isSame(write.secret, secretOf(held));
      const old = changesSecret ? await this.subscriptions.keepSecret(tx, held, BOTH_HOURS) : [];
      const how = { position: await this.events.now(tx), isGenerated, changesSecret };
      const put = await this.subscriptions.put(tx, write, how);
      const { types, kinds, branches, enabled, secret } = put.subscription;
      const data = {
        created: put.created,
        receiver: new URL(write.url).host,
        types,
        kinds,
        branches,
        enabled,
      };
      record(tx, {
        action: 'subscription.put',
        ...placeOf(write.scope, write.id),
        data: { ...data, secret: `${secret.scope}/secrets/${secret.id}` },
      });
      return { ...put, old };
    });
  }

  /** Another secret in place of the one it has, which signs on for so many hours; one that is paused stays so. @throws NOT_FOUND */
  async rotate(scope: Scope, id: string, hours: number = BOTH_HOURS): Promise<Written> {
    await this.subscriptions.get(scope, id);
    const made = await this.#make(scope);
    try {
      const put = await this.storage.transact(async (tx) => {
        const held = await this.subscriptions.hold(tx, scope, id);
        if (held === undefined) throw new Failure('NOT_FOUND', { what: 'subscription', id });
        const old = await this.subscriptions.keepSecret(tx, held, hours);
        const how = { position: START, isGenerated: true, changesSecret: true, staysPaused: true };
        const put = await this.subscriptions.put(tx, { ...held, secret: made }, how);
        const data = { secret: `${scope}/secrets/${made.id}`, hours };
        record(tx, { action: 'subscription.rotate-secret', ...placeOf(scope, id), data });
        return { ...put, old };
      });
      await this.#drop(put.old);
      return { ...put, signingSecret: made.text };
    } catch (error) {
      await this.#drop([made]);
      throw error;
    }
  }

  /** @throws NOT_FOUND */
  async delete(scope: Scope, id: string): Promise<void> {
    await this.#drop(await this.subscriptions.delete(scope, id));
  }

  /** Secrets whose time is over, and with them those that were made for a subscription. */
  async forgetPrevious(): Promise<void> {
    await this.#drop(await this.subscriptions.forgetPrevious());
  }

  /** Goes on from there. @throws NOT_FOUND, EVENTS_GONE */
  async replay(scope: Scope, id: string, from: { after: Position } | { since: Date }): Promise<Subscription> {
    const account = accountOf(scope);
    const position = 'after' in from ? from.after : await this.events.since(account, from.since);
    if (position !== START) await this.events.read(account, position, 1);
    return this.subscriptions.replay(scope, id, position);
  }

  /** Sends an event that is none to the receiver, whatever the subscription’s state. @throws NOT_FOUND, AUDIT_UNWRITABLE */
  async test(scope: Scope, id: string, actor: string): Promise<NewAttempt> {
    const subscription = await this.subscriptions.get(scope, id);
    return this.acts.outside(
      { action: 'subscription.test', ...placeOf(scope, id) },
      () => this.#test(subscription, actor),
      ({ status }) => ({ status }),
    );
  }

  async #test(subscription: Subscription, actor: string): Promise<NewAttempt> {
    const { scope, id } = subscription;
    const event = {
      position: subscription.position,
      id: randomUUID(),
      account: subscription.account,
      scope,
      type: 'subscription.test',
      subject: `subscriptions/${id}`,
      data: { id },
      createdAt: new Date(),
    };
    const keys = this.sender.keysOf(subscription, actor);
    const began = performance.now();
    const outcome = await this.sender.send(subscription, event, { keys }).finally(() => keys.close());
    const isDelivered = outcome.status !== null && outcome.status >= 200 && outcome.status < 300;
    const attempt = {
      event,
      ms: Math.round(performance.now() - began),
      status: outcome.status,
      error: isDelivered ? null : describeOutcome(outcome),
    };
    await this.subscriptions.noteTest(subscription, attempt);
    return attempt;
  }

  /** Opened once, so that one that cannot sign is refused here and not with the first event. */
  async #resolve(
    scope: Scope,
    id: string,
    name: string,
    { actor, mayUse }: { actor: string; mayUse: MayUse },
  ): Promise<SecretName> {
    const secret = await this.secrets.resolve(scope, name);
    mayUse(secret.scope);
    assertWithinReach(secret, 'manager');
    const keys = this.sender.keysOf({ scope, id }, actor);
    await keys.of({ secret, previousSecret: null }).finally(() => keys.close());
    return { scope: secret.scope, id: secret.id };
  }

  async #make(scope: Scope): Promise<Made> {
    const text = makeSigningSecret();
    const id = `webhook-${randomBytes(6).toString('hex')}`;
    const write = { kind: 'text' as const, manager: 'builtin' as const, value: Buffer.from(text) };
    await ownAccord(() => this.keeper.put(scope, id, write));
    return { scope, id, text };
  }

  /** One that something else uses by now stays. */
  async #drop(made: SecretName[]): Promise<void> {
    for (const { scope, id } of made) await ownAccord(() => this.keeper.delete(scope, id)).catch(ignoreKept);
  }
}

const placeOf = (scope: Scope, id: string) => ({ scope, target: `subscriptions/${id}` });

type Made = SecretName & { text: string };

const secretOf = (row: { secret_scope: Scope; secret_id: string }): SecretName => ({
  scope: row.secret_scope,
  id: row.secret_id,
});

const isSame = (one: SecretName, other: SecretName): boolean =>
  one.scope === other.scope && one.id === other.id;

function absent(error: unknown): undefined {
  if (!(error instanceof Failure) || error.code !== 'NOT_FOUND') throw error;
}

function ignoreKept(error: unknown): void {
  if (!(error instanceof Failure) || !/^(STILL_IN_USE|NOT_FOUND)$/.test(error.code)) throw error;
}
