import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Config } from '../config/config.js';
import { IdentityProvidersRepository } from '../identity/identity-providers.repository.js';
import type { Begun } from '../identity/openid.js';
import { SignInFlow } from '../identity/sign-in.flow.js';
import { Failure } from '../kernel/failure.js';
import { Log } from '../kernel/log.js';
import { Identifier } from '../policy/identifiers.js';
import { Answers } from './answers.js';
import { readCookie, SESSION_COOKIE, setCookie } from './session-cookie.js';

const BEGUN_COOKIE = 'sallyport-sign-in';
const BEGUN_SECONDS = 600;
/** The page, seen from an address that is a direct child of `/api/v1`. */
const PAGE = '../../';

/** A place in the page alone: whoever makes a link leads nobody elsewhere by it. */
const PagePlace = z
  .string()
  .regex(/^#\/[\x21-\x7e]{0,2000}$/, 'is not a place in the page')
  .meta({ description: 'Where in the page to go on: `#/accounts/a`' });

const WaysQuery = z.strictObject({ account: Identifier.optional() });
type WaysQuery = z.infer<typeof WaysQuery>;
const BeginQuery = z.strictObject({ account: Identifier, returnTo: PagePlace.default('#/') });
type BeginQuery = z.infer<typeof BeginQuery>;
const ProviderParameters = z.strictObject({ id: Identifier });
type ProviderParameters = z.infer<typeof ProviderParameters>;

export const WaysAnswer = z
  .strictObject({
    token: z.literal(true),
    oidc: z.array(z.strictObject({ account: z.string(), id: z.string(), name: z.string() })),
  })
  .meta({ id: 'SignInWays' });

/** What the browser keeps while its user is at the identity provider. */
const Kept = z.strictObject({
  account: Identifier,
  id: Identifier,
  returnTo: PagePlace,
  verifier: z.string(),
  state: z.string(),
  nonce: z.string(),
});
type Kept = z.infer<typeof Kept>;

@Controller()
export class SignInController {
  constructor(
    private readonly config: Config,
    private readonly log: Log,
    private readonly providers: IdentityProvidersRepository,
    private readonly flow: SignInFlow,
  ) {}

  @Get('sign-in')
  @Answers({
    needs: 'nothing',
    summary: 'List the ways to sign in to an account; without one, to that of SALLYPORT_ACCOUNT',
    200: WaysAnswer,
  })
  async list(@Query({ schema: WaysQuery }) query: WaysQuery): Promise<z.infer<typeof WaysAnswer>> {
    const account = query.account ?? this.config.SALLYPORT_ACCOUNT;
    const providers = account === undefined ? [] : await this.providers.list(`accounts/${account}`);
    return { token: true, oidc: providers.map(({ id, name }) => ({ account: account ?? '', id, name })) };
  }

  @Get('sign-in/:id')
  @Answers({
    needs: 'nothing',
    summary: 'Send the browser to an identity provider',
    problems: ['NOT_FOUND', 'SIGN_IN_FAILED', 'RATE_LIMITED'],
    302: null,
  })
  async begin(
    @Param({ schema: ProviderParameters }) { id }: ProviderParameters,
    @Query({ schema: BeginQuery }) { account, returnTo }: BeginQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    const callback = this.#callbackOf(request);
    const { url, begun } = await this.flow.begin(`accounts/${account}`, id, callback.href);
    const kept: Kept = { account, id, returnTo, ...begun };
    const value = Buffer.from(JSON.stringify(kept)).toString('base64url');
    setCookie(request, reply, { ...begunCookieAt(callback), value, maxAgeSeconds: BEGUN_SECONDS });
    return reply.header('cache-control', 'no-store').redirect(url, 302);
  }

  @Get('sign-in-callback')
  @Answers({
    needs: 'nothing',
    summary:
      'Where an identity provider sends the browser back; goes on to the page, signed in or with the code of what failed',
    302: null,
  })
  async end(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    setCookie(request, reply, { ...begunCookieAt(this.#callbackOf(request)), value: '', maxAgeSeconds: 0 });
    reply.header('cache-control', 'no-store');
    const kept = readKept(request);
    try {
      if (kept === undefined) throw new Failure('SIGN_IN_UNKNOWN', {});
      await this.#signIn(kept, request, reply);
      return await reply.redirect(`${PAGE}${kept.returnTo}`, 302);
    } catch (error) {
      const { code, message } = Failure.from(error, request.id);
      this.log.warn({ code, reason: message, reference: request.id, provider: kept?.id }, 'a sign-in failed');
      const told = new URLSearchParams({ failed: code, reference: request.id });
      return await reply.redirect(`${PAGE}#/sign-in?${told.toString()}`, 302);
    }
  }

  async #signIn(kept: Kept, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const begun: Begun = kept;
    const callback = this.#callbackOf(request);
    callback.search = new URL(request.url, callback).search;
    const account = `accounts/${kept.account}`;
    const { text, expiresAt } = await this.flow.end(account, kept.id, { callback, begun });
    const maxAgeSeconds = Math.floor((expiresAt.getTime() - Date.now()) / 1_000);
    setCookie(request, reply, { name: SESSION_COOKIE, value: text, sameSite: 'Strict', maxAgeSeconds });
  }

  /** As the identity provider has it on its list: at the public address, or at the one that the browser asked. */
  #callbackOf(request: FastifyRequest): URL {
    const base = this.config.SALLYPORT_PUBLIC_URL ?? `${request.protocol}://${request.host}`;
    return new URL(`${base.replace(/\/$/, '')}/api/v1/sign-in-callback`);
  }
}

/** Seen where the provider sends the browser back to, and set a level deeper. */
const begunCookieAt = (callback: URL) => ({
  name: BEGUN_COOKIE,
  sameSite: 'Lax' as const,
  path: new URL('.', callback).pathname,
});

function readKept(request: FastifyRequest): Kept | undefined {
  const value = readCookie(request, BEGUN_COOKIE) ?? '';
  try {
    return Kept.parse(JSON.parse(Buffer.from(value, 'base64url').toString('utf8')));
  } catch {
    return undefined;
  }
}
