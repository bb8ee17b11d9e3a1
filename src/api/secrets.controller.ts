import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Acts } from '../audit/acts.js';
import { type Kept, SealedValuesFlow } from '../connectivity/sealed-values.flow.js';
import { SecretRefresh } from '../connectivity/secret-refresh.js';
import { Envelope } from '../envelope/envelope.js';
import { Failure } from '../kernel/failure.js';
import { Log } from '../kernel/log.js';
import { OutwardName } from '../policy/identifiers.js';
import { StoreField, StorePath, StoreVersion } from '../policy/path-references.js';
import { FileValue, SecretValue, SshKeyValue } from '../policy/text.js';
import { type Scope, scopeOf } from '../scopes/scope.js';
import { ScopesRepository } from '../scopes/scopes.repository.js';
import { P256Key, PublicKey } from '../sealing/sealed-message.js';
import type { SealedValueRecord } from '../secrets/sealed-values.repository.js';
import { SecretManagersRepository } from '../secrets/secret-managers.repository.js';
import type { MayUse } from '../secrets/secret-use.js';
import { type SecretRecord, SecretsRepository } from '../secrets/secrets.repository.js';
import { SecretsService, type SecretWrite } from '../secrets/secrets.service.js';
import { actorOf, mayUse, requirePermission } from './access.js';
import { Answers, ofBody, ofRoad } from './answers.js';
import {
  NamedParameters,
  PAGE_DEFAULT,
  ScopeParameters,
  SecretDeletionQuery,
  SecretListQuery,
  toCursor,
  UsesQuery,
  under,
} from './parameters.js';
import { toProblem } from './problem.filter.js';
import { UsesAnswer } from './uses-answer.js';

const SEAL_FIRST =
  'Only the builtin secret manager takes a value: for any other, seal it on the delegate’s side with `npm run delegate -- secret put`, or refer to where a store has it';

const SEALED_MS_MAX = 15 * 60_000;
/** How far the clocks of a client and of the manager may be apart. */
const SKEW_MS = 60_000;
/** Of 64 KiB, filled up and in base64url. */
const SEALED_LENGTH_MAX = 180_000;

const kinds = ['text', 'file', 'ssh-key'] as const;
const builtin = { manager: z.literal('builtin') };
/** Of any other secret manager. */
const outside = {
  manager: OutwardName.refine((name) => name !== 'builtin', SEAL_FIRST),
  kind: z.enum(kinds).default('text'),
};

const forms = {
  text: z.strictObject({ ...builtin, kind: z.literal('text').default('text'), value: SecretValue }),
  'ssh-key': z.strictObject({ ...builtin, kind: z.literal('ssh-key'), value: SshKeyValue }),
  file: z.strictObject({ ...builtin, kind: z.literal('file'), value: FileValue }),
  envelope: z.strictObject({ ...outside, envelope: Envelope }),
  sealed: z.strictObject({
    ...outside,
    sealed: z
      .strictObject({
        group: z.string().regex(/^g[0-9a-f]{16}$/, 'is not the id of a group'),
        version: z.uuid(),
        expiresAt: z.int().min(1).meta({ description: 'Milliseconds since 1970; at most 15 minutes ahead' }),
        suite: z.enum(['x25519', 'p256']).default('x25519').meta({ description: 'By which it was sealed' }),
        enc: z.union([PublicKey, P256Key]).meta({ description: 'A public key of the suite' }),
        box: z
          .string()
          .max(SEALED_LENGTH_MAX)
          .regex(/^[A-Za-z0-9_-]+$/, 'is not base64url'),
      })
      .refine(
        ({ suite, enc }) => (suite === 'p256' ? P256Key : PublicKey).safeParse(enc).success,
        'enc is no public key of the suite',
      )
      .meta({ description: 'The value, sealed to the delegate group that …/sealing-key names' }),
  }),
  reference: z.strictObject({
    ...outside,
    reference: z
      .strictObject({
        path: StorePath.meta({ description: 'As the store names it' }),
        field: StoreField.optional().meta({
          description: 'Member of a value that is a JSON object; default: the whole value',
        }),
        version: StoreVersion.optional().meta({
          description: 'As the store names it; default: the latest, whenever the secret is used',
        }),
      })
      .meta({ description: 'Where a store has the value' }),
  }),
};

export const SecretBody = z.union(
  [forms.text, forms['ssh-key'], forms.file, forms.envelope, forms.sealed, forms.reference],
  { error: ({ input }) => describeMisfit(input) },
);
type SecretBody = z.infer<typeof SecretBody>;

/** The value is never answered. */
export const SecretAnswer = z
  .strictObject({
    scope: z.string(),
    id: z.string(),
    kind: z.enum(kinds),
    manager: z.string(),
    managerScope: z.string().nullable().meta({ description: 'Null for the builtin secret manager' }),
    version: z.uuid(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'Secret' });

export const SecretVersionsAnswer = z
  .strictObject({
    versions: z.array(
      z.strictObject({
        version: z.uuid(),
        number: z.int().min(1).meta({ description: '1 for the first one' }),
        manager: z.string(),
        managerScope: z.string().nullable().meta({ description: 'Null for the builtin secret manager' }),
        createdAt: z.iso.datetime(),
        supersededAt: z.iso.datetime().nullable().meta({
          description:
            'Null for the current one; others are kept for SALLYPORT_SECRETS_GRACE_HOURS from then on',
        }),
      }),
    ),
  })
  .meta({ id: 'SecretVersions' });

/** A value that a delegate has yet to take into keeping; asking again with the same body tells more. */
export const PendingAnswer = z
  .strictObject({ state: z.literal('pending'), waitsFor: z.string() })
  .meta({ id: 'PendingSecret' });

export const SecretRefreshAnswer = z
  .strictObject({
    ok: z.boolean(),
    ms: z.number().nullable(),
    version: z.uuid(),
    keyId: z.string().nullable().meta({ description: 'Of the key that unwrapped it; null for a store' }),
    storeVersion: z.string().nullable().meta({ description: 'The version that the store answered' }),
    code: z.string().optional(),
    detail: z.string().optional(),
    hint: z.string().optional(),
  })
  .meta({ id: 'SecretRefresh' });

export const SecretPage = z.strictObject({
  secrets: z.array(SecretAnswer),
  nextCursor: z.string().nullable(),
});

@Controller(under('secrets'))
export class SecretListController {
  constructor(private readonly secrets: SecretsRepository) {}

  @Get()
  @Answers({
    needs: 'secret.view',
    summary: 'List the secrets of a scope, those first written first',
    200: SecretPage,
  })
  async list(
    @Param({ schema: ScopeParameters }) names: ScopeParameters,
    @Query({ schema: SecretListQuery }) { cursor = 0, limit = PAGE_DEFAULT }: SecretListQuery,
  ) {
    const { rows, next } = await this.secrets.list({ scope: scopeOf(names), after: cursor, limit });
    return { secrets: rows.map(toAnswer), nextCursor: next === null ? null : toCursor(next) };
  }
}

@Controller(under('secrets/:id'))
export class SecretsController {
  constructor(
    private readonly service: SecretsService,
    private readonly secrets: SecretsRepository,
    private readonly managers: SecretManagersRepository,
    private readonly scopes: ScopesRepository,
    private readonly flow: SealedValuesFlow,
    private readonly refreshing: SecretRefresh,
    private readonly acts: Acts,
    private readonly log: Log,
  ) {}

  @Put()
  @Answers({
    needs: 'secret.manage',
    summary: 'Write a secret; its value is never read back',
    problems: [
      ...ofBody,
      ...ofRoad,
      'SCOPE_NOT_FOUND',
      'NOT_FOUND',
      'INPUT_REFUSED',
      'STILL_IN_USE',
      'DELEGATE_GROUP_UNFIT',
    ],
    200: SecretAnswer,
    201: SecretAnswer,
    202: PendingAnswer,
  })
  async put(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Body({ schema: SecretBody }) body: SecretBody,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const scope = scopeOf(names);
    const kept =
      'sealed' in body
        ? await this.flow.accept(await this.#sealedValue(scope, id, body), actorOf(request))
        : await this.#put(scope, id, toWrite(body, mayUse(request)));
    if (kept.state === 'pending') {
      reply.status(202).header('location', `/api/v1/${scope}/secrets/${id}`).header('retry-after', '5');
      return { state: kept.state, waitsFor: kept.waitsFor };
    }
    reply.status(kept.created ? 201 : 200);
    return toAnswer(kept.record);
  }

  @Get()
  @Answers({
    needs: 'secret.view',
    summary: 'Read what is known of a secret',
    problems: ['NOT_FOUND'],
    200: SecretAnswer,
  })
  async get(@Param({ schema: NamedParameters }) { id, ...names }: NamedParameters) {
    return toAnswer(await this.secrets.get(scopeOf(names), id));
  }

  @Get('versions')
  @Answers({
    needs: 'secret.view',
    summary: 'List the versions of a secret that are still kept, newest first',
    problems: ['NOT_FOUND'],
    200: SecretVersionsAnswer,
  })
  async versions(@Param({ schema: NamedParameters }) { id, ...names }: NamedParameters) {
    const versions = await this.secrets.versions(scopeOf(names), id);
    return {
      versions: versions.map(({ keptBy, createdAt, supersededAt, ...version }) => ({
        ...version,
        ...toKeeper(keptBy),
        createdAt: createdAt.toISOString(),
        supersededAt: supersededAt?.toISOString() ?? null,
      })),
    };
  }

  @Post('refresh')
  @HttpCode(200)
  @Answers({
    needs: 'secret.manage',
    summary: 'Open a secret past all that is remembered of it, and tell by what; its value is never answered',
    problems: ['NOT_FOUND', 'SECRET_DELETED'],
    200: SecretRefreshAnswer,
  })
  async refresh(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Req() request: FastifyRequest,
  ): Promise<z.infer<typeof SecretRefreshAnswer>> {
    const scope = scopeOf(names);
    await this.secrets.held(scope, id);
    const refreshed = await this.acts.outside(
      { action: 'secret.refresh', scope, target: `secrets/${id}` },
      () => this.refreshing.refresh(scope, id, actorOf(request)),
      (done) => ({ version: done.version, ok: !('failure' in done) }),
    );
    if (!('failure' in refreshed)) return { ok: true, ...refreshed };
    const { version, failure } = refreshed;
    const { code, detail, hint } = toProblem(failure);
    return { ok: false, ms: null, version, keyId: null, storeVersion: null, code, detail, hint };
  }

  @Delete()
  @HttpCode(204)
  @Answers({
    needs: 'secret.manage',
    summary: 'Delete a secret that nothing uses, or by force one that is used',
    problems: ['NOT_FOUND', 'STILL_IN_USE', 'PERMISSION_MISSING'],
    204: null,
  })
  async delete(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Query({ schema: SecretDeletionQuery }) { force }: SecretDeletionQuery,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    if (force !== 'true') return this.service.delete(scopeOf(names), id);
    requirePermission(request, 'secret.force', scopeOf(names));
    this.log.info(
      { audit: true, scope: scopeOf(names), id, actor: actorOf(request) },
      'secret deleted by force',
    );
    return this.service.deleteByForce(scopeOf(names), id);
  }

  @Get('uses')
  @Answers({
    needs: 'secret.view',
    summary: 'List the connectors and secret managers that use a secret',
    problems: ['NOT_FOUND'],
    200: UsesAnswer,
  })
  async uses(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Query({ schema: UsesQuery }) { limit = PAGE_DEFAULT }: UsesQuery,
  ) {
    return this.service.usesOf(scopeOf(names), id, limit);
  }

  async #put(scope: Scope, id: string, write: SecretWrite): Promise<Kept> {
    return { state: 'kept', ...(await this.service.put(scope, id, write)) };
  }

  async #sealedValue(
    scope: Scope,
    id: string,
    { manager: name, kind, sealed }: SealedBody,
  ): Promise<SealedValueRecord> {
    const { group, version, suite, enc, box } = sealed;
    const leftMs = sealed.expiresAt - Date.now();
    if (leftMs <= 0 || leftMs > SEALED_MS_MAX + SKEW_MS)
      throw new Failure('INPUT_REFUSED', {
        field: 'sealed.expiresAt',
        rule: 'is not within 15 minutes from now',
      });
    await this.scopes.get(scope);
    const manager = await this.managers.resolve(scope, name);
    const keptBy = { scope: manager.scope, id: manager.id };
    const expiresAt = new Date(sealed.expiresAt);
    return { version, scope, secret: id, kind, keptBy, group, suite, enc, box, expiresAt };
  }
}

/** What is wrong with a body of no form: by the form it seems to be meant as. */
function describeMisfit(input: unknown): string | undefined {
  const body = z.record(z.string(), z.unknown()).safeParse(input).data ?? {};
  const { manager, kind } = body;
  if (typeof manager !== 'string') return 'manager: is missing, or no name';
  if (manager !== 'builtin' && 'value' in body) return SEAL_FIRST;
  const form =
    manager === 'builtin'
      ? forms[kind === 'ssh-key' || kind === 'file' ? kind : 'text']
      : [forms.envelope, forms.sealed, forms.reference].find((one) =>
          Object.keys(one.shape).some((name) => !(name in outside) && name in body),
        );
  if (form === undefined) return 'The body has neither an envelope, nor a sealed value, nor a reference';
  const issue = form.safeParse(input).error?.issues[0];
  return issue === undefined ? undefined : [issue.path.join('.'), issue.message].filter(Boolean).join(': ');
}

type SealedBody = Extract<SecretBody, { sealed: object }>;

function toWrite(body: Exclude<SecretBody, SealedBody>, asked: MayUse): SecretWrite {
  if ('reference' in body) return { ...body, mayUse: asked };
  if (!('value' in body)) return body;
  const encoding = body.kind === 'file' ? 'base64' : 'utf8';
  return { manager: 'builtin', kind: body.kind, value: Buffer.from(body.value, encoding) };
}

const toKeeper = (keptBy: SecretRecord['keptBy']) => ({
  manager: keptBy?.id ?? 'builtin',
  managerScope: keptBy?.scope ?? null,
});

const toAnswer = ({
  createdAt,
  updatedAt,
  keptBy,
  ...record
}: SecretRecord): z.infer<typeof SecretAnswer> => ({
  ...record,
  ...toKeeper(keptBy),
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
});
