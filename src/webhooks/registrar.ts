// Registers a connector's webhook at its host, over the connector's own road and with its own credential, and takes it away again.
import { Injectable } from '@nestjs/common';
import { ownAccord } from '../audit/acting.js';
import { Acts } from '../audit/acts.js';
import { Connectivity } from '../connectivity/connectivity.js';
import { type Connector, ConnectorsRepository } from '../connectors/connectors.repository.js';
import { Failure, type WireFailure } from '../kernel/failure.js';
import { Log } from '../kernel/log.js';
import type { HostApi } from '../providers/host-api.js';
import type { Scope } from '../scopes/scope.js';
import { SecretsRepository } from '../secrets/secrets.repository.js';
import { SecretsService } from '../secrets/secrets.service.js';
import { HostPauses } from '../sync/host-pauses.js';
import { type Webhook, WebhooksRepository } from './webhooks.repository.js';
import { WebhooksService } from './webhooks.service.js';

@Injectable()
export class Registrar {
  constructor(
    private readonly service: WebhooksService,
    private readonly webhooks: WebhooksRepository,
    private readonly connectors: ConnectorsRepository,
    private readonly connectivity: Connectivity,
    private readonly secrets: SecretsRepository,
    private readonly opener: SecretsService,
    private readonly pauses: HostPauses,
    private readonly acts: Acts,
    private readonly log: Log,
  ) {}

  /**
   * Registers it where it is not, and repairs it where it is. The secret is set anew unless the host is known to have it. A host
   * that asked for patience is not asked before its time.
   * @throws NOT_FOUND, WEBHOOK_ADDRESS_UNKNOWN, SECRET_DELETED, AUDIT_UNWRITABLE, and what `HostApi` throws
   */
  async register(scope: Scope, id: string, actor: string): Promise<void> {
    const connector = await this.connectors.get(scope, id);
    const webhook = await this.webhooks.get(scope, id);
    const { url } = this.service.addressOf(webhook);
    if (url === null) throw new Failure('WEBHOOK_ADDRESS_UNKNOWN');
    const asked = this.pauses.forApi(connector, 'register the webhook');
    if (asked !== undefined) throw asked;
    await this.acts.begin(actOf(webhook, 'webhook.register'), (begun) =>
      this.#register({ connector, webhook, url, actor }, begun.data),
    );
  }

  async #register(
    {
      connector,
      webhook,
      url,
      actor,
    }: { connector: Connector; webhook: Webhook; url: string; actor: string },
    told: object,
  ): Promise<void> {
    const { scope, id } = webhook;
    const host = await this.#open(connector, actor);
    const [first] = webhook.secrets;
    const held = await this.secrets.held(first?.scope ?? scope, first?.secret ?? '');
    const { version } = held.stored;
    const before = webhook.registration;
    const isKnown = before?.url === url && before.secretVersion === version;
    const subject = `${scope}/connectors/${id}/webhook`;
    const secret = await this.opener.open(held, {
      kind: 'webhook',
      subject,
      operations: [],
      actors: [actor],
    });
    try {
      const topics = ['push', 'pull'] as const;
      const wish = { url, secret, topics: [...topics], renewSecret: !isKnown };
      const { outcome, ...hook } = await host.ensureHook(wish).catch((error: unknown) => {
        this.pauses.hear(Failure.from(error), connector);
        throw error;
      });
      const at = new Date().toISOString();
      const { id: hookId, active } = hook;
      const registration = { id: hookId, url, active, at, secretVersion: version };
      await this.webhooks.setRegistration(scope, id, registration, told);
      this.log.info({ audit: true, scope, id, actor, outcome }, 'webhook registered');
    } finally {
      secret.wipe();
      this.pauses.note(host.rate, connector);
    }
  }

  /** Registers again what was registered before; undefined where nothing was. */
  async repair(
    scope: Scope,
    id: string,
    actor: string,
  ): Promise<{ failure: WireFailure | null } | undefined> {
    const webhook = await this.webhooks.find(scope, id);
    if (webhook === undefined || webhook.registration === null) return undefined;
    try {
      await ownAccord(() => this.register(scope, id, actor));
      return { failure: null };
    } catch (error) {
      this.log.warn({ err: error, scope, id }, 'webhook not registered');
      return { failure: Failure.from(error, 'webhook registration').toWire() };
    }
  }

  /** The webhook with all that belongs to it, at the host as well, as far as the host lets us. @throws NOT_FOUND, AUDIT_UNWRITABLE */
  async delete(scope: Scope, id: string, actor: string): Promise<void> {
    const webhook = await this.webhooks.get(scope, id);
    const { registration } = webhook;
    if (registration === null) return this.service.delete(scope, id, actor);
    await this.acts.begin(actOf(webhook, 'webhook.delete'), async (begun) => {
      const told = await this.#remove(webhook, registration.url, actor).catch((error: unknown): AtHost => {
        this.log.warn({ err: error, scope, id }, 'the webhook stays at its host');
        return { atHost: 'left', code: Failure.from(error).code };
      });
      await this.service.delete(scope, id, actor, { ...begun.data, ...told });
    });
  }

  async #remove({ scope, id }: Webhook, url: string, actor: string): Promise<AtHost> {
    const host = await this.#open(await this.connectors.get(scope, id), actor);
    return { atHost: (await host.removeHook(url)) ? 'removed' : 'absent' };
  }

  #open(connector: Connector, actor: string): Promise<HostApi> {
    return this.connectivity.openHost(connector, { kind: 'webhook', operations: [], actors: [actor] });
  }
}

/** What became of a webhook at its host when it was deleted here, as it is on record. */
type AtHost = { atHost: 'removed' | 'absent' } | { atHost: 'left'; code: string };

const actOf = ({ scope, id }: Webhook, action: string) => ({
  action,
  scope,
  target: `connectors/${id}/webhook`,
});
