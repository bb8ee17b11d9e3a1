import { Controller, Delete, Get, HttpCode, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { allPermissions, type Permission } from '../identity/permissions.js';
import { SessionsRepository } from '../identity/sessions.repository.js';
import { Failure } from '../kernel/failure.js';
import { namesOf } from '../scopes/scope.js';
import { callerOf } from './access.js';
import { Answers } from './answers.js';
import { readSession, SESSION_COOKIE, setCookie } from './session-cookie.js';

export const PermissionName = z.enum(allPermissions as [Permission, ...Permission[]]);

export const MeAnswer = z
  .strictObject({
    actor: z.strictObject({
      kind: z.enum(['token', 'user']),
      id: z.string(),
      name: z.string(),
      email: z.string().optional(),
    }),
    account: z.string(),
    bindings: z.array(
      z.strictObject({ scope: z.string(), role: z.string(), permissions: z.array(PermissionName) }),
    ),
    expiresAt: z.iso.datetime(),
  })
  .meta({ id: 'Me' });

@Controller()
export class MeController {
  constructor(private readonly sessions: SessionsRepository) {}

  @Get('me')
  @Answers({ needs: 'sign-in', summary: 'Read who asks, and what they may do where', 200: MeAnswer })
  async get(@Req() request: FastifyRequest): Promise<z.infer<typeof MeAnswer>> {
    const { actor, account, grants, expiresAt } = callerOf(request);
    return {
      actor,
      account: namesOf(account).account,
      bindings: grants.map(({ scope, role, permissions }) => ({
        scope,
        role,
        permissions: [...permissions],
      })),
      expiresAt: expiresAt.toISOString(),
    };
  }

  @Post('session')
  @HttpCode(204)
  @Answers({
    needs: 'sign-in',
    summary: 'Begin a session: a cookie in place of the token, for the page; no script reads it',
    204: null,
  })
  async begin(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    // A session does not outlive itself by another one.
    if (request.headers.authorization === undefined)
      throw new Failure('TOKEN_REJECTED', { reason: 'is missing' });
    const caller = callerOf(request);
    const { text, expiresAt } = await this.sessions.begin(caller);
    const maxAgeSeconds = Math.floor((expiresAt.getTime() - Date.now()) / 1_000);
    setCookie(request, reply, { name: SESSION_COOKIE, value: text, sameSite: 'Strict', maxAgeSeconds });
  }

  @Delete('session')
  @HttpCode(204)
  @Answers({ needs: 'sign-in if shown', summary: 'End the session that the cookie is of', 204: null })
  async end(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    const text = readSession(request);
    if (text !== undefined) await this.sessions.end(text);
    setCookie(request, reply, { name: SESSION_COOKIE, value: '', sameSite: 'Strict', maxAgeSeconds: 0 });
  }
}
