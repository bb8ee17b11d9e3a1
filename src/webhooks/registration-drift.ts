// A webhook that was registered, against what its host says of it now.
import { Injectable } from '@nestjs/common';
import { Connectivity } from '../connectivity/connectivity.js';
import { Failure } from '../kernel/failure.js';
import type { Hook } from '../providers/host-api.js';
import {
  type DriftPart,
  type DriftQuestion,
  DriftSource,
  type RepairedThing,
  summarise,
} from '../sync/drift.js';
import { Registrar } from './registrar.js';
import { WebhooksRepository } from './webhooks.repository.js';
import { WebhooksService } from './webhooks.service.js';

@Injectable()
export class RegistrationDrift extends DriftSource {
  constructor(
    private readonly webhooks: WebhooksRepository,
    private readonly service: WebhooksService,
    private readonly connectivity: Connectivity,
    private readonly registrar: Registrar,
  ) {
    super();
  }

  /** A host that cannot be asked is a difference as well: what it would say is not known. */
  override async look({ connector, branch, after, actor }: DriftQuestion): Promise<DriftPart> {
    const none = { sections: [], next: null };
    if (branch !== undefined || after !== undefined) return none;
    const webhook = await this.webhooks.find(connector.scope, connector.id);
    if (webhook === undefined || webhook.registration === null) return none;
    const problem = await this.#problem({ connector, actor }, this.service.addressOf(webhook).url).catch(
      (error: unknown) => Failure.from(error, 'webhook registration'),
    );
    const difference = { kind: 'registration' as const, path: null, entity: null, git: null, copy: null };
    const section = {
      source: 'webhook' as const,
      branch: null,
      isTracked: true,
      head: null,
      synced: null,
      copies: 0,
      ...summarise(problem === undefined ? [] : [{ ...difference, problem: problem.toWire() }]),
    };
    return { sections: [section], next: null };
  }

  override async repair({
    connector,
    actor,
  }: Pick<DriftQuestion, 'connector' | 'actor'>): Promise<RepairedThing | undefined> {
    const repaired = await this.registrar.repair(connector.scope, connector.id, actor);
    return repaired === undefined ? undefined : { source: 'webhook', ...repaired };
  }

  async #problem(
    { connector, actor }: Pick<DriftQuestion, 'connector' | 'actor'>,
    url: string | null,
  ): Promise<Failure | undefined> {
    if (url === null) return new Failure('WEBHOOK_ADDRESS_UNKNOWN') as Failure;
    const cause = { kind: 'webhook' as const, operations: [], actors: [actor] };
    const host = await this.connectivity.openHost(connector, cause);
    const hook = await host.findHook(url);
    const problem = problemOf(hook, url);
    return problem === undefined ? undefined : (new Failure('WEBHOOK_UNSOUND', { problem }) as Failure);
  }
}

function problemOf(hook: Hook | null, url: string): string | undefined {
  if (hook === null) return 'the host has no webhook that calls it';
  if (hook.url !== url) return 'the host calls it where the manager was reached before';
  if (!hook.active) return 'the host has switched it off';
  if (!hook.wellFormed) return 'the host sends it in a form that the door does not take';
  const missing = (['push', 'pull'] as const).filter((topic) => !hook.topics.includes(topic));
  return missing.length === 0 ? undefined : `the host does not tell it of ${missing.join(' and ')}`;
}
