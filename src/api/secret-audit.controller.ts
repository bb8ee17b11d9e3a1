import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { DelegatedSecrets } from '../connectivity/delegated-secrets.js';
import { type Behind, SecretAuditFlow } from '../connectivity/secret-audit.flow.js';
import { ownPurposeKinds } from '../contract/audit.js';
import { ACTOR_MAX } from '../kernel/actor.js';
import { Identifier } from '../policy/identifiers.js';
import { PageLimit } from '../policy/text.js';
import { type Scope, scopeOf } from '../scopes/scope.js';
import {
  type AuditFilter,
  type AuditRow,
  SecretAuditRepository,
} from '../secrets/secret-audit.repository.js';
import { SecretsRepository } from '../secrets/secrets.repository.js';
import { nameUse, type Use, UsesRepository } from '../secrets/uses.repository.js';
import { Answers } from './answers.js';
import { Cursor, NamedParameters, PAGE_DEFAULT, ScopeParameters, toCursor, under } from './parameters.js';

const Moment = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

const PageQuery = z.strictObject({ limit: PageLimit.optional(), cursor: Cursor.optional() });
type PageQuery = z.infer<typeof PageQuery>;

const SecretAuditQuery = PageQuery.extend({
  secret: Identifier.optional(),
  actor: z
    .string()
    .min(1)
    .max(ACTOR_MAX)
    .optional()
    .meta({ description: 'As in a record, or the token’s name alone' }),
  since: Moment.optional(),
  until: Moment.optional(),
});
type SecretAuditQuery = z.infer<typeof SecretAuditQuery>;

const AuditRecordAnswer = z
  .strictObject({
    id: z.uuid(),
    at: z.iso.datetime().meta({ description: 'By the clock of whoever opened it' }),
    recordedAt: z.iso.datetime(),
    openedBy: z.string().meta({ description: '`manager`, or the id of a delegate' }),
    outcome: z
      .enum(['opened', 'refused', 'lost'])
      .meta({ description: '`lost`: records of the delegate that are gone; `note` says which' }),
    code: z.string().nullable().meta({ description: 'Why it was refused' }),
    scope: z.string(),
    secret: z.string().nullable(),
    version: z.string().nullable(),
    keyId: z.string().nullable().meta({ description: 'Which version of which key wrapped it' }),
    storeVersion: z.string().nullable().meta({ description: 'As the store names it; null for the latest' }),
    manager: z
      .string()
      .nullable()
      .meta({ description: 'Null for builtin and, where a delegate opened it, its keyring' }),
    managerScope: z.string().nullable(),
    purpose: z.enum(ownPurposeKinds).nullable(),
    subject: z
      .string()
      .nullable()
      .meta({ description: 'The connector, secret manager, secret or operation it was opened for' }),
    operations: z.array(z.string()),
    actors: z
      .array(z.string())
      .meta({ description: 'The tokens whose requests caused it: each one’s name, and how its id begins' }),
    lentTo: z.string().nullable().meta({
      description:
        'Inside a task, `delegate` for a connector’s password, or the secret manager that signs in with it',
    }),
    task: z.string().nullable(),
    note: z.string().nullable(),
  })
  .meta({ id: 'SecretAuditRecord' });

export const SecretAuditPage = z
  .strictObject({
    records: z.array(AuditRecordAnswer),
    nextCursor: z.string().nullable(),
    behind: z
      .array(
        z.strictObject({
          id: z.string(),
          name: z.string(),
          group: z.string(),
          fetchedAt: z.iso.datetime().nullable(),
        }),
      )
      .meta({ description: 'Delegates that may have newer records, and when they last had none' }),
  })
  .meta({ id: 'SecretAuditPage' });

export const SecretAccessAnswer = z
  .strictObject({
    manager: z.boolean().meta({ description: 'Whether the manager opens it itself' }),
    delegates: z
      .array(
        z.strictObject({
          id: z.string(),
          name: z.string(),
          group: z.string(),
          scope: z.string(),
          state: z.enum(['enabled', 'disabled', 'draining', 'revoked']),
          alive: z.boolean(),
        }),
      )
      .meta({ description: 'Those that may open it, whether they are there now or not' }),
    connectors: z.array(z.string()).meta({ description: 'Those whose password it is' }),
    secretManagers: z.array(z.string()).meta({ description: 'Those that sign in with it' }),
    subscriptions: z.array(z.string()).meta({ description: 'Those whose events it signs' }),
    webhooks: z.array(z.string()).meta({ description: 'Those whose deliveries it proves' }),
    identityProviders: z.array(z.string()).meta({ description: 'Those it proves this client to' }),
  })
  .meta({ id: 'SecretAccess' });

@Controller()
export class SecretAuditController {
  constructor(
    private readonly audit: SecretAuditRepository,
    private readonly flow: SecretAuditFlow,
    private readonly secrets: SecretsRepository,
    private readonly delegated: DelegatedSecrets,
    private readonly uses: UsesRepository,
  ) {}

  @Get(under('secrets/:id/audit'))
  @Answers({
    needs: 'audit.view',
    summary: 'List who opened a secret, and what for, newest first',
    200: SecretAuditPage,
  })
  async ofSecret(
    @Param({ schema: NamedParameters }) { id: secret, ...names }: NamedParameters,
    @Query({ schema: PageQuery }) { cursor, limit = PAGE_DEFAULT }: PageQuery,
  ) {
    return this.#page({ scope: scopeOf(names), within: false, secret, before: cursor, limit });
  }

  @Get(under('secret-audit'))
  @Answers({
    needs: 'audit.view',
    summary: 'List who opened the secrets of a scope and within, newest first',
    200: SecretAuditPage,
  })
  async ofScope(
    @Param({ schema: ScopeParameters }) names: ScopeParameters,
    @Query({ schema: SecretAuditQuery }) { cursor, limit = PAGE_DEFAULT, ...filter }: SecretAuditQuery,
  ) {
    return this.#page({ scope: scopeOf(names), within: true, ...filter, before: cursor, limit });
  }

  @Get(under('secrets/:id/access'))
  @Answers({
    needs: 'secret.view',
    summary: 'List who may open a secret now',
    problems: ['NOT_FOUND'],
    200: SecretAccessAnswer,
  })
  async access(@Param({ schema: NamedParameters }) { id, ...names }: NamedParameters) {
    const { scope, keptBy } = await this.secrets.get(scopeOf(names), id);
    const openers = keptBy === null ? [] : await this.delegated.openers(keptBy);
    return {
      manager: keptBy === null,
      delegates: openers.map(({ delegate }) => ({
        id: delegate.id,
        name: delegate.name,
        group: delegate.group,
        scope: delegate.scope,
        state: delegate.state,
        alive: delegate.alive,
      })),
      ...(await this.#users(scope, id)),
    };
  }

  async #users(scope: Scope, id: string) {
    const { uses } = await this.uses.ofSecret(scope, id, null);
    const named = (wanted: Use['what']): string[] => uses.filter(({ what }) => what === wanted).map(nameUse);
    return {
      connectors: named('connector'),
      secretManagers: named('secret-manager'),
      subscriptions: named('subscription'),
      webhooks: named('webhook'),
      identityProviders: named('identity-provider'),
    };
  }

  async #page(filter: AuditFilter): Promise<z.infer<typeof SecretAuditPage>> {
    const behind = await this.flow.refresh(filter.scope);
    const { rows, next } = await this.audit.list(filter);
    return {
      records: rows.map(toAnswer),
      nextCursor: next === null ? null : toCursor(next),
      behind: behind.map(toBehind),
    };
  }
}

const toBehind = ({ delegate: { id, name, group }, fetchedAt }: Behind) => ({
  id,
  name,
  group,
  fetchedAt: fetchedAt?.toISOString() ?? null,
});

const toAnswer = (row: AuditRow): z.infer<typeof AuditRecordAnswer> => ({
  id: row.id,
  at: row.at.toISOString(),
  recordedAt: row.recorded_at.toISOString(),
  openedBy: row.opened_by,
  outcome: row.outcome,
  code: row.code,
  scope: row.scope,
  secret: row.secret_id,
  version: row.version,
  keyId: row.key_id,
  storeVersion: row.store_version,
  manager: row.manager_id,
  managerScope: row.manager_scope,
  purpose: row.purpose as z.infer<typeof AuditRecordAnswer>['purpose'],
  subject: row.subject,
  operations: row.operations,
  actors: row.actors,
  lentTo: row.lent_to,
  task: row.task,
  note: row.note,
});
