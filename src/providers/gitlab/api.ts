// The REST API of GitLab, version 4. Merge requests are found by `iid`, the number within their project.
import { z } from 'zod';
import type { Secret } from '../../kernel/secret.js';
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
import { HostClient, type HostProduct, withoutDraftMark } from '../host-client.js';
import type { NextPage } from '../host-line.js';
import type { RefusalRow } from '../host-refusals.js';
import { locateGitLab } from './urls.js';

const Access = z.object({ access_level: z.int() }).nullish();
const ProjectReply = z.object({
  id: z.int(),
  path_with_namespace: z.string(),
  default_branch: z.string().nullish(),
  http_url_to_repo: z.string(),
  ssh_url_to_repo: z.string().nullish(),
  web_url: z.string(),
  archived: z.boolean().default(false),
  permissions: z.object({ project_access: Access, group_access: Access }).optional(),
});

const BranchReply = z.object({ commit: z.object({ id: z.string() }), protected: z.boolean().optional() });

const MergeRequestReply = z.object({
  iid: z.int(),
  state: z.enum(['opened', 'closed', 'locked', 'merged']),
  draft: z.boolean().optional(),
  work_in_progress: z.boolean().optional(),
  title: z.string(),
  source_branch: z.string(),
  target_branch: z.string(),
  source_project_id: z.int().nullish(),
  target_project_id: z.int().nullish(),
  sha: z.string().nullish(),
  merge_commit_sha: z.string().nullish(),
  squash_commit_sha: z.string().nullish(),
  web_url: z.string(),
  reviewers: z.array(z.object({ id: z.int() })).nullish(),
});
type MergeRequestReply = z.infer<typeof MergeRequestReply>;

const UsersReply = z.array(z.object({ id: z.int(), username: z.string() }));

const HookReply = z.object({
  id: z.int(),
  url: z.string(),
  push_events: z.boolean().default(false),
  tag_push_events: z.boolean().default(false),
  merge_requests_events: z.boolean().default(false),
  enable_ssl_verification: z.boolean().default(true),
  push_events_branch_filter: z.string().nullish(),
  custom_webhook_template: z.string().nullish(),
  /** Absent before GitLab 15. */
  alert_status: z.string().nullish(),
  /** Both absent before GitLab 19. */
  token_present: z.boolean().nullish(),
  signing_token_present: z.boolean().nullish(),
});
type HookReply = z.infer<typeof HookReply>;

/** Who may push to branches that are not protected. */
const DEVELOPER = 30;
const DRAFT = 'Draft: ';
const PAGE = { per_page: 100 };

export class GitLabClient extends HostClient {
  override async repo(): Promise<Repo> {
    const ask = { attempt: 'read the project', path: this.place.path };
    const project = await this.line.get(ProjectReply, ask);
    const { permissions } = project;
    const levels = [permissions?.project_access, permissions?.group_access].map(
      (access) => access?.access_level ?? 0,
    );
    return {
      id: String(project.id),
      fullName: project.path_with_namespace,
      defaultBranch: project.default_branch ?? null,
      cloneUrl: project.http_url_to_repo,
      sshUrl: project.ssh_url_to_repo ?? null,
      webUrl: project.web_url,
      canPush: permissions === undefined ? null : Math.max(...levels) >= DEVELOPER,
      archived: project.archived,
    };
  }

  override async branch(name: string): Promise<HostBranch | null> {
    const path = `${this.place.path}/repository/branches/${encodeURIComponent(name)}`;
    const branch = await this.line.find(BranchReply, { attempt: 'read the branch', path });
    return branch === null ? null : { commit: branch.commit.id, protected: branch.protected ?? null };
  }

  override async findPull({ head, base }: PullBranches): Promise<Pull | null> {
    const query = { ...PAGE, state: 'opened', source_branch: head, target_branch: base };
    const ask = { attempt: 'find the merge request', path: `${this.place.path}/merge_requests`, query };
    const found = await this.line.get(z.array(MergeRequestReply), ask);
    const own = found.find(
      (each) => isOwn(each) && each.source_branch === head && each.target_branch === base,
    );
    return own === undefined ? null : pullOf(own);
  }

  override async createPull({ title, head, base, body, draft }: PullWish): Promise<Pull> {
    const ask = { attempt: 'open the merge request', path: `${this.place.path}/merge_requests`, head, base };
    const marked = draft ? DRAFT + withoutDraftMark(title) : title;
    const wish = { source_branch: head, target_branch: base, title: marked, description: body };
    return pullOf(await this.line.post(MergeRequestReply, ask, wish));
  }

  override async pull(number: number): Promise<Pull> {
    const ask = { attempt: 'read the merge request', path: this.#pathOf(number) };
    return pullOf(await this.line.get(MergeRequestReply, ask));
  }

  override async closePull(number: number): Promise<Pull> {
    const ask = { attempt: 'close the merge request', path: this.#pathOf(number) };
    return pullOf(await this.line.put(MergeRequestReply, ask, { state_event: 'close' }));
  }

  /** The list of reviewers is set as a whole; without a licence for more, GitLab keeps one of them. */
  override async askReviewers(number: number, names: string[]): Promise<string[]> {
    const ids = new Map<string, number>();
    for (const name of names) {
      const ask = { attempt: 'find a reviewer', path: '/users', query: { username: name } };
      const [user] = (await this.line.get(UsersReply, ask)).filter(
        ({ username }) => username.toLowerCase() === name.toLowerCase(),
      );
      if (user !== undefined) ids.set(name, user.id);
    }
    if (ids.size === 0) return names;
    const ask = { attempt: 'ask for reviews', path: this.#pathOf(number) };
    const { reviewers } = await this.line.put(MergeRequestReply, ask, { reviewer_ids: [...ids.values()] });
    const taken = new Set(reviewers?.map(({ id }) => id) ?? ids.values());
    return names.filter((name) => !taken.has(ids.get(name) ?? -1));
  }

  override async hooks(url: string): Promise<Hook[]> {
    const ask = { attempt: 'list the webhooks', path: `${this.place.path}/hooks`, query: PAGE };
    const isOurs = callsDoorOf(url);
    const found: Hook[] = [];
    for await (const page of this.line.pages(z.array(HookReply), ask, nextPage))
      found.push(...page.filter((hook) => isOurs(hook.url)).map(hookOf));
    return found;
  }

  override async createHook(wish: HookWish): Promise<Hook> {
    const ask = { attempt: 'register the webhook', path: `${this.place.path}/hooks` };
    return hookOf(await this.#ensureProof(await this.line.post(HookReply, ask, wishOf(wish)), wish));
  }

  override async mendHook(hook: Hook, wish: HookWish): Promise<Hook> {
    // One that was switched off for its failures stays off whatever is written to it; a template of its body stays as well.
    if (!hook.active || !hook.wellFormed) return this.#makeAnew(hook, wish);
    const mended = await this.#ensureProof(await this.#put(hook.id, wishOf(wish)), wish);
    return isProvenTwice(mended, wish) ? this.#makeAnew(hook, wish) : hookOf(mended);
  }

  /**
   * GitLab before 19, and one whose administrators have switched signing off, pays no heed to a signing token, and its answer does
   * not say that there is one: the secret is its token then, which comes with every delivery in clear.
   */
  async #ensureProof(reply: HookReply, wish: HookWish): Promise<HookReply> {
    if (!isSigningToken(wish.secret) || reply.signing_token_present === true) return reply;
    return this.#put(String(reply.id), { ...wishOf(wish), ...tokenOf(wish.secret) });
  }

  async #makeAnew(hook: Hook, wish: HookWish): Promise<Hook> {
    const created = await this.createHook(wish);
    await this.removeHook(hook);
    return created;
  }

  #put(id: string, wish: object): Promise<HookReply> {
    const ask = { attempt: 'mend the webhook', path: `${this.place.path}/hooks/${id}` };
    return this.line.put(HookReply, ask, wish);
  }

  override removeHook({ id }: Hook): Promise<void> {
    return this.line.delete({ attempt: 'remove the webhook', path: `${this.place.path}/hooks/${id}` });
  }

  #pathOf(number: number): string {
    return `${this.place.path}/merge_requests/${number}`;
  }
}

const nextPage: NextPage = ({ headers }) => {
  const page = headers['x-next-page'] ?? '';
  return /^\d{1,9}$/.test(page) ? { page: Number(page) } : null;
};

const isOwn = ({ source_project_id, target_project_id }: MergeRequestReply): boolean =>
  source_project_id == null || target_project_id == null || source_project_id === target_project_id;

/** A request that is being merged is locked, and open until then. */
const states = { opened: 'open', locked: 'open', closed: 'closed', merged: 'merged' } as const;

function pullOf(reply: MergeRequestReply): Pull {
  return {
    number: reply.iid,
    state: states[reply.state],
    draft: reply.draft ?? reply.work_in_progress ?? false,
    title: withoutDraftMark(reply.title),
    head: reply.source_branch,
    base: reply.target_branch,
    headCommit: reply.sha ?? null,
    mergeCommit:
      reply.state === 'merged'
        ? (reply.merge_commit_sha ?? reply.squash_commit_sha ?? reply.sha ?? null)
        : null,
    webUrl: reply.web_url,
  };
}

function hookOf(hook: HookReply): Hook {
  const isFiltered = (hook.push_events_branch_filter ?? '') !== '';
  const topics: HookTopic[] = hook.push_events && hook.tag_push_events && !isFiltered ? ['push'] : [];
  if (hook.merge_requests_events) topics.push('pull');
  return {
    id: String(hook.id),
    url: hook.url,
    active: hook.alert_status !== 'disabled' && hook.alert_status !== 'temporarily_disabled',
    topics,
    wellFormed:
      hook.enable_ssl_verification &&
      (hook.custom_webhook_template ?? '') === '' &&
      (hook.token_present !== false || hook.signing_token_present !== false),
  };
}

const textOf = (secret: Secret): string => secret.use((bytes) => bytes.toString('utf8'));

const tokenOf = (secret: Secret): { token: string } => ({ token: textOf(secret) });

/** What it takes for one: 32 bytes in Base64. Anything else it refuses. */
const isSigningToken = (secret: Secret): boolean => /^whsec_[A-Za-z0-9+/]{43}=$/.test(textOf(secret));

/** Neither can be taken from it again: a secret of before would prove deliveries as well, or come with them in clear. */
const isProvenTwice = (reply: HookReply, { secret }: HookWish): boolean =>
  isSigningToken(secret)
    ? reply.signing_token_present === true && reply.token_present === true
    : reply.signing_token_present === true;

function wishOf({ url, secret, topics }: HookWish): object {
  return {
    url,
    ...(isSigningToken(secret) ? { signing_token: textOf(secret) } : tokenOf(secret)),
    push_events: topics.includes('push'),
    tag_push_events: topics.includes('push'),
    push_events_branch_filter: '',
    merge_requests_events: topics.includes('pull'),
    enable_ssl_verification: true,
  };
}

const refusals: RefusalRow[] = [
  { status: 409, says: /merge request already exists/i, is: 'duplicate' },
  { status: 422, says: /merge request already exists/i, is: 'duplicate' },
  { status: 400, says: /(?:source|target)_branch/i, of: /\/merge_requests$/, is: 'branch-missing' },
  { status: 400, says: /(?:source|target) branch.{0,80}does not exist/i, is: 'branch-missing' },
  { status: 422, says: /protected/i, is: 'protected' },
  { status: 403, says: /insufficient_scope/i, is: 'forbidden' },
];

export const gitLab: HostProduct = {
  caps: { drafts: 'prefix', bodyCharactersMax: 1_048_576, reviewers: 'logins' },
  opensEmptyPulls: true,
  locate: locateGitLab,
  refusals,
  headers: {},
  client: GitLabClient,
};
