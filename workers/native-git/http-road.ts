// The way over HTTP: git's own helper, told the addresses that were checked; the password comes through a pipe.
import { parseRemoteUrl } from '../../src/git/remote-url.js';
import { describeNetwork } from './network-settings.js';
import { PasswordPipe } from './password-pipe.js';
import type { Journey, Road, RoadOptions } from './road.js';

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
      protocols: this.#options.allowHttp ? 'https:http' : 'https',
      config: [...settings, ...this.#network, ['remote.origin.url', this.#url.href]],
      environment: anonymous ? {} : await this.#offerPassword(),
    };
  }

  rest(): void {
    this.#pipe?.drain();
  }

  async close(): Promise<void> {
    this.#pipe?.close();
  }

  async #offerPassword(): Promise<Record<string, string>> {
    const { credential } = this.#options.remote;
    if (credential === undefined) return {};
    this.#pipe ??= await PasswordPipe.open(this.#options.root);
    this.#pipe.offer(await credential.open());
    return {
      GIT_ASKPASS: this.#options.scripts.askpass,
      SALLYPORT_USERNAME: credential.username,
      SALLYPORT_PASSWORD_PIPE: this.#pipe.file,
    };
  }
}
