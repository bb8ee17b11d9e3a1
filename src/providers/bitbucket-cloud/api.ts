// The REST API of Bitbucket Cloud, version 2.0. Names of people are not theirs to find: reviewers are given by id.
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
import type { NextPage } from '../host-line.js';
import { encodePath } from '../host-place.js';
import type { RefusalRow } from '../host-refusals.js';
import { locateBitbucketCloud } from './urls.js';

const Link = z.object({ href: z.string() });
const RepoReply = z.object({
  uuid: z.string(),
  full_name: z.string(),
  mainbranch: z.object({ name: z.string() }).nullish(),
  links: z.object({ html: Link, clone: z.array(Link.extend({ name: z.string() })) }),
});

const BranchReply = z.object({ target: z.object({ hash: z.string() }) });

const End = z.object({
  branch: z.object({ name: z.string() }),
  commit: z.object({ hash: z.string() }).nullish(),
  repository: z.object({ uuid: z.string().optional() }).nullish(),
});
const PullReply = z.object({
  id: z.int(),
  state: z.enum(['OPEN', 'MERGED', 'DECLINED', 'SUPERSEDED']),
  draft: z.boolean().default(false),
  title: z.string(),
  source: End,
  destination: End,
  merge_commit: z.object({ hash: z.string() }).nullish(),
  links: z.object({ html: Link }),
  reviewers: z.array(z.object({ uuid: z.string() })).default([]),
});
type PullReply = z.infer<typeof PullReply>;

const HookReply = z.object({
  uuid: z.string(),
  url: z.string(),
  active: z.boolean(),
  events: z.array(z.string()),
  secret_set: z.boolean().optional(),
  skip_cert_verification: z.boolean().optional(),
});

const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ values: z.array(item), next: z.string().optional() });
const nextPage: NextPage = ({ json }) => (json as { next?: string }).next ?? null;

const eventsOf: Record<HookTopic, string[]> = {
  push: ['repo:push'],
  pull: ['pullrequest:created', 'pullrequest:updated', 'pullrequest:fulfilled', 'pullrequest:rejected'],
};

export class BitbucketCloudClient extends HostClient {
  override async repo(): Promise<Repo> {
    const repo = await this.line.get(RepoReply, { attempt: 'read the repository', path: this.place.path });
    const cloneOf = (name: string): string | null =>
      repo.links.clone.find((link) => link.name === name)?.href ?? null;
    return {
      id: repo.uuid,
      fullName: repo.full_name,
      defaultBranch: repo.mainbranch?.name ?? null,
      // It names the user who asks, which is nobody else’s.
      cloneUrl: (cloneOf('https') ?? repo.links.html.href).replace(/\/\/[^/@]*@/, '//'),
      sshUrl: cloneOf('ssh'),
      webUrl: repo.links.html.href,
      canPush: null,
      archived: false,
    };
  }

  override async branch(name: string): Promise<HostBranch | null> {
    const path = `${this.place.path}/refs/branches/${encodePath(name)}`;
    const branch = await this.line.find(BranchReply, { attempt: 'read the branch', path });
    return branch === null ? null : { commit: branch.target.hash, protected: null };
  }

  override async findPull({ head, base }: PullBranches): Promise<Pull | null> {
    const q = `source.branch.name=${quote(head)} AND destination.branch.name=${quote(base)} AND state="OPEN"`;
    const ask = {
      attempt: 'find the pull request',
      path: `${this.place.path}/pullrequests`,
      query: { q, pagelen: 50 },
    };
    for await (const { values } of this.line.pages(pageOf(PullReply), ask, nextPage)) {
      const own = values.find(
        (pull) => isOwn(pull) && pull.source.branch.name === head && pull.destination.branch.name === base,
      );
      if (own !== undefined) return pullOf(own);
    }
    return null;
  }

  override async createPull({ title, head, base, body, draft }: PullWish): Promise<Pull> {
    const ask = { attempt: 'open the pull request', path: `${this.place.path}/pullrequests`, head, base };
    const wish = {
      title,
      description: body,
      draft,
      source: { branch: { name: head } },
      destination: { branch: { name: base } },
    };
    return pullOf(await this.line.post(PullReply, ask, wish));
  }

  override async pull(number: number): Promise<Pull> {
    return pullOf(await this.#read(number));
  }

  override async closePull(number: number): Promise<Pull> {
    const ask = { attempt: 'decline the pull request', path: `${this.#pathOf(number)}/decline` };
    return pullOf(await this.line.post(PullReply, ask));
  }

  /** `{uuid}` or an account id. The list of reviewers is set as a whole. */
  override async askReviewers(number: number, names: string[]): Promise<string[]> {
    const { title, reviewers } = await this.#read(number);
    let known: object[] = reviewers.map(({ uuid }) => ({ uuid }));
    const ask = { attempt: 'ask for a review', path: this.#pathOf(number) };
    return refusedOf(names, async (name) => {
      const more = [...known, name.startsWith('{') ? { uuid: name } : { account_id: name }];
      try {
        await this.line.put(PullReply, ask, { title, reviewers: more });
      } catch (error) {
        return unlessRefused(error);
      }
      known = more;
      return true;
    });
  }

  override async hooks(url: string): Promise<Hook[]> {
    const ask = { attempt: 'list the webhooks', path: `${this.place.path}/hooks`, query: { pagelen: 100 } };
    const isOurs = callsDoorOf(url);
    const found: Hook[] = [];
    for await (const { values } of this.line.pages(pageOf(HookReply), ask, nextPage))
      found.push(...values.filter((hook) => isOurs(hook.url)).map(hookOf));
    return found;
  }

  override async createHook(wish: HookWish): Promise<Hook> {
    const ask = { attempt: 'register the webhook', path: `${this.place.path}/hooks` };
    return hookOf(await this.line.post(HookReply, ask, wishOf(wish)));
  }

  override async mendHook({ id }: Hook, wish: HookWish): Promise<Hook> {
    const ask = { attempt: 'mend the webhook', path: this.#hookPathOf(id) };
    return hookOf(await this.line.put(HookReply, ask, wishOf(wish)));
  }

  override removeHook({ id }: Hook): Promise<void> {
    return this.line.delete({ attempt: 'remove the webhook', path: this.#hookPathOf(id) });
  }

  #read(number: number): Promise<PullReply> {
    return this.line.get(PullReply, { attempt: 'read the pull request', path: this.#pathOf(number) });
  }

  #pathOf(number: number): string {
    return `${this.place.path}/pullrequests/${number}`;
  }

  #hookPathOf(id: string): string {
    return `${this.place.path}/hooks/${encodeURIComponent(id)}`;
  }
}

/** As its query language quotes. */
const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

const isOwn = ({ source, destination }: PullReply): boolean =>
  source.repository?.uuid === undefined ||
  destination.repository?.uuid === undefined ||
  source.repository.uuid === destination.repository.uuid;

const states = { OPEN: 'open', MERGED: 'merged', DECLINED: 'closed', SUPERSEDED: 'closed' } as const;

function pullOf(reply: PullReply): Pull {
  return {
    number: reply.id,
    state: states[reply.state],
    draft: reply.draft,
    title: reply.title,
    head: reply.source.branch.name,
    base: reply.destination.branch.name,
    // Its hashes are cut to twelve characters.
    headCommit: wholeOf(reply.source.commit?.hash),
    mergeCommit: wholeOf(reply.merge_commit?.hash),
    webUrl: reply.links.html.href,
  };
}

const wholeOf = (hash: string | undefined): string | null =>
  hash !== undefined && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(hash) ? hash : null;

function hookOf({ uuid, url, active, events, ...more }: z.infer<typeof HookReply>): Hook {
  const topics = (['push', 'pull'] as const).filter((topic) =>
    eventsOf[topic].every((event) => events.includes(event)),
  );
  const wellFormed = more.secret_set !== false && more.skip_cert_verification !== true;
  return { id: uuid, url, active, topics, wellFormed };
}

function wishOf({ url, secret, topics }: HookWish): object {
  return {
    description: 'Sallyport',
    url,
    active: true,
    secret: secret.use((bytes) => bytes.toString('utf8')),
    events: topics.flatMap((topic) => eventsOf[topic]),
  };
}

const refusals: RefusalRow[] = [
  { status: 400, says: /no changes to be pulled/i, is: 'no-changes' },
  { status: 400, says: /already (?:a|an open) pull request|pull request already exists/i, is: 'duplicate' },
  {
    status: 400,
    says: /branch not found|"(?:source|destination)":\s*\[|does not exist/i,
    of: /\/pullrequests$/,
    is: 'branch-missing',
  },
  { status: 400, says: /branch restriction|restricted/i, is: 'protected' },
];

export const bitbucketCloud: HostProduct = {
  caps: { drafts: 'field', bodyCharactersMax: 32_768, reviewers: 'ids' },
  opensEmptyPulls: false,
  locate: locateBitbucketCloud,
  refusals,
  headers: {},
  client: BitbucketCloudClient,
};
