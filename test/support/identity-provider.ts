// A real OpenID Connect provider on loopback, whose users sign in without a form, and a browser that goes through it.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';

export interface User {
  name: string;
  email?: string;
  emailVerified?: boolean;
  groups?: string[];
}

export const CLIENT = 'sallyport';

export class IdentityProvider {
  issuer = '';
  /** By their subject. */
  readonly users = new Map<string, User>();
  /** Who is at the keyboard; undefined: they close the window. */
  present: string | undefined;
  readonly secret = 'a client secret: +/%&=';
  readonly #server = http.createServer((request, response) => this.#answer(request, response));
  #provider!: Provider;

  async start(redirectUris: string[]): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.issuer = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    this.#provider = new Provider(this.issuer, {
      clients: [
        { client_id: CLIENT, client_secret: this.secret, redirect_uris: redirectUris },
        { client_id: 'public', token_endpoint_auth_method: 'none', redirect_uris: redirectUris },
      ],
      claims: { profile: ['name'], email: ['email', 'email_verified'], groups: ['groups'] },
      scopes: ['openid', 'profile', 'email', 'groups'],
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_, { uid }) => `/interaction/${uid}` },
      cookies: { keys: ['test'] },
      findAccount: (_, subject) => ({
        accountId: subject,
        claims: () => {
          const { name, email, emailVerified, groups } = this.users.get(subject) as User;
          return { sub: subject, name, email, email_verified: emailVerified, groups };
        },
      }),
    });
    this.#provider.on('server_error', (_, error) => process.stderr.write(`${error.stack}\n`));
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    if (request.url?.startsWith('/interaction/') !== true)
      return void this.#provider.callback()(request, response);
    this.#interact(request, response).catch((error: Error) => response.destroy(error));
  }

  async #interact(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { prompt, params, session } = await this.#provider.interactionDetails(request, response);
    if (this.present === undefined)
      return this.#provider.interactionFinished(request, response, { error: 'access_denied' });
    if (prompt.name === 'login')
      return this.#provider.interactionFinished(request, response, { login: { accountId: this.present } });
    const grant = new this.#provider.Grant({
      accountId: session?.accountId ?? this.present,
      clientId: String(params['client_id']),
    });
    grant.addOIDCScope(String(params['scope']));
    const consent = { grantId: await grant.save() };
    return this.#provider.interactionFinished(
      request,
      response,
      { consent },
      { mergeWithLastSubmission: true },
    );
  }
}

interface Cookie {
  name: string;
  value: string;
  path: string;
}

/** Follows redirects, keeps cookies as RFC 6265 has them by host and path, and stops where it is told to. */
export class Browser {
  readonly #jars = new Map<string, Cookie[]>();
  /** Every address it was sent to. */
  readonly went: string[] = [];

  async get(address: string, headers: Record<string, string> = {}): Promise<Response> {
    const url = new URL(address);
    const cookie = this.cookiesFor(url);
    const response = await fetch(url, { redirect: 'manual', headers: { cookie, ...headers } });
    for (const line of response.headers.getSetCookie()) this.#take(url, line);
    return response;
  }

  /** To the first address that `isThere`, which is not asked. */
  async follow(address: string, isThere: (url: URL) => boolean): Promise<URL> {
    let url = new URL(address);
    for (let hops = 0; hops < 20; hops++) {
      if (isThere(url)) return url;
      const response = await this.get(url.href);
      const location = response.headers.get('location');
      if (location === null) throw new Error(`${url.href}: ${response.status} ${await response.text()}`);
      url = new URL(location, url);
      this.went.push(url.href);
    }
    throw new Error(`No end of redirects at ${url.href}`);
  }

  /** As a header carries them. */
  cookiesFor({ host, pathname }: URL): string {
    const fitting = (this.#jars.get(host) ?? []).filter(
      ({ path }) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`),
    );
    return fitting.map(({ name, value }) => `${name}=${value}`).join('; ');
  }

  #take({ host, pathname }: URL, line: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    const own = pathname.slice(0, Math.max(1, pathname.lastIndexOf('/')));
    const path = /;\s*path=([^;]+)/i.exec(line)?.[1] ?? own;
    const others = (this.#jars.get(host) ?? []).filter((one) => one.name !== name || one.path !== path);
    const isGone = value === '' || /max-age=0|expires=thu, 01 jan 1970/i.test(line);
    this.#jars.set(host, isGone ? others : [...others, { name, value, path }]);
  }
}
