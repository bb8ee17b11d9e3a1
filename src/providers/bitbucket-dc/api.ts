// The REST API of Bitbucket Data Center. Branches are named in full; a request is changed under the version that was read.
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
import type { RefusalRow } from '../host-refusals.js';
import { locateBitbucketDc } from './urls.js';

const Link = z.object({ href: z.string() });
const RepoReply = z.object({
  id: z.int(),
  slug: z.string(),
  project: z.object({ key: z.string() }),
  archived: z.boolean().default(false),
  links: z.object({
    self: z.array(Link).default([]),
    clone: z.array(Link.extend({ name: z.string() })).default([]),
  }),
});

const BranchReply = z.object({ id: z.string(), latestCommit: z.string().nullish() });

const End = z.object({
  id: z.string(),
  displayId: z.string().optional(),
  latestCommit: z.string().nullish(),
  repository: z.object({ id: z.int() }).nullish(),
});
const PullReply = z.object({
  id: z.int(),
  version: z.int(),
  state: z.enum(['OPEN', 'MERGED', 'DECLINED']),
  draft: z.boolean().default(false),
  title: z.string(),
  fromRef: End,
  toRef: End,
  properties: z.object({ mergeCommit: z.object({ id: z.string() }).nullish() }).nullish(),
  links: z.object({ self: z.array(Link).default([]) }),
});
type PullReply = z.infer<typeof PullReply>;

const HookReply = z.object({
  id: z.int(),
  url: z.string(),
  active: z.boolean(),
  events: z.array(z.string()),
  sslVerificationRequired: z.boolean().default(true),
  configuration: z.object({ secret: z.string().optional() }).nullish(),
});

const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({
    values: z.array(item),
    isLastPage: z.boolean().default(true),
    nextPageStart: z.int().nullish(),
  });

const nextPage: NextPage = ({ json }) => {
  const { isLastPage, nextPageStart } = json as { isLastPage?: boolean; nextPageStart?: number };
  return isLastPage === false && typeof nextPageStart === 'number' ? { start: nextPageStart } : null;
};

const PAGE = { limit: 100 };
const fullName = (branch: string): string => `refs/heads/${branch}`;

const eventsOf: Record<HookTopic, string[]> = {
  push: ['repo:refs_changed'],
  pull: ['pr:opened', 'pr:from_ref_updated', 'pr:modified', 'pr:merged', 'pr:declined', 'pr:deleted'],
};

export class BitbucketDcClient extends HostClient {
  override async repo(): Promise<Repo> {
    const ask = { attempt: 'read the repository', path: this.place.path };
    const repo = await this.line.get(RepoReply, ask);
    // An empty repository has a default branch that is not there yet, or none.
    const path = `${this.place.path}/default-branch`;
    const branch = await this.line.find(z.object({ id: z.string() }).optional(), {
      attempt: 'read the default branch',
      path,
    });
    const cloneOf = (...names: string[]): string | null =>
      repo.links.clone.find(({ name }) => names.includes(name))?.href ?? null;
    const web = repo.links.self[0]?.href ?? this.place.web;
    return {
      id: String(repo.id),
      fullName: `${repo.project.key}/${repo.slug}`,
      defaultBranch: branch == null ? null : shortName(branch.id),
      cloneUrl: (cloneOf('http', 'https') ?? web).replace(/\/\/[^/@]*@/, '//'),
      sshUrl: cloneOf('ssh'),
      webUrl: web,
      canPush: null,
      archived: repo.archived,
    };
  }

  /** There is no address of one branch; the filter finds names that hold what it is given. */
  override async branch(name: string): Promise<HostBranch | null> {
    const query = { ...PAGE, filterText: name, boostMatches: true };
    const ask = { attempt: 'read the branch', path: `${this.place.path}/branches`, query };
    for await (const { values } of this.line.pages(pageOf(BranchReply), ask, nextPage)) {
      const found = values.find(({ id }) => id === fullName(name));
      if (found?.latestCommit != null) return { commit: found.latestCommit, protected: null };
    }
    return null;
  }

  override async findPull({ head, base }: PullBranches): Promise<Pull | null> {
    const query = { ...PAGE, direction: 'OUTGOING', at: fullName(head), state: 'OPEN' };
    const ask = { attempt: 'find the pull request', path: `${this.place.path}/pull-requests`, query };
    for await (const { values } of this.line.pages(pageOf(PullReply), ask, nextPage)) {
      const own = values.find(
        (pull) => isOwn(pull) && pull.fromRef.id === fullName(head) && pull.toRef.id === fullName(base),
      );
      if (own !== undefined) return pullOf(own);
    }
    return null;
  }

  override async createPull({ title, head, base, body, draft }: PullWish): Promise<Pull> {
    const ask = { attempt: 'open the pull request', path: `${this.place.path}/pull-requests`, head, base };
    const repository = { slug: this.place.name, project: { key: this.place.owner } };
    const wish = {
      title,
      description: body,
      fromRef: { id: fullName(head), repository },
      toRef: { id: fullName(base), repository },
      // Servers that know no drafts do not know the field either.
      ...(draft ? { draft } : {}),
    };
    return pullOf(await this.line.post(PullReply, ask, wish));
  }

  override async pull(number: number): Promise<Pull> {
    return pullOf(await this.#read(number));
  }

  override async closePull(number: number): Promise<Pull> {
    const { version } = await this.#read(number);
    const ask = {
      attempt: 'decline the pull request',
      path: `${this.#pathOf(number)}/decline`,
      query: { version },
    };
    return pullOf(await this.line.post(PullReply, ask, {}));
  }

  override askReviewers(number: number, names: string[]): Promise<string[]> {
    const ask = { attempt: 'ask for a review', path: `${this.#pathOf(number)}/participants` };
    return refusedOf(names, (name) =>
      this.line.post(z.unknown(), ask, { user: { name }, role: 'REVIEWER' }).then(
        () => true,
        (error: unknown) => unlessRefused(error),
      ),
    );
  }

  override async hooks(url: string): Promise<Hook[]> {
    const ask = { attempt: 'list the webhooks', path: `${this.place.path}/webhooks` };
    const isOurs = callsDoorOf(url);
    const found: Hook[] = [];
    for await (const { values } of this.line.pages(pageOf(HookReply), ask, nextPage))
      found.push(...values.filter((hook) => isOurs(hook.url)).map(hookOf));
    return found;
  }

  override async createHook(wish: HookWish): Promise<Hook> {
    const ask = { attempt: 'register the webhook', path: `${this.place.path}/webhooks` };
    return hookOf(await this.line.post(HookReply, ask, wishOf(wish)));
  }

  override async mendHook({ id }: Hook, wish: HookWish): Promise<Hook> {
    const ask = { attempt: 'mend the webhook', path: `${this.place.path}/webhooks/${id}` };
    return hookOf(await this.line.put(HookReply, ask, wishOf(wish)));
  }

  override removeHook({ id }: Hook): Promise<void> {
    return this.line.delete({ attempt: 'remove the webhook', path: `${this.place.path}/webhooks/${id}` });
  }

  #read(number: number): Promise<PullReply> {
    return this.line.get(PullReply, { attempt: 'read the pull request', path: this.#pathOf(number) });
  }

  #pathOf(number: number): string {
    return `${this.place.path}/pull-requests/${number}`;
  }
}

const isOwn = ({ fromRef, toRef }: PullReply): boolean =>
  fromRef.repository == null || toRef.repository == null || fromRef.repository.id === toRef.repository.id;

const states = { OPEN: 'open', MERGED: 'merged', DECLINED: 'closed' } as const;

function pullOf(reply: PullReply): Pull {
  return {
    number: reply.id,
    state: states[reply.state],
    draft: reply.draft,
    title: reply.title,
    head: shortName(reply.fromRef.id),
    base: shortName(reply.toRef.id),
    headCommit: reply.fromRef.latestCommit ?? null,
    mergeCommit: reply.properties?.mergeCommit?.id ?? null,
    webUrl: reply.links.self[0]?.href ?? '',
  };
}

function hookOf({ id, url, active, events, ...more }: z.infer<typeof HookReply>): Hook {
  const topics = (['push', 'pull'] as const).filter((topic) =>
    eventsOf[topic].every((event) => events.includes(event)),
  );
  return { id: String(id), url, active, topics, wellFormed: more.sslVerificationRequired };
}

function wishOf({ url, secret, topics }: HookWish): object {
  return {
    name: 'Sallyport',
    url,
    active: true,
    events: topics.flatMap((topic) => eventsOf[topic]),
    configuration: { secret: secret.use((bytes) => bytes.toString('utf8')) },
    sslVerificationRequired: true,
  };
}

const refusals: RefusalRow[] = [
  { status: 409, says: /DuplicatePullRequestException/, is: 'duplicate' },
  { status: 409, says: /EmptyPullRequestException/, is: 'no-changes' },
  { status: 404, says: /NoSuchBranchException/, is: 'branch-missing' },
  { status: 409, says: /NoSuchBranchException/, is: 'branch-missing' },
  { status: 400, says: /draft/i, of: /\/pull-requests$/, is: 'unsupported' },
  { status: 409, says: /RestrictedRefException|BranchPermission|restricted/i, is: 'protected' },
  // The rights that are missing are what it answers with the status of a wrong credential.
  { status: 401, says: /AuthorisationException/, is: 'forbidden' },
];

export const bitbucketDc: HostProduct = {
  caps: { drafts: 'field', bodyCharactersMax: 32_768, reviewers: 'logins' },
  opensEmptyPulls: false,
  locate: locateBitbucketDc,
  refusals,
  // Without it, a change could be a form that a browser was led to.
  headers: { 'x-atlassian-token': 'no-check' },
  client: BitbucketDcClient,
};
