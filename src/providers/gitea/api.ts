// The REST API of Gitea and Forgejo, version 1.
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
import { HostClient, type HostProduct, refusedOf, unlessRefused, withoutDraftMark } from '../host-client.js';
import { nextLink } from '../host-line.js';
import { encodePath } from '../host-place.js';
import type { RefusalRow } from '../host-refusals.js';
import { locateGitea } from './urls.js';

const RepoReply = z.object({
  id: z.int(),
  full_name: z.string(),
  default_branch: z.string().nullish(),
  clone_url: z.string(),
  ssh_url: z.string().nullish(),
  html_url: z.string(),
  archived: z.boolean().default(false),
  empty: z.boolean().default(false),
  permissions: z.object({ push: z.boolean() }).nullish(),
});

const BranchReply = z.object({ commit: z.object({ id: z.string() }), protected: z.boolean().optional() });

const End = z.object({ ref: z.string(), sha: z.string().nullish(), repo_id: z.int().nullish() });
const PullReply = z.object({
  number: z.int(),
  state: z.enum(['open', 'closed']),
  draft: z.boolean().optional(),
  title: z.string(),
  merged: z.boolean().default(false),
  merge_commit_sha: z.string().nullish(),
  html_url: z.string(),
  head: End,
  base: End,
});
type PullReply = z.infer<typeof PullReply>;

const HookReply = z.object({
  id: z.int(),
  active: z.boolean(),
  events: z.array(z.string()).nullish(),
  config: z.object({ url: z.string().optional(), content_type: z.string().optional() }),
  branch_filter: z.string().nullish(),
});

/** That a branch was deleted is told by an event of its own alone. */
const eventsOf: Record<HookTopic, string[]> = { push: ['push', 'create', 'delete'], pull: ['pull_request'] };
const DRAFT = 'WIP: ';
const PAGE = { limit: 50 };
/** Ten thousand requests, where the host gives as many to a page as it is asked for. */
const PULL_PAGES_MAX = 200;

export class GiteaClient extends HostClient {
  override async repo(): Promise<Repo> {
    const repo = await this.line.get(RepoReply, { attempt: 'read the repository', path: this.place.path });
    const named = repo.default_branch ?? '';
    return {
      id: String(repo.id),
      fullName: repo.full_name,
      defaultBranch: named === '' || repo.empty ? null : named,
      cloneUrl: repo.clone_url,
      sshUrl: repo.ssh_url ?? null,
      webUrl: repo.html_url,
      canPush: repo.permissions?.push ?? null,
      archived: repo.archived,
    };
  }

  override async branch(name: string): Promise<HostBranch | null> {
    const path = `${this.place.path}/branches/${encodePath(name)}`;
    const branch = await this.line.find(BranchReply, { attempt: 'read the branch', path });
    return branch === null ? null : { commit: branch.commit.id, protected: branch.protected ?? null };
  }

  /**
   * The address of a request by its branches leads to one of any state, the first one of many. It is of use where that is open, or
   * where there is none at all; otherwise requests are listed, of which a repository may have thousands.
   */
  override async findPull(branches: PullBranches): Promise<Pull | null> {
    const first = await this.#firstOf(branches);
    if (first !== null && isWanted(first, branches)) return pullOf(first);
    const isNew = first === null && isAddressable(branches);
    const query = { ...PAGE, state: 'open', sort: 'recentupdate' };
    const ask = { attempt: 'find the pull request', path: `${this.place.path}/pulls`, query };
    const pages = this.line.pages(
      z.array(PullReply),
      ask,
      ({ headers }) => nextLink(headers),
      PULL_PAGES_MAX,
    );
    for await (const page of pages) {
      const own = page.find((pull) => isWanted(pull, branches));
      if (own !== undefined) return pullOf(own);
      // That the list is answered says that it is the request that is missing, and not the repository.
      if (isNew) return null;
    }
    return null;
  }

  async #firstOf(branches: PullBranches): Promise<PullReply | null> {
    const { head, base } = branches;
    if (isOtherAddress(head)) return null;
    const path = `${this.place.path}/pulls/${encodeURIComponent(base)}/${encodePath(head)}`;
    return this.line.find(PullReply, { attempt: 'find the pull request', path });
  }

  override async createPull({ title, head, base, body, draft }: PullWish): Promise<Pull> {
    const ask = { attempt: 'open the pull request', path: `${this.place.path}/pulls`, head, base };
    const marked = draft ? DRAFT + withoutDraftMark(title) : title;
    return pullOf(await this.line.post(PullReply, ask, { title: marked, head, base, body }));
  }

  override async pull(number: number): Promise<Pull> {
    return pullOf(
      await this.line.get(PullReply, { attempt: 'read the pull request', path: this.#pathOf(number) }),
    );
  }

  override async closePull(number: number): Promise<Pull> {
    const ask = { attempt: 'close the pull request', path: this.#pathOf(number) };
    return pullOf(await this.line.patch(PullReply, ask, { state: 'closed' }));
  }

  override askReviewers(number: number, names: string[]): Promise<string[]> {
    const ask = { attempt: 'ask for a review', path: `${this.#pathOf(number)}/requested_reviewers` };
    return refusedOf(names, (name) =>
      this.line.post(z.unknown(), ask, { reviewers: [name] }).then(
        () => true,
        (error: unknown) => unlessRefused(error),
      ),
    );
  }

  override async hooks(url: string): Promise<Hook[]> {
    const ask = { attempt: 'list the webhooks', path: `${this.place.path}/hooks`, query: PAGE };
    const isOurs = callsDoorOf(url);
    const found: Hook[] = [];
    for await (const page of this.line.pages(z.array(HookReply), ask, ({ headers }) => nextLink(headers)))
      found.push(...page.filter(({ config }) => isOurs(config.url)).map(hookOf));
    return found;
  }

  override async createHook({ url, secret, topics }: HookWish): Promise<Hook> {
    const ask = { attempt: 'register the webhook', path: `${this.place.path}/hooks` };
    const wish = {
      type: 'gitea',
      active: true,
      events: topics.flatMap((topic) => eventsOf[topic]),
      config: { url, content_type: 'json', secret: secret.use((bytes) => bytes.toString('utf8')) },
    };
    return hookOf(await this.line.post(HookReply, ask, wish));
  }

  /** The secret of a webhook that is there cannot be set. */
  override async mendHook(hook: Hook, wish: HookWish): Promise<Hook> {
    const created = await this.createHook(wish);
    await this.removeHook(hook);
    return created;
  }

  override removeHook({ id }: Hook): Promise<void> {
    return this.line.delete({ attempt: 'remove the webhook', path: `${this.place.path}/hooks/${id}` });
  }

  #pathOf(number: number): string {
    return `${this.place.path}/pulls/${number}`;
  }
}

const isOwn = ({ head, base }: PullReply): boolean =>
  head.repo_id == null || base.repo_id == null || head.repo_id === base.repo_id;

const isWanted = (pull: PullReply, { head, base }: PullBranches): boolean =>
  pull.state === 'open' && isOwn(pull) && pull.head.ref === head && pull.base.ref === base;

/** What is below a request, such as its files, has the addresses that requests into a branch of its number or name would have. */
const isOtherAddress = (head: string): boolean =>
  /^(?:commits|files|merge|requested_reviewers|reviews|update)(?:\/|$)/.test(head);

/** A proxy in front of the host may not let an encoded slash through, and answer that there is nothing. */
const isAddressable = ({ head, base }: PullBranches): boolean => !isOtherAddress(head) && !base.includes('/');

function pullOf(reply: PullReply): Pull {
  return {
    number: reply.number,
    state: reply.merged ? 'merged' : reply.state,
    draft: reply.draft ?? withoutDraftMark(reply.title) !== reply.title,
    title: withoutDraftMark(reply.title),
    head: reply.head.ref,
    base: reply.base.ref,
    headCommit: reply.head.sha ?? null,
    mergeCommit: reply.merged ? (reply.merge_commit_sha ?? null) : null,
    webUrl: reply.html_url,
  };
}

function hookOf({ id, active, events, config, branch_filter }: z.infer<typeof HookReply>): Hook {
  const has = (topic: HookTopic): boolean => eventsOf[topic].every((event) => isTold(event, events ?? []));
  const isFiltered = !['', '*', null, undefined].includes(branch_filter);
  return {
    id: String(id),
    url: config.url ?? '',
    active,
    topics: (['push', 'pull'] as const).filter((topic) => has(topic) && !(topic === 'push' && isFiltered)),
    wellFormed: config.content_type === 'json',
  };
}

/** Newer servers list each part of `pull_request` on its own. */
const isTold = (event: string, events: string[]): boolean =>
  events.includes(event) || (event === 'pull_request' && events.includes('pull_request_only'));

const refusals: RefusalRow[] = [
  { status: 409, says: /already exists/i, is: 'duplicate' },
  { status: 422, says: /no commits|no changes between|nothing to compare/i, is: 'no-changes' },
  {
    status: 404,
    of: /\/pulls$/,
    says: /branch|could not find|target couldn't be found|object does not exist/i,
    is: 'branch-missing',
  },
  {
    status: 422,
    says: /invalid (?:head|base)|branch.{0,80}(?:does not exist|not found)/i,
    of: /\/pulls$/,
    is: 'branch-missing',
  },
  { status: 403, says: /protected/i, is: 'protected' },
  { status: 404, of: /\/hooks$/, is: 'forbidden' },
];

export const gitea: HostProduct = {
  caps: { drafts: 'prefix', bodyCharactersMax: 65_536, reviewers: 'logins' },
  opensEmptyPulls: true,
  locate: locateGitea,
  refusals,
  headers: {},
  client: GiteaClient,
};
