// The REST API of GitHub, version 2022-11-28, which GitHub Enterprise Server has as well.
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
import { HostClient, type HostProduct, refusedOf, unlessRefused } from '../host-client.js';
import { nextLink } from '../host-line.js';
import { encodePath } from '../host-place.js';
import type { RefusalRow } from '../host-refusals.js';
import { locateGitHub } from './urls.js';

const RepoReply = z.object({
  id: z.int(),
  full_name: z.string(),
  default_branch: z.string(),
  clone_url: z.string(),
  ssh_url: z.string().nullish(),
  html_url: z.string(),
  archived: z.boolean().default(false),
  permissions: z.object({ push: z.boolean() }).optional(),
});

const BranchReply = z.object({ commit: z.object({ sha: z.string() }), protected: z.boolean().optional() });

const PullReply = z.object({
  number: z.int(),
  state: z.enum(['open', 'closed']),
  draft: z.boolean().default(false),
  title: z.string(),
  head: z.object({ ref: z.string(), sha: z.string(), repo: z.object({ id: z.int() }).nullish() }),
  base: z.object({ ref: z.string(), repo: z.object({ id: z.int() }).nullish() }),
  merged_at: z.string().nullish(),
  merge_commit_sha: z.string().nullish(),
  html_url: z.string(),
});

const HookReply = z.object({
  id: z.int(),
  active: z.boolean(),
  events: z.array(z.string()),
  config: z.object({
    url: z.string().optional(),
    content_type: z.string().optional(),
    insecure_ssl: z.union([z.string(), z.number()]).optional(),
    /** Asterisks where there is one. */
    secret: z.string().optional(),
  }),
});

const eventsOf: Record<HookTopic, string> = { push: 'push', pull: 'pull_request' };
const PAGE = { per_page: 100 };

export class GitHubClient extends HostClient {
  override async repo(): Promise<Repo> {
    const repo = await this.line.get(RepoReply, { attempt: 'read the repository', path: this.place.path });
    return {
      id: String(repo.id),
      fullName: repo.full_name,
      defaultBranch: repo.default_branch,
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
    return branch === null ? null : { commit: branch.commit.sha, protected: branch.protected ?? null };
  }

  override async findPull({ head, base }: PullBranches): Promise<Pull | null> {
    const query = { ...PAGE, state: 'open', head: `${this.place.owner}:${head}`, base };
    const ask = { attempt: 'find the pull request', path: `${this.place.path}/pulls`, query };
    const pulls = await this.line.get(z.array(PullReply), ask);
    // A fork of the same owner has such branches too; and a filter that the host does not understand, it leaves out.
    const own = pulls.find((pull) => isOwn(pull) && pull.head.ref === head && pull.base.ref === base);
    return own === undefined ? null : pullOf(own);
  }

  override async createPull({ title, head, base, body, draft }: PullWish): Promise<Pull> {
    const ask = { attempt: 'open the pull request', path: `${this.place.path}/pulls`, head, base };
    return pullOf(await this.line.post(PullReply, ask, { title, head, base, body, draft }));
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

  /** `acme/writers` is a team. */
  override askReviewers(number: number, names: string[]): Promise<string[]> {
    const ask = { attempt: 'ask for a review', path: `${this.#pathOf(number)}/requested_reviewers` };
    return refusedOf(names, async (name) => {
      const [team] = /(?<=^[^/]+\/)[^/]+$/.exec(name) ?? [];
      const body = team === undefined ? { reviewers: [name] } : { team_reviewers: [team] };
      return this.line.post(z.unknown(), ask, body).then(
        () => true,
        (error: unknown) => unlessRefused(error),
      );
    });
  }

  override async hooks(url: string): Promise<Hook[]> {
    const ask = { attempt: 'list the webhooks', path: `${this.place.path}/hooks`, query: PAGE };
    const isOurs = callsDoorOf(url);
    const found: Hook[] = [];
    for await (const page of this.line.pages(z.array(HookReply), ask, ({ headers }) => nextLink(headers)))
      found.push(...page.filter(({ config }) => isOurs(config.url)).map(hookOf));
    return found;
  }

  override async createHook(wish: HookWish): Promise<Hook> {
    const ask = { attempt: 'register the webhook', path: `${this.place.path}/hooks` };
    return hookOf(await this.line.post(HookReply, ask, { name: 'web', ...wishOf(wish) }));
  }

  override async mendHook({ id }: Hook, wish: HookWish): Promise<Hook> {
    const ask = { attempt: 'mend the webhook', path: `${this.place.path}/hooks/${id}` };
    return hookOf(await this.line.patch(HookReply, ask, wishOf(wish)));
  }

  override removeHook({ id }: Hook): Promise<void> {
    return this.line.delete({ attempt: 'remove the webhook', path: `${this.place.path}/hooks/${id}` });
  }

  #pathOf(number: number): string {
    return `${this.place.path}/pulls/${number}`;
  }
}

const isOwn = ({ head, base }: z.infer<typeof PullReply>): boolean =>
  head.repo == null || base.repo == null || head.repo.id === base.repo.id;

function pullOf(pull: z.infer<typeof PullReply>): Pull {
  const isMerged = pull.merged_at != null;
  return {
    number: pull.number,
    state: isMerged ? 'merged' : pull.state,
    draft: pull.draft,
    title: pull.title,
    head: pull.head.ref,
    base: pull.base.ref,
    headCommit: pull.head.sha,
    // Before the merge it is a try of the host’s.
    mergeCommit: isMerged ? (pull.merge_commit_sha ?? null) : null,
    webUrl: pull.html_url,
  };
}

function hookOf({ id, active, events, config }: z.infer<typeof HookReply>): Hook {
  const has = (topic: HookTopic): boolean => events.includes('*') || events.includes(eventsOf[topic]);
  return {
    id: String(id),
    url: config.url ?? '',
    active,
    topics: (['push', 'pull'] as const).filter(has),
    wellFormed:
      config.content_type === 'json' &&
      String(config.insecure_ssl ?? '0') === '0' &&
      config.secret !== undefined,
  };
}

function wishOf({ url, secret, topics }: HookWish): object {
  const text = secret.use((bytes) => bytes.toString('utf8'));
  return {
    active: true,
    events: topics.map((topic) => eventsOf[topic]),
    config: { url, content_type: 'json', insecure_ssl: '0', secret: text },
  };
}

const refusals: RefusalRow[] = [
  { status: 422, says: /A pull request already exists/i, is: 'duplicate' },
  { status: 422, says: /No commits between/i, is: 'no-changes' },
  { status: 422, says: /Draft pull requests are not supported/i, is: 'unsupported' },
  { status: 422, says: /protected branch|push declined|rule violation/i, is: 'protected' },
  {
    status: 422,
    says: /"field":\s*"(?:head|base|head_sha)"|sha can't be blank/i,
    of: /\/pulls$/,
    is: 'branch-missing',
  },
  { status: 422, says: /Hook already exists/i, is: 'duplicate' },
  // What only administrators of the repository see is hidden from others. One webhook that is not there was removed.
  { status: 404, of: /\/hooks$/, is: 'forbidden' },
];

export const gitHub: HostProduct = {
  caps: { drafts: 'field', bodyCharactersMax: 65_536, reviewers: 'logins' },
  opensEmptyPulls: false,
  locate: locateGitHub,
  refusals,
  headers: { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' },
  client: GitHubClient,
};
