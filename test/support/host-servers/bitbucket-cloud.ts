// Bitbucket Cloud, as far as Sallyport asks it.
import { readDescription } from './api-description.js';
import type { Asked, Dialect, Reply, Route } from './host-server.js';
import { type FakeHook, type FakePull, type HostState, type PullProblem, pageOf } from './host-state.js';

const REPO = '/repositories/acme/app';
const at = (rest: string): RegExp => new RegExp(`^${REPO}${rest}$`);
const errorOf = (status: number, message: string, more: object = {}): Reply => ({
  status,
  json: { type: 'error', error: { message, ...more } },
});

const problems: Record<PullProblem, Reply> = {
  duplicate: errorOf(400, 'There is already an open pull request for these branches'),
  'no-changes': errorOf(400, 'There are no changes to be pulled'),
  'no-branch': errorOf(400, 'Bad request', { fields: { source: ['branch not found: topic'] } }),
  protected: errorOf(400, 'A branch restriction forbids it'),
};

const upper = { open: 'OPEN', merged: 'MERGED', closed: 'DECLINED' };

const showPull = (state: HostState, pull: FakePull) => ({
  type: 'pullrequest',
  id: pull.number,
  state: upper[pull.state],
  draft: pull.draft,
  title: pull.title,
  description: pull.body,
  source: {
    branch: { name: pull.head },
    commit: { hash: state.headOf(pull).slice(0, 12) },
    repository: { uuid: pull.isFork ? '{fork}' : '{own}' },
  },
  destination: {
    branch: { name: pull.base },
    commit: { hash: 'a'.repeat(12) },
    repository: { uuid: '{own}' },
  },
  merge_commit: pull.mergeCommit === null ? null : { hash: pull.mergeCommit.slice(0, 12) },
  links: { html: { href: `https://bitbucket.example/acme/app/pull-requests/${pull.number}` } },
  reviewers: pull.reviewers.map((name) => ({ uuid: `{${state.people.get(name)}}` })),
});

const showHook = ({ id, url, active, events, secret, more }: FakeHook) => ({
  type: 'webhook_subscription',
  uuid: `{${id}}`,
  url,
  active,
  events,
  secret_set: secret !== undefined,
  ...more,
});

function readHook(body: unknown): Omit<FakeHook, 'id'> {
  const { url, active, events, secret } = body as FakeHook;
  return { url, active, events, secret, more: { skip_cert_verification: false } };
}

/** `source.branch.name="x"`, as its query language has it. */
const wanted = (q: string, field: string): string =>
  (new RegExp(`${field}\\.branch\\.name="((?:[^"\\\\]|\\\\.)*)"`).exec(q)?.[1] ?? '').replace(/\\(.)/g, '$1');

const routes: Route[] = [
  {
    method: 'GET',
    path: at(''),
    answer: () => ({
      status: 200,
      json: {
        type: 'repository',
        uuid: '{own}',
        full_name: 'acme/app',
        mainbranch: { type: 'branch', name: 'main' },
        links: {
          html: { href: 'https://bitbucket.example/acme/app' },
          clone: [
            { name: 'https', href: 'https://ada@bitbucket.example/acme/app.git' },
            { name: 'ssh', href: 'git@bitbucket.example:acme/app.git' },
          ],
        },
      },
    }),
  },
  {
    method: 'GET',
    path: at('/refs/branches/(.+)'),
    answer: ({ state, groups: [name = ''] }) => {
      const branch = state.branch(name);
      if (branch === undefined) return errorOf(404, 'Branch not found');
      return { status: 200, json: { type: 'branch', name, target: { hash: branch.commit } } };
    },
  },
  {
    method: 'GET',
    path: at('/pullrequests'),
    answer: ({ state, request: { query }, url }) => {
      const [q, at] = [query.q ?? '', Number(query.page ?? '1')];
      const found = state
        .openPulls()
        .filter(({ head, base }) => head === wanted(q, 'source') && base === wanted(q, 'destination'));
      const { page, next } = pageOf(found, (at - 1) * state.pageMax, 50, state.pageMax);
      const more =
        next === null
          ? {}
          : {
              next: `${url}${REPO}/pullrequests?${new URLSearchParams({ ...query, page: String(at + 1) }).toString()}`,
            };
      return { status: 200, json: { values: page.map((pull) => showPull(state, pull)), ...more } };
    },
  },
  {
    method: 'POST',
    path: at('/pullrequests'),
    answer: ({ state, request }) => {
      const body = request.body as {
        title: string;
        description: string;
        draft: boolean;
        source: { branch: { name: string } };
        destination: { branch: { name: string } };
      };
      const { title, description, draft, source, destination } = body;
      const [head, base] = [source.branch.name, destination.branch.name];
      const created = state.createPull({ title, body: description, draft, head, base });
      return typeof created === 'string'
        ? problems[created]
        : { status: 201, json: showPull(state, created) };
    },
  },
  { method: 'GET', path: at('/pullrequests/(\\d+)'), answer: (asked) => withPull(asked, () => undefined) },
  { method: 'PUT', path: at('/pullrequests/(\\d+)'), answer: setReviewers },
  {
    method: 'POST',
    path: at('/pullrequests/(\\d+)/decline'),
    answer: (asked) =>
      withPull(asked, (pull) => {
        pull.state = 'closed';
      }),
  },
  {
    method: 'GET',
    path: at('/hooks'),
    answer: ({ state, request: { query }, url }) => {
      const at = Number(query.page ?? '1');
      const { page, next } = pageOf(state.hooks, (at - 1) * state.pageMax, 100, state.pageMax);
      const more = next === null ? {} : { next: `${url}${REPO}/hooks?pagelen=100&page=${at + 1}` };
      return { status: 200, json: { values: page.map(showHook), ...more } };
    },
  },
  {
    method: 'POST',
    path: at('/hooks'),
    answer: ({ state, request }) => ({ status: 201, json: showHook(state.addHook(readHook(request.body))) }),
  },
  {
    method: 'PUT',
    path: at('/hooks/\\{?([^/]+)'),
    answer: ({ state, request, groups: [id = ''] }) => {
      const hook = state.hook(id.replace(/[{}]/g, ''));
      if (hook === undefined) return errorOf(404, 'Not found');
      return { status: 200, json: showHook(Object.assign(hook, readHook(request.body))) };
    },
  },
  {
    method: 'DELETE',
    path: at('/hooks/([^/]+)'),
    answer: ({ state, groups: [id = ''] }) =>
      state.removeHook(id.replace(/[{}]/g, '')) ? { status: 204 } : errorOf(404, 'Not found'),
  },
];

function setReviewers(asked: Asked): Reply {
  const { title, reviewers } = asked.request.body as {
    title: string;
    reviewers: { uuid?: string; account_id?: string }[];
  };
  const names = reviewers.map(({ uuid, account_id }) =>
    asked.state.personOf((uuid ?? account_id ?? '').replace(/[{}]/g, '')),
  );
  if (names.includes(undefined)) return errorOf(400, 'reviewers: Malformed reviewers list');
  return withPull(asked, (pull) => Object.assign(pull, { title, reviewers: names }));
}

function withPull({ state, groups: [number = ''] }: Asked, change: (pull: FakePull) => void): Reply {
  const pull = state.pull(Number(number));
  if (pull === undefined) return errorOf(404, 'Pull request not found');
  change(pull);
  return { status: 200, json: showPull(state, pull) };
}

export const bitbucketCloudDialect = (token: string): Dialect => ({
  root: '/2.0',
  routes,
  isKnown: ({ authorization }) =>
    authorization === `Basic ${Buffer.from(`ada@acme.example:${token}`).toString('base64')}`,
  stranger: errorOf(401, 'Token is invalid, expired, or not supported for this endpoint.'),
  notFound: errorOf(
    404,
    'You may not have access to this repository or it no longer exists in this workspace.',
  ),
  description: readDescription('bitbucket-cloud'),
});
