// What the conformance files of hosts' APIs share: one host on loopback, and its API as it is opened for a connector.
import { plainNetwork } from '../../../src/git/network.js';
import { Secret } from '../../../src/kernel/secret.js';
import type { HookTopic, HostApi, PullWish } from '../../../src/providers/host-api.js';
import { openHostApi } from '../../../src/providers/host-apis.js';
import { HostRates } from '../../../src/providers/host-rates.js';
import type { Provider } from '../../../src/providers/provider.js';
import { type Dialect, type HostRequest, HostServer } from './host-server.js';
import type { HostState } from './host-state.js';

export interface HostSubject {
  provider: Provider;
  dialect: (token: string) => Dialect;
  /** Of the repository, below the host. */
  path: string;
  /** Whether the host says where its API is only through `apiUrl`. */
  needsApiUrl?: boolean;
  username: string;
  token: string;
  /** How a person of the engine is named as a reviewer, and one whom nobody knows. */
  reviewer: (state: HostState, name: string) => string;
  nobody: string;
  /** What the host says of a branch and of the credential. */
  sees: { protected: boolean; canPush: boolean };
  /** Breaks the form of the webhooks that are there. */
  malform: (state: HostState) => void;
  /** How many registrations make one webhook with these topics. */
  registrations: (topics: HookTopic[]) => number;
}

export const wish: PullWish = {
  head: 'topic',
  base: 'main',
  title: 'Change the pipeline',
  body: 'What changed, and why.\n',
  draft: false,
  reviewers: [],
};

/** Whether it would open a pull request. */
export const isCreation = ({ method, path }: HostRequest): boolean =>
  method === 'POST' && /\/(?:pulls|merge_requests|pullrequests|pull-requests)$/.test(path);

export class HostSuite {
  #server: HostServer | undefined;
  #api: HostApi | undefined;

  constructor(readonly subject: HostSubject) {}

  get server(): HostServer {
    if (this.#server === undefined) throw new Error('The host has not started');
    return this.#server;
  }

  /** Opened anew for each test. */
  get api(): HostApi {
    if (this.#api === undefined) throw new Error('The host has not started');
    return this.#api;
  }

  async start(): Promise<void> {
    this.#server = await HostServer.start(this.subject.dialect(this.subject.token));
  }

  reset(): void {
    this.server.reset();
    this.#api = this.open();
  }

  open(more: { token?: string; path?: string; rates?: HostRates } = {}): HostApi {
    const { subject, server } = this;
    const open = async (): Promise<Secret> => new Secret(Buffer.from(more.token ?? subject.token));
    const remote = {
      provider: subject.provider,
      url: `${server.origin}${more.path ?? subject.path}`,
      apiUrl: subject.needsApiUrl === true ? server.url : null,
      credential: { username: subject.username, open },
    };
    return openHostApi(remote, {
      allowHttp: true,
      network: plainNetwork(true),
      deadlineMs: 5_000,
      rates: more.rates ?? new HostRates(),
      momentsMs: [5, 10],
      pauseMs: 2,
    });
  }
}
