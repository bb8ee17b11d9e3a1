import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Acts } from '../audit/acts.js';
import { DelegatedSecrets } from '../connectivity/delegated-secrets.js';
import { Tag } from '../contract/presence.js';
import { ManagerSettings } from '../contract/secret-managers.js';
import { ManagerKeys } from '../delegates/manager-keys.js';
import { Failure } from '../kernel/failure.js';
import { OutwardName } from '../policy/identifiers.js';
import { GroupName } from '../policy/text.js';
import { scopeOf } from '../scopes/scope.js';
import { fingerprintOf } from '../sealing/identity.js';
import { P256Key, PublicKey, Signature } from '../sealing/sealed-message.js';
import { type SecretManagerRecord, SecretManagersRepository } from '../secrets/secret-managers.repository.js';
import { SecretsService } from '../secrets/secrets.service.js';
import { actorOf, mayUse } from './access.js';
import { Answers, ofBody } from './answers.js';
import { NamedParameters, PAGE_DEFAULT, ScopeParameters, UsesQuery, under } from './parameters.js';
import { toProblem } from './problem.filter.js';
import { UsesAnswer } from './uses-answer.js';

export const SecretManagerBody = z.strictObject({
  settings: ManagerSettings.meta({ description: 'By kind, as docs/reference/secret-managers.md lists them' }),
  credential: OutwardName.optional().meta({
    description: 'Builtin secret it signs in with; default: the delegate’s own identity',
  }),
  group: GroupName.optional().meta({
    description: 'The one delegate group that may serve it; default: any in its scope or further out',
  }),
  tags: z.array(Tag).max(32).optional().meta({ description: 'A delegate that serves it has all of these' }),
});
type SecretManagerBody = z.infer<typeof SecretManagerBody>;

export const SecretManagerAnswer = z
  .strictObject({
    scope: z.string(),
    id: z.string(),
    settings: ManagerSettings,
    credential: z.strictObject({ secret: z.string(), secretScope: z.string() }).nullable(),
    group: z.string().nullable(),
    tags: z.array(z.string()),
    revision: z.string(),
  })
  .meta({ id: 'SecretManager' });

export const SecretManagerList = z.strictObject({ secretManagers: z.array(SecretManagerAnswer) });

export const SecretManagerCheckAnswer = z
  .strictObject({
    ok: z.boolean(),
    ms: z.number().nullable(),
    code: z.string().optional(),
    detail: z.string().optional(),
    hint: z.string().optional(),
  })
  .meta({ id: 'SecretManagerCheck' });

export const SealingKeyAnswer = z
  .strictObject({
    deployment: z.string(),
    group: z.string(),
    groupName: z.string(),
    identityKey: PublicKey.meta({ description: 'Ed25519, base64url' }),
    fingerprint: z
      .string()
      .meta({ description: 'Of the identity, as enrolment showed it; to be compared or pinned' }),
    sealingKey: PublicKey.meta({ description: 'X25519, base64url' }),
    signature: Signature.meta({ description: 'The identity’s word for the sealing key' }),
    p256: z
      .strictObject({
        sealingKey: P256Key.meta({ description: 'An uncompressed point of P-256, base64url' }),
        signature: Signature,
      })
      .nullable()
      .meta({ description: 'For clients without X25519; null where the group has none yet' }),
  })
  .meta({ id: 'SealingKey' });

export const KeyList = z
  .strictObject({
    keys: z.array(
      z.strictObject({
        key: z.string().meta({ description: 'With its version, where it has one' }),
        versions: z.int().meta({ description: 'Secret versions that it wraps' }),
        superseded: z.int().meta({ description: 'Versions and wraps that are kept for a while only' }),
        retiredAt: z.iso.datetime().nullable(),
      }),
    ),
  })
  .meta({ id: 'KeyList' });

export const KeyBody = z.strictObject({ key: z.string().min(1).max(512) });
type KeyBody = z.infer<typeof KeyBody>;

@Controller(under('secret-managers'))
export class SecretManagerListController {
  constructor(private readonly managers: SecretManagersRepository) {}

  @Get()
  @Answers({
    needs: 'secret.view',
    summary: 'List the secret managers of a scope',
    problems: [],
    200: SecretManagerList,
  })
  async list(@Param({ schema: ScopeParameters }) names: ScopeParameters) {
    return { secretManagers: await this.managers.list(scopeOf(names)) };
  }
}

@Controller(under('secret-managers/:id'))
export class SecretManagersController {
  constructor(
    private readonly service: SecretsService,
    private readonly managers: SecretManagersRepository,
    private readonly delegated: DelegatedSecrets,
    private readonly keys: ManagerKeys,
    private readonly acts: Acts,
  ) {}

  @Put()
  @Answers({
    needs: 'secret.manage',
    summary: 'Create or change a secret manager; its kind stays',
    problems: [
      ...ofBody,
      'SCOPE_NOT_FOUND',
      'NOT_FOUND',
      'SECRET_MANAGER_UNFIT',
      'SECRET_DELETED',
      'STILL_IN_USE',
    ],
    200: SecretManagerAnswer,
    201: SecretManagerAnswer,
  })
  async put(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Body({ schema: SecretManagerBody }) body: SecretManagerBody,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SecretManagerRecord> {
    const { manager, created } = await this.service.putManager(scopeOf(names), id, body, mayUse(request));
    reply.status(created ? 201 : 200);
    return manager;
  }

  @Get()
  @Answers({
    needs: 'secret.view',
    summary: 'Read a secret manager',
    problems: ['NOT_FOUND'],
    200: SecretManagerAnswer,
  })
  async get(@Param({ schema: NamedParameters }) { id, ...names }: NamedParameters) {
    return this.managers.get(scopeOf(names), id);
  }

  @Delete()
  @HttpCode(204)
  @Answers({
    needs: 'secret.manage',
    summary: 'Delete a secret manager that keeps nothing and that nothing refers to',
    problems: ['NOT_FOUND', 'STILL_IN_USE'],
    204: null,
  })
  async delete(@Param({ schema: NamedParameters }) { id, ...names }: NamedParameters): Promise<void> {
    await this.service.deleteManager(scopeOf(names), id);
  }

  @Get('uses')
  @Answers({
    needs: 'secret.view',
    summary: 'List the secrets that a secret manager keeps, and the connectors that refer to a value in it',
    problems: ['NOT_FOUND'],
    200: UsesAnswer,
  })
  async uses(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Query({ schema: UsesQuery }) { limit = PAGE_DEFAULT }: UsesQuery,
  ) {
    return this.service.usesOfManager(scopeOf(names), id, limit);
  }

  @Get('sealing-key')
  @Answers({
    needs: 'secret.view',
    summary: 'Read whom to seal a value to that this secret manager is to keep',
    problems: ['NOT_FOUND', 'DELEGATE_UNAVAILABLE'],
    200: SealingKeyAnswer,
  })
  async sealingKey(@Param({ schema: NamedParameters }) { id, ...names }: NamedParameters) {
    const manager = await this.managers.get(scopeOf(names), id);
    const {
      id: group,
      name,
      identityKey,
      sealingKey,
      signature,
      p256,
    } = await this.delegated.sealingGroup(manager);
    const fingerprint = fingerprintOf(identityKey);
    const { deployment } = this.keys;
    const target = { deployment, group, groupName: name, identityKey, fingerprint };
    return { ...target, sealingKey, signature, p256 };
  }

  @Get('keys')
  @Answers({
    needs: 'secret.view',
    summary: 'List the keys that wrap what a secret manager keeps in this scope and within',
    problems: ['NOT_FOUND'],
    200: KeyList,
  })
  async listKeys(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
  ): Promise<z.infer<typeof KeyList>> {
    const scope = scopeOf(names);
    const keeper = id === 'builtin' ? null : await this.managers.get(scope, id);
    const keys = await this.managers.keys(keeper, scope);
    return { keys: keys.map((key) => ({ ...key, retiredAt: key.retiredAt?.toISOString() ?? null })) };
  }

  @Post('keys/retire')
  @HttpCode(204)
  @Answers({
    needs: 'secret.manage',
    summary: 'Take no more secrets that this key wrapped; refused while any depends on it',
    problems: [...ofBody, 'NOT_FOUND', 'STILL_IN_USE', 'SECRET_MANAGER_UNFIT'],
    204: null,
  })
  async retireKey(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Body({ schema: KeyBody }) { key }: KeyBody,
  ): Promise<void> {
    if (id === 'builtin')
      throw new Failure('SECRET_MANAGER_UNFIT', {
        problem: 'the master keys of builtin are the whole deployment’s',
        mend: 'Its operator retires one: npm run -s master-key -- retire KEY_ID',
      });
    await this.managers.retireKey(scopeOf(names), id, key);
  }

  @Post('keys/reinstate')
  @HttpCode(204)
  @Answers({
    needs: 'secret.manage',
    summary: 'Take secrets again that a retired key wrapped',
    problems: [...ofBody, 'NOT_FOUND'],
    204: null,
  })
  async reinstateKey(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Body({ schema: KeyBody }) { key }: KeyBody,
  ): Promise<void> {
    await this.managers.reinstateKey(scopeOf(names), id, key);
  }

  @Post('check')
  @HttpCode(200)
  @Answers({
    needs: 'secret.manage',
    summary: 'Try a secret manager from a delegate; nothing changes there',
    problems: ['NOT_FOUND'],
    200: SecretManagerCheckAnswer,
  })
  async check(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Req() request: FastifyRequest,
  ): Promise<z.infer<typeof SecretManagerCheckAnswer>> {
    const scope = scopeOf(names);
    const manager = await this.managers.get(scope, id);
    const checked = await this.acts.outside(
      { action: 'secret-manager.check', scope, target: `secret-managers/${id}` },
      () => this.delegated.check(manager, actorOf(request)).catch((error: unknown) => Failure.from(error)),
      (done) => ({ ok: !(done instanceof Failure) }),
    );
    if (!(checked instanceof Failure)) return { ok: true, ms: checked };
    const { code, detail, hint } = toProblem(checked);
    return { ok: false, ms: null, code, detail, hint };
  }
}
