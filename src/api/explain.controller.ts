import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Connectivity } from '../connectivity/connectivity.js';
import { type Connector, ConnectorsRepository, secretsOf } from '../connectors/connectors.repository.js';
import { Dispatcher } from '../delegates/dispatcher.js';
import type { Verdict } from '../delegates/selection.js';
import { Identifier } from '../policy/identifiers.js';
import { scopeOf } from '../scopes/scope.js';
import { type KeptBy, SecretsRepository } from '../secrets/secrets.repository.js';
import { canReach } from '../secrets/secrets.service.js';
import { Answers, ofBody } from './answers.js';
import { ScopeParameters, under } from './parameters.js';

export const ExplainBody = z.strictObject({
  connector: Identifier.meta({ description: 'Connector that a save would name' }),
});
type ExplainBody = z.infer<typeof ExplainBody>;

const Carrier = z.strictObject({
  eligible: z.boolean(),
  reasons: z
    .array(z.strictObject({ code: z.string(), detail: z.string() }))
    .meta({ description: 'Why not; for an eligible one, why it would wait' }),
});

export const ExplainAnswer = z
  .strictObject({
    connector: z.string(),
    connectivity: z.enum(['manager', 'delegate']),
    carriedBy: z.string().nullable().meta({
      description: '`manager`, the id of the delegate that would be chosen now, or null for nobody',
    }),
    manager: Carrier.meta({
      description: 'Whether the manager itself could, were the connectivity `manager`',
    }),
    delegates: z
      .array(Carrier.extend({ id: z.string(), name: z.string(), group: z.string(), scope: z.string() }))
      .meta({ description: 'In the order in which they would be chosen' }),
  })
  .meta({ id: 'Explanation' });

@Controller(under('explain'))
export class ExplainController {
  constructor(
    private readonly connectors: ConnectorsRepository,
    private readonly secrets: SecretsRepository,
    private readonly connectivity: Connectivity,
    private readonly dispatcher: Dispatcher,
  ) {}

  @Post()
  @HttpCode(200)
  @Answers({
    needs: 'delegate.view',
    summary: 'Explain who would carry a save through a connector, and why nobody else',
    problems: [...ofBody, 'NOT_FOUND', 'SECRET_DELETED'],
    200: ExplainAnswer,
  })
  async explain(
    @Param({ schema: ScopeParameters }) names: ScopeParameters,
    @Body({ schema: ExplainBody }) body: ExplainBody,
  ): Promise<z.infer<typeof ExplainAnswer>> {
    const connector = await this.connectors.resolve(scopeOf(names), body.connector);
    const reasons: { code: string; detail: string }[] = [];
    if (!/^https?:/.test(connector.url))
      reasons.push({ code: 'engine', detail: 'the manager does not speak SSH' });
    for (const keptBy of (await this.#keepersOf(connector)).filter((one) => !canReach(one, 'manager')))
      reasons.push({ code: 'secret', detail: `it cannot open secrets of ${keptBy?.id ?? 'builtin'}` });
    const verdicts = await this.dispatcher.explain(await this.connectivity.errandOf(connector));
    const chosen = verdicts.find(({ eligible }) => eligible)?.delegate.id ?? null;
    return {
      connector: connector.id,
      connectivity: connector.connectivity,
      carriedBy: connector.connectivity === 'manager' ? 'manager' : chosen,
      manager: { eligible: reasons.length === 0, reasons },
      delegates: verdicts.map(toAnswer),
    };
  }

  /** Who keeps its secrets; null for the builtin secret manager. */
  async #keepersOf(connector: Connector): Promise<KeptBy[]> {
    const { credential } = connector;
    const kept = await Promise.all(
      secretsOf(connector).map(async ({ scope, id }) => (await this.secrets.resolve(scope, id)).keptBy),
    );
    if (credential === null || !('reference' in credential)) return kept;
    return [{ scope: credential.managerScope, id: credential.manager }, ...kept];
  }
}

const toAnswer = ({ delegate: { id, name, group, scope }, eligible, reasons }: Verdict) => ({
  id,
  name,
  group,
  scope,
  eligible,
  reasons,
});
