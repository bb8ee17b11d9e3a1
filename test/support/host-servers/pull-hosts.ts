// Products whose pull requests are followed in one story, each with a fake of its API beside a real repository on a Git host of its
// own: what its credential is, how people are named there, how it tells of a merge, and how it asks for fewer requests.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { createRepository, type GitHost, startGitHost } from '../../../src/playground/git-host.js';
import type { Provider } from '../../../src/providers/provider.js';
import { deliveryOf, proofOf } from '../../unit/support/deliveries.js';
import type { GitAccount } from '../stack.js';
import { type Authorisation, TokenServer } from '../token-server.js';
import { azureDialect } from './azure.js';
import { bitbucketCloudDialect } from './bitbucket-cloud.js';
import { bitbucketDcDialect } from './bitbucket-dc.js';
import { giteaDialect } from './gitea.js';
import { gitHubDialect } from './github.js';
import { gitLabDialect } from './gitlab.js';
import { type Dialect, HostServer, type Reply } from './host-server.js';
import type { FakePull } from './host-state.js';
import { isCreation } from './host-suite.js';
import { RepositoryState } from './repository-state.js';

interface Product {
  name: string;
  provider: Provider;
  dialect: (token: string) => Dialect;
  /** Null: its API takes what a client of Entra is given. */
  token: string | null;
  /** Beside the token, where the product asks for one. */
  username?: string;
  /** Of the repository, below the Git host and without `.git`. */
  path: string;
  /** Whether people are named by ids. */
  byId?: boolean;
  /** The recorded delivery, and where it has what differs: the names of members by dots. */
  merged: { event: string; number: string[]; head: string[]; base: string[]; url: string; commit: string };
  /** Whether its API names the whole commit of a merge. */
  saysCommit: boolean;
  /** Asks to wait for an hour. */
  limited: () => Reply;
}

const HOUR = 3_600;
const tooMany = (json: unknown): Reply => ({ status: 429, json, headers: { 'retry-after': String(HOUR) } });

export const products: Product[] = [
  {
    name: 'GitHub',
    provider: 'github',
    dialect: gitHubDialect,
    token: 'github_pat_0123456789abcdef',
    path: 'acme/app',
    merged: {
      event: 'pull-request-merged',
      number: ['number', 'pull_request.number'],
      head: ['pull_request.head.ref'],
      base: ['pull_request.base.ref'],
      url: 'repository.clone_url',
      commit: 'pull_request.merge_commit_sha',
    },
    saysCommit: true,
    limited: () => ({
      status: 403,
      json: { message: 'API rate limit exceeded for user ID 1.' },
      headers: {
        'x-ratelimit-limit': '5000',
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset': String(Math.floor(Date.now() / 1_000) + HOUR),
      },
    }),
  },
  {
    name: 'GitLab',
    provider: 'gitlab',
    dialect: gitLabDialect,
    token: 'glpat-0123456789abcdef',
    path: 'acme/team/app',
    merged: {
      event: 'merge-request-merged',
      number: ['object_attributes.iid'],
      head: ['object_attributes.source_branch'],
      base: ['object_attributes.target_branch'],
      url: 'project.git_http_url',
      commit: 'object_attributes.merge_commit_sha',
    },
    saysCommit: true,
    limited: () => ({ status: 429, text: 'Retry later\n', headers: { 'retry-after': String(HOUR) } }),
  },
  {
    name: 'Bitbucket Cloud',
    provider: 'bitbucket-cloud',
    dialect: bitbucketCloudDialect,
    token: 'ATATT-0123456789abcdef',
    username: 'ada@acme.example',
    path: 'acme/app',
    byId: true,
    merged: {
      event: 'pullrequest-fulfilled',
      number: ['pullrequest.id'],
      head: ['pullrequest.source.branch.name'],
      base: ['pullrequest.destination.branch.name'],
      url: 'repository.full_name',
      commit: 'pullrequest.merge_commit.hash',
    },
    saysCommit: false,
    limited: () =>
      tooMany({ type: 'error', error: { message: 'Rate limit for this resource has been exceeded' } }),
  },
  {
    name: 'Bitbucket Data Center',
    provider: 'bitbucket-dc',
    dialect: bitbucketDcDialect,
    token: 'BBDC-0123456789abcdef',
    path: 'scm/acme/app',
    merged: {
      event: 'pr-merged',
      number: ['pullRequest.id'],
      head: ['pullRequest.fromRef.id', 'pullRequest.fromRef.displayId'],
      base: ['pullRequest.toRef.id', 'pullRequest.toRef.displayId'],
      url: 'pullRequest.toRef.repository.links.clone.1.href',
      commit: 'pullRequest.properties.mergeCommit.id',
    },
    saysCommit: true,
    limited: () => tooMany({ errors: [{ context: null, message: 'You have been rate limited' }] }),
  },
  {
    name: 'Forgejo',
    provider: 'forgejo',
    dialect: (token) => giteaDialect(token, 'forgejo'),
    token: '0123456789abcdef0123456789abcdef01234567',
    path: 'acme/app',
    merged: {
      event: 'pull-request-merged',
      number: ['number', 'pull_request.number'],
      head: ['pull_request.head.ref'],
      base: ['pull_request.base.ref'],
      url: 'repository.clone_url',
      commit: 'pull_request.merge_commit_sha',
    },
    saysCommit: true,
    limited: () => tooMany({ message: 'quota exhausted' }),
  },
  {
    name: 'Azure DevOps',
    provider: 'azure',
    dialect: azureDialect,
    token: null,
    path: 'tfs/Main/Shop/_git/app',
    byId: true,
    merged: {
      event: 'pullrequest-merged',
      number: ['resource.pullRequestId'],
      head: ['resource.sourceRefName'],
      base: ['resource.targetRefName'],
      url: 'resource.repository.remoteUrl',
      commit: 'resource.lastMergeCommit.commitId',
    },
    saysCommit: true,
    limited: () =>
      tooMany({ $id: '1', message: 'TF400733: The request has been canceled: too many requests' }),
  },
];

/** One product at work. */
export class PullHost {
  readonly state: RepositoryState;

  private constructor(
    readonly product: Product,
    private readonly servers: { git: GitHost; api: HostServer; tokens: TokenServer },
    private readonly client: Authorisation,
    /** Folder of the repository. */
    readonly repository: string,
  ) {
    this.state = new RepositoryState(repository);
  }

  /** `root`: a folder for its repository. */
  static async open(product: Product, root: string, accounts: GitAccount[]): Promise<PullHost> {
    fs.mkdirSync(path.dirname(path.join(root, product.path)), { recursive: true });
    const { folder } = createRepository(root, product.path, { files: { 'README.md': 'app\n' } });
    const git = await startGitHost({ root, port: 0, accounts });
    const tokens = await TokenServer.open();
    const client = tokens.authorise(randomUUID());
    const dialect = product.dialect(product.token ?? '');
    const isGiven = ({ authorization = '' }: Record<string, string>): boolean =>
      client.accessTokens.has(authorization.replace(/^Bearer /, ''));
    const api = await HostServer.start(product.token === null ? { ...dialect, isKnown: isGiven } : dialect);
    const host = new PullHost(product, { git, api, tokens }, client, folder);
    api.state = host.state;
    return host;
  }

  async close(): Promise<void> {
    for (const one of [this.servers.git, this.servers.tokens]) await one.close();
    await this.api.stop();
  }

  get api(): HostServer {
    return this.servers.api;
  }

  /** Of `apiCredential`. */
  get secret(): string {
    return this.product.token ?? this.client.clientSecret;
  }

  /** What its API is shown, with this name of the secret. */
  credential(secret: string): object {
    const { username, token } = this.product;
    if (token !== null) return username === undefined ? { kind: 'token', secret } : { username, secret };
    const { clientId } = this.client;
    return {
      kind: 'azure-entra',
      tenant: 'acme.example',
      clientId,
      secret,
      authority: this.servers.tokens.url,
    };
  }

  /** Its API takes none any more of the tokens that were given for a while. */
  endTokens(): void {
    this.client.accessTokens.clear();
  }

  get url(): string {
    return `${this.servers.git.url}/${this.product.path}.git`;
  }

  /** As reviewers are named there. */
  person(name: string): string {
    const id = this.state.people.get(name) ?? '99999999-9999-4999-8999-999999999999';
    if (this.product.byId !== true) return name;
    return this.product.provider === 'azure' ? id : `{${id}}`;
  }

  /** Times that it was asked to open a request of the branch. */
  openings(branch: string): number {
    return this.api.requests.filter((one) => isCreation(one) && JSON.stringify(one.body).includes(branch))
      .length;
  }

  /** What its webhook says of a merge, and how it proves that with the secret. */
  tellOfMerge({ number, head, base }: FakePull, commit: string, secret: string) {
    const { provider, merged } = this.product;
    const { headers, body } = deliveryOf(provider, merged.event);
    const said = structuredClone(body);
    const isCut = provider === 'bitbucket-cloud';
    for (const at of merged.number) replace(said, at, number);
    for (const at of merged.head) replace(said, at, inPlaceOf(said, at, head));
    for (const at of merged.base) replace(said, at, inPlaceOf(said, at, base));
    replace(said, merged.url, isCut ? this.product.path : this.url);
    replace(said, merged.commit, isCut ? commit.slice(0, 12) : commit);
    const raw = Buffer.from(JSON.stringify(said));
    return { body: raw, headers: { ...headers, ...proofOf(provider, raw, secret) } };
  }
}

type Members = Record<string, unknown>;

const parentOf = (body: Members, at: string): [Members, string] => {
  const names = at.split('.');
  const last = names.pop() as string;
  return [names.reduce((members, name) => members[name] as Members, body), last];
};

/** @throws Error where there is nothing to replace */
function replace(body: Members, at: string, value: unknown): void {
  const [members, name] = parentOf(body, at);
  if (typeof members[name] !== typeof value) throw new Error(`${at} is another thing in the delivery`);
  members[name] = value;
}

/** By its full name where that was. */
function inPlaceOf(body: Members, at: string, branch: string): string {
  const [members, name] = parentOf(body, at);
  return String(members[name]).startsWith('refs/heads/') ? `refs/heads/${branch}` : branch;
}
