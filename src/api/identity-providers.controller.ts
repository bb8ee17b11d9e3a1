import { Body, Controller, Delete, Get, HttpCode, Param, Put, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  type IdentityProvider,
  IdentityProvidersRepository,
} from '../identity/identity-providers.repository.js';
import { type Member, MembersRepository } from '../identity/members.repository.js';
import { OpenId } from '../identity/openid.js';
import { Failure } from '../kernel/failure.js';
import { Identifier } from '../policy/identifiers.js';
import { parseReceiverUrl } from '../policy/receiver-url.js';
import { DisplayName } from '../policy/text.js';
import { scopeOf } from '../scopes/scope.js';
import { ScopesRepository } from '../scopes/scopes.repository.js';
import { requirePermission } from './access.js';
import { Answers, ofBody } from './answers.js';
import { AccountNamedParameters, AccountParameters } from './parameters.js';

const Word = z.string().regex(/^[\x21-\x7e]{1,128}$/, 'does not have 1 to 128 visible ASCII characters');

export const IdentityProviderBody = z.strictObject({
  name: DisplayName.optional().meta({ description: 'As the page shows it; default: its identifier' }),
  issuer: z.string().meta({ description: 'Where `.well-known/openid-configuration` is below' }),
  clientId: z.string().regex(/^[\x20-\x7e]{1,512}$/, 'does not have 1 to 512 printable ASCII characters'),
  secret: Identifier.optional().meta({
    description: 'A builtin secret of the account; without it the client is a public one',
  }),
  scopes: z.array(Word).max(20).default(['profile', 'email']),
  groupsClaim: Word.default('groups').meta({ description: 'The claim that lists a user’s groups' }),
});
type IdentityProviderBody = z.infer<typeof IdentityProviderBody>;

export const IdentityProviderAnswer = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    issuer: z.string(),
    clientId: z.string(),
    secret: z.string().nullable(),
    scopes: z.array(z.string()),
    groupsClaim: z.string(),
  })
  .meta({ id: 'IdentityProvider' });
export const IdentityProvidersAnswer = z
  .strictObject({ identityProviders: z.array(IdentityProviderAnswer) })
  .meta({ id: 'IdentityProviders' });

export const MembersAnswer = z
  .strictObject({
    members: z.array(
      z.strictObject({
        id: z.uuid(),
        provider: z.string(),
        name: z.string(),
        email: z.string().nullable().meta({ description: 'Null where the provider has verified none' }),
        groups: z.array(z.string()),
        signedInAt: z.iso.datetime(),
      }),
    ),
  })
  .meta({ id: 'Members' });

const MemberParameters = AccountParameters.extend({ id: z.uuid() });
type MemberParameters = z.infer<typeof MemberParameters>;

@Controller('accounts/:account/identity-providers')
export class IdentityProvidersController {
  constructor(
    private readonly scopes: ScopesRepository,
    private readonly providers: IdentityProvidersRepository,
    private readonly openId: OpenId,
  ) {}

  @Get()
  @Answers({
    needs: 'access.view',
    summary: 'List where the users of an account come from',
    problems: ['SCOPE_NOT_FOUND'],
    200: IdentityProvidersAnswer,
  })
  async list(@Param({ schema: AccountParameters }) names: AccountParameters) {
    const account = scopeOf(names);
    await this.scopes.get(account);
    return { identityProviders: (await this.providers.list(account)).map(toAnswer) };
  }

  @Put(':id')
  @Answers({
    needs: 'access.manage',
    summary: 'Let users of an OpenID Connect provider sign in; with another issuer, those of before leave',
    problems: [...ofBody, 'SCOPE_NOT_FOUND', 'NOT_FOUND', 'IDENTITY_PROVIDER_UNFIT', 'SIGN_IN_FAILED'],
    200: IdentityProviderAnswer,
    201: IdentityProviderAnswer,
  })
  async put(
    @Param({ schema: AccountNamedParameters }) { id, ...names }: AccountNamedParameters,
    @Body({ schema: IdentityProviderBody }) body: IdentityProviderBody,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const account = scopeOf(names);
    await this.scopes.get(account);
    const { name = id, secret = null, ...rest } = body;
    const provider: IdentityProvider = { account, id, name, secret, ...rest };
    if (secret !== null) requirePermission(request, 'secret.use', account);
    this.#assertReachable(provider);
    // One that says nothing of itself signs nobody in.
    await this.openId.begin(provider, 'https://sallyport.invalid/').catch((error: unknown) => {
      const { code, message } = Failure.from(error);
      throw code === 'SIGN_IN_FAILED'
        ? new Failure('IDENTITY_PROVIDER_UNFIT', { provider: id, reason: message })
        : error;
    });
    const { created } = await this.providers.put(provider);
    reply.status(created ? 201 : 200);
    return toAnswer(provider);
  }

  @Get(':id')
  @Answers({
    needs: 'access.view',
    summary: 'Read an identity provider',
    problems: ['NOT_FOUND'],
    200: IdentityProviderAnswer,
  })
  async get(@Param({ schema: AccountNamedParameters }) { id, ...names }: AccountNamedParameters) {
    return toAnswer(await this.providers.get(scopeOf(names), id));
  }

  @Delete(':id')
  @Answers({
    needs: 'access.manage',
    summary: 'Let nobody sign in by it any more; whoever came by it is signed out',
    problems: ['NOT_FOUND'],
    204: null,
  })
  @HttpCode(204)
  async delete(
    @Param({ schema: AccountNamedParameters }) { id, ...names }: AccountNamedParameters,
  ): Promise<void> {
    await this.providers.delete(scopeOf(names), id);
  }

  #assertReachable({ id, issuer }: IdentityProvider): void {
    try {
      parseReceiverUrl(issuer, this.openId.policy);
    } catch (error) {
      throw new Failure('IDENTITY_PROVIDER_UNFIT', { provider: id, reason: Failure.from(error).message });
    }
  }
}

const MEMBERS_LISTED = 1_000;

@Controller('accounts/:account/members')
export class MembersController {
  constructor(
    private readonly scopes: ScopesRepository,
    private readonly members: MembersRepository,
  ) {}

  @Get()
  @Answers({
    needs: 'access.view',
    summary: 'List the users who have signed in, the last one first; a thousand at most',
    problems: ['SCOPE_NOT_FOUND'],
    200: MembersAnswer,
  })
  async list(@Param({ schema: AccountParameters }) names: AccountParameters) {
    const account = scopeOf(names);
    await this.scopes.get(account);
    return { members: (await this.members.list(account, MEMBERS_LISTED)).map(toMember) };
  }

  @Delete(':id')
  @HttpCode(204)
  @Answers({
    needs: 'access.manage',
    summary: 'Sign a user out everywhere and forget them; the provider decides whether they may come back',
    problems: ['NOT_FOUND'],
    204: null,
  })
  async delete(@Param({ schema: MemberParameters }) { id, ...names }: MemberParameters): Promise<void> {
    await this.members.delete(scopeOf(names), id);
  }
}

const toAnswer = (provider: IdentityProvider): z.infer<typeof IdentityProviderAnswer> => ({
  id: provider.id,
  name: provider.name,
  issuer: provider.issuer,
  clientId: provider.clientId,
  secret: provider.secret,
  scopes: provider.scopes,
  groupsClaim: provider.groupsClaim,
});

const toMember = ({ signedInAt, ...member }: Member) => ({ ...member, signedInAt: signedInAt.toISOString() });
