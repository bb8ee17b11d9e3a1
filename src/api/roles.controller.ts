import { Body, Controller, Delete, Get, HttpCode, Param, Put, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { assertGrantable } from '../identity/caller.js';
import { type BindingRecord, type RoleRecord, RolesRepository } from '../identity/roles.repository.js';
import { Identifier } from '../policy/identifiers.js';
import { DisplayName } from '../policy/text.js';
import { accountOf, scopeOf } from '../scopes/scope.js';
import { ScopesRepository } from '../scopes/scopes.repository.js';
import { actorOf, callerOf } from './access.js';
import { Answers, ofBody } from './answers.js';
import { PermissionName } from './me.controller.js';
import {
  AccountNamedParameters,
  AccountParameters,
  NamedParameters,
  ScopeParameters,
  under,
} from './parameters.js';

export const RoleBody = z.strictObject({
  description: DisplayName.default('A role of this account'),
  permissions: z.array(PermissionName).min(1).max(64),
});
type RoleBody = z.infer<typeof RoleBody>;

export const RoleAnswer = z
  .strictObject({
    id: z.string(),
    description: z.string(),
    permissions: z.array(PermissionName),
    builtin: z.boolean(),
  })
  .meta({ id: 'Role' });
export const RolesAnswer = z.strictObject({ roles: z.array(RoleAnswer) }).meta({ id: 'Roles' });

const PrincipalBody = z.strictObject({ kind: z.enum(['user', 'group']), name: DisplayName }).meta({
  description:
    'A user by the address that an identity provider has verified, or all that it says are in a group',
});
export const BindingBody = z.strictObject({ principal: PrincipalBody, role: Identifier });
type BindingBody = z.infer<typeof BindingBody>;

export const BindingAnswer = z
  .strictObject({
    scope: z.string(),
    id: z.string(),
    principal: z.strictObject({ kind: z.enum(['user', 'group']), name: z.string() }),
    role: z.string(),
    createdAt: z.iso.datetime(),
    createdBy: z.string(),
  })
  .meta({ id: 'RoleBinding' });
export const BindingsAnswer = z
  .strictObject({ bindings: z.array(BindingAnswer) })
  .meta({ id: 'RoleBindings' });

@Controller('accounts/:account/roles')
export class RolesController {
  constructor(
    private readonly scopes: ScopesRepository,
    private readonly roles: RolesRepository,
  ) {}

  @Get()
  @Answers({
    needs: 'access.view below',
    summary: 'List the roles of an account, the builtin ones first',
    problems: ['SCOPE_NOT_FOUND'],
    200: RolesAnswer,
  })
  async list(@Param({ schema: AccountParameters }) names: AccountParameters) {
    const account = scopeOf(names);
    await this.scopes.get(account);
    return { roles: (await this.roles.list(account)).map(toRole) };
  }

  @Put(':id')
  @Answers({
    needs: 'access.manage',
    summary: 'Create or change a role of the account; whoever has it has it so from the next request on',
    problems: [...ofBody, 'SCOPE_NOT_FOUND', 'ROLE_UNFIT'],
    200: RoleAnswer,
    201: RoleAnswer,
  })
  async put(
    @Param({ schema: AccountNamedParameters }) { id, ...names }: AccountNamedParameters,
    @Body({ schema: RoleBody }) body: RoleBody,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const account = scopeOf(names);
    await this.scopes.get(account);
    assertGrantable(callerOf(request), body.permissions, account);
    const { role, created } = await this.roles.put(account, { id, ...body });
    reply.status(created ? 201 : 200);
    return toRole(role);
  }

  @Get(':id')
  @Answers({ needs: 'access.view below', summary: 'Read a role', problems: ['NOT_FOUND'], 200: RoleAnswer })
  async get(@Param({ schema: AccountNamedParameters }) { id, ...names }: AccountNamedParameters) {
    return toRole(await this.roles.get(scopeOf(names), id));
  }

  @Delete(':id')
  @HttpCode(204)
  @Answers({
    needs: 'access.manage',
    summary: 'Delete a role of the account that nobody has',
    problems: ['NOT_FOUND', 'ROLE_UNFIT', 'STILL_IN_USE'],
    204: null,
  })
  async delete(
    @Param({ schema: AccountNamedParameters }) { id, ...names }: AccountNamedParameters,
  ): Promise<void> {
    await this.roles.delete(scopeOf(names), id);
  }
}

@Controller(under('role-bindings'))
export class RoleBindingsController {
  constructor(
    private readonly scopes: ScopesRepository,
    private readonly roles: RolesRepository,
  ) {}

  @Get()
  @Answers({
    needs: 'access.view',
    summary: 'List who has which role in a scope; what is given further out holds here as well',
    problems: ['SCOPE_NOT_FOUND'],
    200: BindingsAnswer,
  })
  async list(@Param({ schema: ScopeParameters }) names: ScopeParameters) {
    const scope = scopeOf(names);
    await this.scopes.get(scope);
    return { bindings: (await this.roles.listBindings(scope)).map(toBinding) };
  }

  @Put(':id')
  @Answers({
    needs: 'access.manage',
    summary: 'Give a user or a group a role in this scope and in all that is below it',
    problems: [...ofBody, 'SCOPE_NOT_FOUND', 'NOT_FOUND', 'ROLE_UNFIT'],
    200: BindingAnswer,
    201: BindingAnswer,
  })
  async put(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Body({ schema: BindingBody }) { principal, role }: BindingBody,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const scope = scopeOf(names);
    const { permissions } = await this.roles.get(accountOf(scope), role);
    assertGrantable(callerOf(request), permissions, scope);
    const wish = { scope, id, principal, role, createdBy: actorOf(request) };
    const { binding, created } = await this.roles.putBinding(wish);
    reply.status(created ? 201 : 200);
    return toBinding(binding);
  }

  @Get(':id')
  @Answers({
    needs: 'access.view',
    summary: 'Read who has the role',
    problems: ['NOT_FOUND'],
    200: BindingAnswer,
  })
  async get(@Param({ schema: NamedParameters }) { id, ...names }: NamedParameters) {
    return toBinding(await this.roles.getBinding(scopeOf(names), id));
  }

  @Delete(':id')
  @HttpCode(204)
  @Answers({
    needs: 'access.manage',
    summary: 'Take the role away, from the next request on',
    problems: ['NOT_FOUND'],
    204: null,
  })
  async delete(@Param({ schema: NamedParameters }) { id, ...names }: NamedParameters): Promise<void> {
    await this.roles.deleteBinding(scopeOf(names), id);
  }
}

const toRole = ({ isBuiltin, ...role }: RoleRecord): z.infer<typeof RoleAnswer> => ({
  ...role,
  builtin: isBuiltin,
});

const toBinding = (binding: BindingRecord): z.infer<typeof BindingAnswer> => ({
  ...binding,
  createdAt: binding.createdAt.toISOString(),
});
