// Bitbucket Data Center, as far as Sallyport asks it.
import { readDescription } from './api-description.js';
import type { Asked, Dialect, Reply, Route } from './host-server.js';
import { type FakeHook, type FakePull, type HostState, type PullProblem, pageOf } from './host-state.js';

const at = (rest: string): RegExp => new RegExp(`^/projects/ACME/repos/app${rest}$`);
const errorOf = (status: number, name: string, message: string): Reply => ({
  status,
  json: { errors: [{ context: null, message, exceptionName: `com.atlassian.bitbucket.${name}` }] },
});

const problems: Record<PullProblem, Reply> = {
  duplicate: errorOf(
    409,
    'pull.DuplicatePullRequestException',
    'Only one pull request may be open for these branches',
  ),
  'no-changes': errorOf(409, 'pull.EmptyPullRequestException', 'topic is already up-to-date with main'),
  'no-branch': errorOf(404, 'repository.NoSuchBranchException', 'Branch "topic" does not exist'),
  protected: errorOf(409, 'repository.RestrictedRefException', 'The branch is restricted'),
};

const upper = { open: 'OPEN', merged: 'MERGED', closed: 'DECLINED' };
const full = (name: string): string => `refs/heads/${name}`;
const short = (ref: string): string => ref.replace('refs/heads/', '');

const showPull = (state: HostState, pull: FakePull) => ({
  id: pull.number,
  version: pull.version,
  state: upper[pull.state],
  open: pull.state === 'open',
  draft: pull.draft,
  title: pull.title,
  description: pull.body,
  fromRef: {
    id: full(pull.head),
    displayId: pull.head,
    latestCommit: state.headOf(pull),
    repository: { id: pull.isFork ? 2 : 1, slug: 'app' },
  },
  toRef: {
    id: full(pull.base),
    displayId: pull.base,
    latestCommit: 'a'.repeat(40),
    repository: { id: 1, slug: 'app' },
  },
  ...(pull.mergeCommit === null ? {} : { properties: { mergeCommit: { id: pull.mergeCommit } } }),
  links: {
    self: [{ href: `https://bitbucket.example/projects/ACME/repos/app/pull-requests/${pull.number}` }],
  },
});

const showHook = ({ id, url, active, events, more }: FakeHook) => ({
  id: Number(id),
  name: 'Sallyport',
  url,
  active,
  events,
  scopeType: 'repository',
  configuration: {},
  ...more,
});

function readHook(body: unknown): Omit<FakeHook, 'id'> {
  const { url, active, events, configuration, sslVerificationRequired } = body as FakeHook & {
    configuration: { secret: string };
    sslVerificationRequired: boolean;
  };
  return { url, active, events, secret: configuration.secret, more: { sslVerificationRequired } };
}

function page<T>({ state, request: { query } }: Asked, items: T[]): Reply {
  const start = Number(query.start ?? '0');
  const { page: values, next } = pageOf(items, start, Number(query.limit ?? '25'), state.pageMax);
  const more = next === null ? {} : { nextPageStart: next };
  return { status: 200, json: { size: values.length, start, isLastPage: next === null, values, ...more } };
}

const routes: Route[] = [
  {
    method: 'GET',
    path: at(''),
    answer: () => ({
      status: 200,
      json: {
        id: 1,
        slug: 'app',
        project: { key: 'ACME' },
        archived: false,
        links: {
          self: [{ href: 'https://bitbucket.example/projects/ACME/repos/app/browse' }],
          clone: [
            { name: 'http', href: 'https://bitbucket.example/scm/acme/app.git' },
            { name: 'ssh', href: 'ssh://git@bitbucket.example:7999/acme/app.git' },
          ],
        },
      },
    }),
  },
  {
    method: 'GET',
    path: at('/default-branch'),
    answer: () => ({ status: 200, json: { id: full('main'), displayId: 'main', type: 'BRANCH' } }),
  },
  {
    method: 'GET',
    path: at('/branches'),
    answer: (asked) => {
      const found = asked.state.branchesLike((name) => name.includes(asked.request.query.filterText ?? ''));
      return page(
        asked,
        found
          .map(([name, { commit }]) => ({ id: full(name), displayId: name, latestCommit: commit }))
          .toReversed(),
      );
    },
  },
  {
    method: 'GET',
    path: at('/pull-requests'),
    answer: (asked) => {
      const found = asked.state.openPulls().filter(({ head }) => full(head) === asked.request.query.at);
      return page(
        asked,
        found.map((pull) => showPull(asked.state, pull)),
      );
    },
  },
  {
    method: 'POST',
    path: at('/pull-requests'),
    answer: ({ state, request }) => {
      const body = request.body as {
        title: string;
        description: string;
        draft?: boolean;
        fromRef: { id: string };
        toRef: { id: string };
      };
      const created = state.createPull({
        title: body.title,
        body: body.description,
        draft: body.draft ?? false,
        head: short(body.fromRef.id),
        base: short(body.toRef.id),
      });
      return typeof created === 'string'
        ? problems[created]
        : { status: 201, json: showPull(state, created) };
    },
  },
  { method: 'GET', path: at('/pull-requests/(\\d+)'), answer: (asked) => withPull(asked, () => undefined) },
  {
    method: 'POST',
    path: at('/pull-requests/(\\d+)/decline'),
    answer: (asked) =>
      withPull(asked, (pull) => {
        if (asked.request.query.version !== String(pull.version))
          return errorOf(409, 'pull.PullRequestOutOfDateException', 'The pull request was updated meanwhile');
        pull.state = 'closed';
        return undefined;
      }),
  },
  {
    method: 'POST',
    path: at('/pull-requests/(\\d+)/participants'),
    answer: (asked) =>
      withPull(asked, (pull) => {
        const { user } = asked.request.body as { user: { name: string } };
        if (!asked.state.people.has(user.name))
          return errorOf(404, 'user.NoSuchUserException', `No user is identified by ${user.name}`);
        pull.reviewers.push(user.name);
        return undefined;
      }),
  },
  {
    method: 'GET',
    path: at('/webhooks'),
    answer: (asked) => page(asked, asked.state.hooks.map(showHook)),
  },
  {
    method: 'POST',
    path: at('/webhooks'),
    answer: ({ state, request }) => ({ status: 201, json: showHook(state.addHook(readHook(request.body))) }),
  },
  {
    method: 'PUT',
    path: at('/webhooks/(\\d+)'),
    answer: ({ state, request, groups: [id = ''] }) => {
      const hook = state.hook(id);
      if (hook === undefined) return errorOf(404, 'webhook.NoSuchWebhookException', 'No such webhook');
      return { status: 200, json: showHook(Object.assign(hook, readHook(request.body))) };
    },
  },
  {
    method: 'DELETE',
    path: at('/webhooks/(\\d+)'),
    answer: ({ state, groups: [id = ''] }) =>
      state.removeHook(id)
        ? { status: 204 }
        : errorOf(404, 'webhook.NoSuchWebhookException', 'No such webhook'),
  },
];

function withPull(
  { state, groups: [number = ''] }: Asked,
  change: (pull: FakePull) => Reply | undefined,
): Reply {
  const pull = state.pull(Number(number));
  if (pull === undefined) return errorOf(404, 'pull.NoSuchPullRequestException', 'No such pull request');
  return change(pull) ?? { status: 200, json: showPull(state, pull) };
}

export const bitbucketDcDialect = (token: string): Dialect => ({
  root: '/bb/rest/api/latest',
  routes,
  isKnown: ({ authorization }) => authorization === `Bearer ${token}`,
  stranger: errorOf(401, 'auth.IncorrectPasswordAuthenticationException', 'Authentication failed'),
  notFound: errorOf(404, 'repository.NoSuchRepositoryException', 'Repository ACME/other does not exist.'),
  description: readDescription('bitbucket-dc'),
});
