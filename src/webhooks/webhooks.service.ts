// What may be set up as a connector's webhook, and what it takes with it when it goes.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { ownAccord } from '../audit/acting.js';
import { record } from '../audit/record.js';
import { Config } from '../config/config.js';
import { type Connector, ConnectorsRepository } from '../connectors/connectors.repository.js';
import { Failure } from '../kernel/failure.js';
import { Log } from '../kernel/log.js';
import type { Provider } from '../providers/provider.js';
import type { Scope } from '../scopes/scope.js';
import type { MayUse } from '../secrets/secret-use.js';
import { SecretsRepository } from '../secrets/secrets.repository.js';
import { SecretsService } from '../secrets/secrets.service.js';
import { Storage } from '../storage/database.js';
import { type Webhook, type WebhookSecret, WebhooksRepository } from './webhooks.repository.js';

const ADDRESS_BYTES = 32;
const SECRET_BYTES = 32;
/** Enough of a connector’s name to tell whose secret it is. */
const NAME_MAX = 100;

export interface PutWebhook {
  webhook: Webhook;
  connector: Connector;
  created: boolean;
  /** The value of a secret that was made by this call. It is told once. */
  value: string | null;
}

@Injectable()
export class WebhooksService {
  constructor(
    private readonly config: Config,
    private readonly storage: Storage,
    private readonly connectors: ConnectorsRepository,
    private readonly secrets: SecretsRepository,
    private readonly opener: SecretsService,
    private readonly webhooks: WebhooksRepository,
    private readonly log: Log,
  ) {}

  /** Where a host reaches it: a path alone where it is not known by which name the manager is reached. */
  addressOf({ address }: Webhook): { url: string | null; path: string } {
    const path = `/webhooks/${address}`;
    const { SALLYPORT_PUBLIC_URL: base } = this.config;
    return { url: base === undefined ? null : `${base}${path}`, path };
  }

  /**
   * Gives the connector a webhook, or the one that it has these secrets. Without any, it keeps those it has, and gets one of its own
   * where it has none.
   * @throws NOT_FOUND for the connector or a secret, PERMISSION_MISSING, SECRET_DELETED, WEBHOOK_SECRET_UNFIT
   */
  async put(
    scope: Scope,
    id: string,
    names: string[] | undefined,
    { actor, mayUse }: { actor: string; mayUse: MayUse },
  ): Promise<PutWebhook> {
    const connector = await this.connectors.get(scope, id);
    const before = await this.webhooks.find(scope, id);
    const named = names === undefined ? undefined : await this.#resolve(scope, names, before);
    assertUsable(named ?? [], before, mayUse);
    const needsOne = named === undefined && before === undefined;
    const made = needsOne ? await this.#make(scope, id, connector.provider) : null;
    const wanted = named ?? (made === null ? undefined : [made.secret]);
    const how = { onlyIfNew: made !== null, mayUse };
    const created = await this.#write(scope, id, wanted, how).catch(async (error: unknown) => {
      await this.#drop(made === null ? [] : [made.secret]);
      throw error;
    });
    const webhook = await this.webhooks.get(scope, id);
    const kept = new Set(webhook.secrets.map(nameOf));
    const gone = [...(before?.secrets ?? []), ...(made === null ? [] : [made.secret])];
    await this.#drop(gone.filter((one) => !kept.has(nameOf(one))));
    this.log.info({ audit: true, scope, id, actor, secrets: [...kept] }, 'webhook put');
    const isShown = made !== null && kept.has(nameOf(made.secret));
    return { webhook, connector, created, value: isShown ? made.value : null };
  }

  /** `told`: what else is to be on record. @throws NOT_FOUND */
  async delete(scope: Scope, id: string, actor: string, told?: object): Promise<void> {
    const { secrets } = await this.webhooks.get(scope, id);
    await this.webhooks.delete(scope, id, told);
    await this.#drop(secrets);
    this.log.info({ audit: true, scope, id, actor }, 'webhook deleted');
  }

  /** Whether it was made by this call. Somebody else’s of the same moment keeps its secrets, unless others are named. */
  async #write(
    scope: Scope,
    id: string,
    secrets: WebhookSecret[] | undefined,
    { onlyIfNew, mayUse }: { onlyIfNew: boolean; mayUse: MayUse },
  ): Promise<boolean> {
    return this.storage.transact(async (tx) => {
      await this.connectors.hold(tx, { scope, id });
      const address = randomBytes(ADDRESS_BYTES).toString('base64url');
      const created = await this.webhooks.open(tx, scope, id, address);
      // Those it had a moment ago it may have no more, and its connector another host.
      if (secrets !== undefined && !onlyIfNew)
        assertUsable(secrets, await this.webhooks.find(scope, id, tx), mayUse);
      if (secrets !== undefined && (created || !onlyIfNew))
        await this.webhooks.setSecrets(tx, scope, id, secrets);
      const data = { created, ...(secrets === undefined ? {} : { secrets: secrets.map(nameOf) }) };
      record(tx, { action: 'webhook.put', scope, target: `connectors/${id}/webhook`, data });
      return created;
    });
  }

  /** The manager itself verifies deliveries, so it has to be able to open what proves them. */
  async #resolve(scope: Scope, names: string[], before: Webhook | undefined): Promise<WebhookSecret[]> {
    const found: WebhookSecret[] = [];
    for (const name of names) {
      const { scope: place, id: secret, keptBy } = await this.secrets.resolve(scope, name);
      if (keptBy !== null) throw new Failure('WEBHOOK_SECRET_UNFIT', { secret: name, manager: keptBy.id });
      if (found.some((one) => one.secret === secret && one.scope === place)) continue;
      const made = before?.secrets.some((one) => one.made && one.secret === secret && one.scope === place);
      found.push({ scope: place, secret, made: made === true });
    }
    return found;
  }

  /** In the form that serves every proof of the host. */
  async #make(
    scope: Scope,
    id: string,
    provider: Provider,
  ): Promise<{ secret: WebhookSecret; value: string }> {
    const secret = `webhook-${id.slice(0, NAME_MAX)}-${randomBytes(4).toString('hex')}`;
    const bytes = randomBytes(SECRET_BYTES);
    const value = provider === 'gitlab' ? `whsec_${bytes.toString('base64')}` : bytes.toString('base64url');
    bytes.fill(0);
    const write = { kind: 'text' as const, manager: 'builtin' as const, value: Buffer.from(value) };
    await ownAccord(() => this.opener.put(scope, secret, write));
    return { secret: { scope, secret, made: true }, value };
  }

  /** Those that were made for the webhook go with it, unless somebody else has come to use them. */
  async #drop(secrets: WebhookSecret[]): Promise<void> {
    for (const { scope, secret, made } of secrets)
      if (made)
        await ownAccord(() => this.opener.delete(scope, secret)).catch((error: unknown) => {
          const isKept = error instanceof Failure && ['STILL_IN_USE', 'NOT_FOUND'].includes(error.code);
          if (!isKept) throw error;
        });
    await this.secrets.forgetDeleted();
  }
}

/** What it has already goes where it goes. @throws PERMISSION_MISSING */
function assertUsable(named: WebhookSecret[], before: Webhook | undefined, mayUse: MayUse): void {
  const had = new Set(before?.secrets.map(nameOf));
  for (const one of named) if (!had.has(nameOf(one))) mayUse(one.scope);
}

const nameOf = ({ scope, secret }: WebhookSecret): string => `${scope}/secrets/${secret}`;
