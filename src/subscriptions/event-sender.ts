// Sends one event to one receiver, signed, over a network of its own: what may be reached for events is set apart from what may
// be reached for Git, and no receiver is shown the manager’s certificate.
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import type { OwnPurpose } from '../contract/audit.js';
import { CLOUD_EVENT, toCloudEvent } from '../events/cloud-event.js';
import type { StoredEvent } from '../events/event.js';
import { type Network, openNetworkBesideGit } from '../git/network.js';
import { type Outcome, postOnce } from '../git/outbound-http.js';
import { Failure } from '../kernel/failure.js';
import type { ReceiverPolicy } from '../policy/receiver-url.js';
import { CurrentSecretsRepository } from '../secrets/current-secrets.repository.js';
import type { HeldSecret } from '../secrets/secrets.repository.js';
import { SecretsService } from '../secrets/secrets.service.js';
import { readSigningSecret, signatureHeaders } from './signature.js';
import type { SecretName, Subscription } from './subscription.js';

@Injectable()
export class EventSender {
  readonly #network: Network;
  readonly policy: ReceiverPolicy;

  constructor(
    private readonly config: Config,
    private readonly secrets: CurrentSecretsRepository,
    private readonly opener: SecretsService,
  ) {
    this.policy = {
      allowHttp: config.SALLYPORT_SUBSCRIPTIONS_ALLOW_HTTP,
      allowPrivate: config.SALLYPORT_SUBSCRIPTIONS_ALLOW_PRIVATE,
      allowed: config.SALLYPORT_SUBSCRIPTIONS_ALLOWED_RANGES,
      denied: config.SALLYPORT_GIT_DENIED_RANGES,
    };
    this.#network = openNetworkBesideGit(config, this.policy);
  }

  /** The keys of a subscription for a while; whoever has them closes them. */
  keysOf({ scope, id }: Pick<Subscription, 'scope' | 'id'>, actor: string): SigningKeys {
    return new SigningKeys(this.secrets, this.opener, {
      kind: 'event-delivery',
      subject: `${scope}/subscriptions/${id}`,
      operations: [],
      actors: [actor],
    });
  }

  /** @throws nothing: what stands in the way is an outcome */
  async send(
    subscription: Subscription,
    event: StoredEvent,
    { keys, signal }: { keys: SigningKeys; signal?: AbortSignal },
  ): Promise<Outcome> {
    const body = Buffer.from(JSON.stringify(toCloudEvent(event)));
    try {
      const signing = await keys.of(subscription);
      return await postOnce(this.#network, subscription.url, {
        headers: {
          'content-type': CLOUD_EVENT,
          'user-agent': 'sallyport',
          ...signatureHeaders({ id: event.id, at: new Date(), body }, signing),
        },
        body,
        deadlineMs: this.config.SALLYPORT_SUBSCRIPTIONS_DEADLINE_SECONDS * 1_000,
        signal,
      });
    } catch (error) {
      const { code, message } = Failure.from(error);
      return { status: null, reason: `${code}: ${message}` };
    }
  }
}

/** Looked up at every use, and opened anew where another version is current. */
export class SigningKeys {
  readonly #opened = new Map<string, { version: string; key: Buffer }>();

  constructor(
    private readonly secrets: CurrentSecretsRepository,
    private readonly opener: SecretsService,
    private readonly purpose: OwnPurpose,
  ) {}

  /** @throws NOT_FOUND, SECRET_DELETED, SUBSCRIPTION_UNFIT, and what opening a secret throws */
  async of({ secret, previousSecret }: Pick<Subscription, 'secret' | 'previousSecret'>): Promise<Buffer[]> {
    const isLive = previousSecret !== null && previousSecret.until.getTime() > Date.now();
    const names: SecretName[] = isLive ? [secret, previousSecret] : [secret];
    return Promise.all(names.map((name) => this.#keyOf(name)));
  }

  close(): void {
    for (const { key } of this.#opened.values()) key.fill(0);
    this.#opened.clear();
  }

  async #keyOf({ scope, id }: SecretName): Promise<Buffer> {
    const held = await this.secrets.find(scope, id);
    const known = this.#opened.get(`${scope} ${id}`);
    if (known?.version === held.stored.version) return known.key;
    const key = await this.#open(held);
    known?.key.fill(0);
    this.#opened.set(`${scope} ${id}`, { version: held.stored.version, key });
    return key;
  }

  async #open(held: HeldSecret): Promise<Buffer> {
    const opened = await this.opener.open(held, this.purpose);
    try {
      const key = opened.use((bytes) => readSigningSecret(bytes.toString('latin1')));
      if (key !== undefined) return key;
    } finally {
      opened.wipe();
    }
    throw new Failure('SUBSCRIPTION_UNFIT', {
      problem: `Secret ${held.id} holds no signing secret`,
      mend: 'Write whsec_ and 24 to 64 random bytes in base64 into it, or leave the secret out to have one made',
    });
  }
}
