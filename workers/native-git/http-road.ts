// The way over HTTP: git's own helper, told the addresses that were checked; the password comes through a pipe.
import { readAdvertisement } from '../../src/git/advertisement.js';
import type { Remote } from '../../src/git/git.js';
import { defaultLimits } from '../../src/git/limits.js';
import { parseRemoteUrl } from '../../src/git/remote-url.js';
import { withSession } from '../../src/git/session.js';
import { Secret } from '../../src/kernel/secret.js';
import { describeNetwork } from './network-settings.js';
import { PasswordPipe } from './password-pipe.js';
import type { Journey, Road, RoadOptions } from './road.js';
import { HELPER } from './scripts.js';

const settings: [string, string][] = [
  ['credential.helper', ''],
  ['http.followRedirects', 'false'],
  ['http.emptyAuth', 'false'],
  ['http.proxy', ''],
];

export class HttpRoad implements Road {
  readonly host: string;
  readonly repository: string;
  readonly #url: URL;
  readonly #options: RoadOptions;
  #pipe: PasswordPipe | null = null;
  #keyPipe: PasswordPipe | null = null;
  #proxyPipe: PasswordPipe | null = null;
  #network: [string, string][] | undefined;

  /** @throws Failure CONNECTOR_DENIED */
  constructor(options: RoadOptions) {
    this.#options = options;
    this.#url = parseRemoteUrl(options.remote.url, options.allowHttp);
    this.host = this.#url.host;
    this.repository = this.#url.href;
  }

  async prepare({ anonymous }: { anonymous: boolean }): Promise<Journey> {
    this.#network ??= await describeNetwork(this.#url, this.#options.network, this.#options.root);
    return {
      protocols: this.#options.allowHttp ? `${HELPER}:https:http` : `${HELPER}:https`,
      config: [
        ...settings,
        ...this.#network,
        ['remote.origin.url', this.#url.href],
        ['remote.origin.vcs', HELPER],
      ],
      environment: {
        ...(await this.#offerKey()),
        ...(await this.#offerToProxy()),
        ...(anonymous ? {} : await this.#offerPassword()),
      },
    };
  }

  /** Where git finds no list of references it looks for files of one, and then for nothing at all. */
  async confirmEmpty(secondsLeft: number): Promise<void> {
    const { remote, allowHttp, network } = this.#options;
    const { credential } = remote;
    const own: Remote = { url: remote.url };
    if (credential !== undefined) {
      const open = async (): Promise<Secret> =>
        (await credential.open()).use((bytes) => new Secret(Buffer.from(bytes)));
      own.credential = {
        username: credential.username,
        scheme: credential.scheme,
        usernameFor: credential.usernameFor,
        open,
      };
    }
    const deadlineMs = Math.ceil(secondsLeft * 1_000);
    const options = {
      allowHttp,
      allowPrivate: false,
      network,
      deadlineMs,
      limits: defaultLimits,
      signal: undefined,
    };
    await withSession(own, options, (session) => readAdvertisement(session, 'git-upload-pack'));
  }

  rest(): void {
    for (const pipe of this.#pipes) pipe?.drain();
  }

  async close(): Promise<void> {
    for (const pipe of this.#pipes) pipe?.close();
  }

  get #pipes(): (PasswordPipe | null)[] {
    return [this.#pipe, this.#keyPipe, this.#proxyPipe];
  }

  /** Of a client certificate that the connector names. */
  async #offerKey(): Promise<Record<string, string>> {
    const { client } = this.#options.network.options;
    if (client === undefined || !('key' in client)) return {};
    this.#keyPipe ??= await PasswordPipe.open(this.#options.root);
    this.#keyPipe.offerKey(client.key);
    return { SALLYPORT_KEY_PIPE: this.#keyPipe.file };
  }

  /** To a proxy that the connector names. */
  async #offerToProxy(): Promise<Record<string, string>> {
    const { proxy } = this.#options.network.options;
    const isAsked = proxy?.isOfConnector === true && proxy.serves(this.#url.hostname);
    if (!isAsked || proxy.password === undefined) return {};
    this.#proxyPipe ??= await PasswordPipe.open(this.#options.root);
    const password = new Secret(Buffer.from(proxy.password));
    this.#proxyPipe.offer(password);
    password.wipe();
    const { scripts } = this.#options;
    return {
      GIT_ASKPASS: scripts.askpass,
      SALLYPORT_PROXY: proxy.url.host,
      SALLYPORT_PROXY_PIPE: this.#proxyPipe.file,
    };
  }

  async #offerPassword(): Promise<Record<string, string>> {
    const { credential } = this.#options.remote;
    if (credential === undefined) return {};
    this.#pipe ??= await PasswordPipe.open(this.#options.root);
    const secret = await credential.open();
    this.#pipe.offer(secret);
    return {
      GIT_ASKPASS: this.#options.scripts.askpass,
      SALLYPORT_HOST: this.host,
      SALLYPORT_USERNAME: credential.usernameFor?.(secret) ?? credential.username,
      SALLYPORT_PASSWORD_PIPE: this.#pipe.file,
    };
  }
}
