// The REST API of Azure DevOps, version 7.1. What others call a webhook is one subscription for each kind of event here, and
// they are the organisation’s, not the repository’s.
import { z } from 'zod';
import { callsDoorOf } from '../hook-door.js';
import type {
  Hook,
  HookTopic,
  HookWish,
  HostBranch,
  Pull,
  PullBranches,
  PullWish,
  Repo,
} from '../host-api.js';
import { HostClient, type HostProduct, refusedOf, shortName, unlessRefused } from '../host-client.js';
import type { NextPage } from '../host-line.js';
import { joinPath } from '../host-place.js';
import type { RefusalRow } from '../host-refusals.js';
import { locateAzure } from './urls.js';

const RepoReply = z.object({
  id: z.string(),
  name: z.string(),
  defaultBranch: z.string().nullish(),
  remoteUrl: z.string(),
  sshUrl: z.string().nullish(),
  webUrl: z.string(),
  isDisabled: z.boolean().nullish(),
  project: z.object({ id: z.string(), name: z.string() }),
});
type RepoReply = z.infer<typeof RepoReply>;

const RefsReply = z.object({ value: z.array(z.object({ name: z.string(), objectId: z.string() })) });

const Commit = z.object({ commitId: z.string() }).nullish();
const PullReply = z.object({
  pullRequestId: z.int(),
  status: z.enum(['active', 'completed', 'abandoned', 'notSet', 'all']),
  isDraft: z.boolean().default(false),
  title: z.string(),
  sourceRefName: z.string(),
  targetRefName: z.string(),
  forkSource: z.unknown().optional(),
  lastMergeSourceCommit: Commit,
  lastMergeCommit: Commit,
});
type PullReply = z.infer<typeof PullReply>;
const PullsReply = z.object({ value: z.array(PullReply) });

const SubscriptionReply = z.object({
  id: z.string(),
  eventType: z.string(),
  status: z.string(),
  publisherInputs: z.record(z.string(), z.unknown()).nullish(),
  consumerInputs: z.record(z.string(), z.unknown()).nullish(),
});
type SubscriptionReply = z.infer<typeof SubscriptionReply>;
const SubscriptionsReply = z.object({ value: z.array(SubscriptionReply) });

const GIT = { 'api-version': '7.1' };
const HOOKS = { 'api-version': '7.1-preview.1' };
const SUBSCRIPTIONS = '/_apis/hooks/subscriptions';
const CONSUMER = { consumerId: 'webHooks', consumerActionId: 'httpRequest' };
/** The name under which the door expects the secret of a webhook, which is proven by Basic here. */
export const HOOK_USER = 'sallyport';
/** Separates the ids of the subscriptions that make one webhook. */
const AND = ',';

const eventsOf: Record<HookTopic, string[]> = {
  push: ['git.push'],
  pull: ['git.pullrequest.created', 'git.pullrequest.updated', 'git.pullrequest.merged'],
};
const fullName = (branch: string): string => `refs/heads/${branch}`;

export class AzureClient extends HostClient {
  override async repo(): Promise<Repo> {
    const repo = await this.#read();
    return {
      id: repo.id,
      fullName: `${repo.project.name}/${repo.name}`,
      defaultBranch: repo.defaultBranch == null ? null : shortName(repo.defaultBranch),
      cloneUrl: repo.remoteUrl.replace(/\/\/[^/@]*@/, '//'),
      sshUrl: repo.sshUrl ?? null,
      webUrl: repo.webUrl,
      canPush: null,
      archived: repo.isDisabled ?? false,
    };
  }

  /** The filter finds names that begin with what it is given. */
  override async branch(name: string): Promise<HostBranch | null> {
    const query = { ...GIT, filter: `heads/${name}` };
    const ask = { attempt: 'read the branch', path: `${this.place.path}/refs`, query };
    for await (const { value } of this.line.pages(RefsReply, ask, nextPage)) {
      const found = value.find((ref) => ref.name === fullName(name));
      if (found !== undefined) return { commit: found.objectId, protected: null };
    }
    return null;
  }

  override async findPull({ head, base }: PullBranches): Promise<Pull | null> {
    const query = {
      ...GIT,
      'searchCriteria.sourceRefName': fullName(head),
      'searchCriteria.targetRefName': fullName(base),
      'searchCriteria.status': 'active',
    };
    const ask = { attempt: 'find the pull request', path: `${this.place.path}/pullrequests`, query };
    const { value } = await this.line.get(PullsReply, ask);
    const own = value.find(
      (pull) =>
        pull.forkSource == null &&
        pull.sourceRefName === fullName(head) &&
        pull.targetRefName === fullName(base),
    );
    return own === undefined ? null : this.#pullOf(own);
  }

  override async createPull({ title, head, base, body, draft }: PullWish): Promise<Pull> {
    const path = `${this.place.path}/pullrequests`;
    const ask = { attempt: 'open the pull request', path, query: GIT, head, base };
    const wish = {
      sourceRefName: fullName(head),
      targetRefName: fullName(base),
      title,
      description: body,
      isDraft: draft,
    };
    return this.#pullOf(await this.line.post(PullReply, ask, wish));
  }

  override async pull(number: number): Promise<Pull> {
    const ask = { attempt: 'read the pull request', path: this.#pathOf(number), query: GIT };
    return this.#pullOf(await this.line.get(PullReply, ask));
  }

  override async closePull(number: number): Promise<Pull> {
    const ask = { attempt: 'abandon the pull request', path: this.#pathOf(number), query: GIT };
    return this.#pullOf(await this.line.patch(PullReply, ask, { status: 'abandoned' }));
  }

  /** By the ids of their identities; names are not looked up. */
  override askReviewers(number: number, names: string[]): Promise<string[]> {
    return refusedOf(names, async (name) => {
      if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name)) return false;
      const path = `${this.#pathOf(number)}/reviewers/${name}`;
      const ask = { attempt: 'ask for a review', path, query: GIT };
      return this.line.put(z.unknown(), ask, { id: name, vote: 0 }).then(
        () => true,
        (error: unknown) => unlessRefused(error),
      );
    });
  }

  override async hooks(url: string): Promise<Hook[]> {
    const repo = await this.#read();
    const byUrl = Map.groupBy(await this.#subscriptions(repo, url), urlOf);
    return [...byUrl].map(([at, subscriptions]) => hookOf(at, subscriptions));
  }

  override async createHook(wish: HookWish): Promise<Hook> {
    const repo = await this.#read();
    const events = wish.topics.flatMap((topic) => eventsOf[topic]);
    const made: SubscriptionReply[] = [];
    for (const event of events) made.push(await this.#subscribe(repo, event, wish));
    return hookOf(wish.url, made);
  }

  override async mendHook(_: Hook, wish: HookWish): Promise<Hook> {
    const repo = await this.#read();
    const known = await this.#subscriptions(repo, wish.url);
    const events = wish.topics.flatMap((topic) => eventsOf[topic]);
    const sound: SubscriptionReply[] = [];
    for (const event of events) {
      const there = known.find(({ eventType }) => eventType === event);
      sound.push(await this.#subscribe(repo, event, wish, there?.id));
    }
    const kept = new Set(sound.map(({ id }) => id));
    for (const { id } of known) if (!kept.has(id)) await this.#unsubscribe(id);
    return hookOf(wish.url, sound);
  }

  override async removeHook({ id }: Hook): Promise<void> {
    for (const each of id.split(AND)) await this.#unsubscribe(each);
  }

  #read(): Promise<RepoReply> {
    return this.line.get(RepoReply, { attempt: 'read the repository', path: this.place.path, query: GIT });
  }

  #pathOf(number: number): string {
    return `${this.place.path}/pullrequests/${number}`;
  }

  async #subscriptions({ id }: RepoReply, url: string): Promise<SubscriptionReply[]> {
    const query = { ...HOOKS, publisherId: 'tfs', ...CONSUMER };
    const ask = { attempt: 'list the service hooks', path: SUBSCRIPTIONS, query };
    const { value } = await this.line.get(SubscriptionsReply, ask);
    const isOurs = callsDoorOf(url);
    return value.filter((one) => one.publisherInputs?.repository === id && isOurs(urlOf(one)));
  }

  #subscribe(repo: RepoReply, eventType: string, wish: HookWish, id?: string): Promise<SubscriptionReply> {
    const body = {
      publisherId: 'tfs',
      eventType,
      resourceVersion: '1.0',
      ...CONSUMER,
      publisherInputs: { projectId: repo.project.id, repository: repo.id },
      consumerInputs: {
        url: wish.url,
        basicAuthUsername: HOOK_USER,
        basicAuthPassword: wish.secret.use((bytes) => bytes.toString('utf8')),
        resourceDetailsToSend: 'all',
        messagesToSend: 'none',
        detailedMessagesToSend: 'none',
      },
    };
    const path = id === undefined ? SUBSCRIPTIONS : SUBSCRIPTIONS + joinPath(id);
    const ask = { attempt: 'register the service hook', path, query: HOOKS };
    if (id === undefined) return this.line.post(SubscriptionReply, ask, body);
    return this.line.put(SubscriptionReply, ask, { id, status: 'enabled', ...body });
  }

  #unsubscribe(id: string): Promise<void> {
    const path = SUBSCRIPTIONS + joinPath(id);
    return this.line.delete({ attempt: 'remove the service hook', path, query: HOOKS });
  }

  #pullOf(reply: PullReply): Pull {
    return {
      number: reply.pullRequestId,
      state: states[reply.status],
      draft: reply.isDraft,
      title: reply.title,
      head: shortName(reply.sourceRefName),
      base: shortName(reply.targetRefName),
      headCommit: reply.lastMergeSourceCommit?.commitId ?? null,
      // Before the request is completed it is a try of the host’s.
      mergeCommit: reply.status === 'completed' ? (reply.lastMergeCommit?.commitId ?? null) : null,
      // What it answers is the address of the API.
      webUrl: `${this.place.web}/pullrequest/${reply.pullRequestId}`,
    };
  }
}

const states = {
  active: 'open',
  notSet: 'open',
  all: 'open',
  completed: 'merged',
  abandoned: 'closed',
} as const;

const nextPage: NextPage = ({ headers }) => {
  const token = headers['x-ms-continuationtoken'];
  return token === undefined || token === '' ? null : { continuationToken: token };
};

function urlOf({ consumerInputs }: SubscriptionReply): string {
  const { url } = consumerInputs ?? {};
  return typeof url === 'string' ? url : '';
}

function hookOf(url: string, subscriptions: SubscriptionReply[]): Hook {
  const has = (topic: HookTopic): boolean =>
    eventsOf[topic].every((event) => subscriptions.some(({ eventType }) => eventType === event));
  return {
    id: subscriptions.map(({ id }) => id).join(AND),
    url,
    // On probation it is tried a few times more; then it is off.
    active: subscriptions.every(({ status }) => status === 'enabled'),
    topics: (['push', 'pull'] as const).filter(has),
    wellFormed: subscriptions.every(isWellFormed),
  };
}

/** Without its details an event says only that something moved; a branch that is named leaves the others out. */
function isWellFormed({ publisherInputs, consumerInputs }: SubscriptionReply): boolean {
  const { branch } = publisherInputs ?? {};
  const { resourceDetailsToSend: details = 'all' } = consumerInputs ?? {};
  return details === 'all' && (branch === undefined || branch === '');
}

const refusals: RefusalRow[] = [
  // A token that is not good, or no more, gets the page where people sign in.
  { status: 203, is: 'auth' },
  { status: 302, is: 'auth' },
  { status: 409, says: /TF401179/, is: 'duplicate' },
  {
    status: 400,
    says: /TF401398|TF401175|TF401174|branch.{0,80}(?:not exist|not found)/i,
    of: /\/pullrequests$/,
    is: 'branch-missing',
  },
  { status: 404, says: /TF401398|TF401175|TF401174/i, of: /\/pullrequests$/, is: 'branch-missing' },
  { status: 403, says: /TF402455|policy/i, is: 'protected' },
];

export const azure: HostProduct = {
  caps: { drafts: 'field', bodyCharactersMax: 4_000, reviewers: 'ids' },
  opensEmptyPulls: true,
  locate: locateAzure,
  refusals,
  // A page to sign in at is no answer for a program; asked this way, some of its doors say 401.
  headers: { 'x-tfs-fedauthredirect': 'Suppress' },
  client: AzureClient,
};
