// GitHub, as far as Sallyport asks it.
import { readDescription } from './api-description.js';
import type { Asked, Dialect, Reply, Route } from './host-server.js';
import { type FakeHook, type FakePull, type HostState, type PullProblem, pageOf } from './host-state.js';

const REPO = '/repos/acme/app';

const messageOf = (status: number, message: string, more: object = {}): Reply => ({
  status,
  json: { message, documentation_url: 'https://docs.github.com/rest', status: String(status), ...more },
});

const invalid = (error: object): Reply => messageOf(422, 'Validation Failed', { errors: [error] });

const problems: Record<PullProblem, Reply> = {
  duplicate: invalid({
    resource: 'PullRequest',
    code: 'custom',
    message: 'A pull request already exists for acme:topic.',
  }),
  'no-changes': invalid({
    resource: 'PullRequest',
    code: 'custom',
    message: 'No commits between main and same',
  }),
  'no-branch': invalid({ resource: 'PullRequest', field: 'head', code: 'invalid' }),
  protected: messageOf(422, 'Repository rule violations found: Cannot change this locked branch'),
};

const showPull = (state: HostState, pull: FakePull) => ({
  id: 9_000 + pull.number,
  number: pull.number,
  state: pull.state === 'open' ? 'open' : 'closed',
  draft: pull.draft,
  title: pull.title,
  body: pull.body,
  head: { ref: pull.head, sha: state.headOf(pull), repo: { id: pull.isFork ? 2 : 1 } },
  base: { ref: pull.base, sha: 'a'.repeat(40), repo: { id: 1 } },
  merged_at: pull.state === 'merged' ? '2026-11-01T00:00:00Z' : null,
  merge_commit_sha: pull.mergeCommit ?? 'e'.repeat(40),
  html_url: `https://github.example/acme/app/pull/${pull.number}`,
});

const showHook = ({ id, url, active, events, secret, more }: FakeHook) => ({
  type: 'Repository',
  id: Number(id),
  name: 'web',
  active,
  events,
  config: { url, ...more, ...(secret === undefined ? {} : { secret: '********' }) },
});

interface HookBody {
  active: boolean;
  events: string[];
  config: { url: string; content_type: string; insecure_ssl: string; secret: string };
}

const readHook = ({ active, events, config }: HookBody): Omit<FakeHook, 'id'> => {
  const { url, secret, ...more } = config;
  return { url, active, events, secret, more };
};

const routes: Route[] = [
  {
    method: 'GET',
    path: /^\/repos\/acme\/app$/,
    answer: () => ({
      status: 200,
      json: {
        id: 1,
        full_name: 'Acme/App',
        default_branch: 'main',
        clone_url: 'https://github.example/acme/app.git',
        ssh_url: 'git@github.example:acme/app.git',
        html_url: 'https://github.example/acme/app',
        archived: false,
        permissions: { admin: true, push: true, pull: true },
      },
    }),
  },
  {
    method: 'GET',
    path: /^\/repos\/acme\/app\/branches\/(.+)$/,
    answer: ({ state, groups: [name = ''] }) => {
      const branch = state.branch(name);
      if (branch === undefined) return messageOf(404, 'Branch not found');
      return { status: 200, json: { name, commit: { sha: branch.commit }, protected: branch.protected } };
    },
  },
  {
    method: 'GET',
    path: /^\/repos\/acme\/app\/pulls$/,
    answer: ({ state, request: { query } }) => {
      const found = state
        .openPulls()
        .filter(({ head, base }) => `acme:${head}` === query.head && base === query.base);
      return { status: 200, json: found.map((pull) => showPull(state, pull)) };
    },
  },
  {
    method: 'POST',
    path: /^\/repos\/acme\/app\/pulls$/,
    answer: ({ state, request }) => {
      const created = state.createPull(request.body as Parameters<HostState['createPull']>[0]);
      return typeof created === 'string'
        ? problems[created]
        : { status: 201, json: showPull(state, created) };
    },
  },
  {
    method: 'GET',
    path: /^\/repos\/acme\/app\/pulls\/(\d+)$/,
    answer: (asked) => withPull(asked, () => undefined),
  },
  {
    method: 'PATCH',
    path: /^\/repos\/acme\/app\/pulls\/(\d+)$/,
    answer: (asked) =>
      withPull(asked, (pull) => {
        pull.state = (asked.request.body as { state: 'open' | 'closed' }).state;
      }),
  },
  {
    method: 'POST',
    path: /^\/repos\/acme\/app\/pulls\/(\d+)\/requested_reviewers$/,
    answer: (asked) => {
      const { reviewers = [] } = asked.request.body as { reviewers?: string[] };
      if (!reviewers.every((name) => asked.state.people.has(name)))
        return messageOf(422, 'Reviews may only be requested from collaborators.');
      return { ...withPull(asked, (pull) => void pull.reviewers.push(...reviewers)), status: 201 };
    },
  },
  {
    method: 'GET',
    path: /^\/repos\/acme\/app\/hooks$/,
    answer: ({ state, request: { query }, url }) => {
      const at = Number(query.page ?? '1') - 1;
      const size = Math.min(Number(query.per_page), state.pageMax);
      const { page, next } = pageOf(state.hooks, at * size, size, size);
      const link = `<${url}${REPO}/hooks?per_page=${query.per_page}&page=${at + 2}>; rel="next", <${url}>; rel="last"`;
      return { status: 200, json: page.map(showHook), ...(next === null ? {} : { headers: { link } }) };
    },
  },
  {
    method: 'POST',
    path: /^\/repos\/acme\/app\/hooks$/,
    answer: ({ state, request }) => {
      const hook = readHook(request.body as HookBody);
      if (state.hooks.some(({ url }) => url === hook.url))
        return invalid({
          resource: 'Hook',
          code: 'custom',
          message: 'Hook already exists on this repository',
        });
      return { status: 201, json: showHook(state.addHook(hook)) };
    },
  },
  {
    method: 'PATCH',
    path: /^\/repos\/acme\/app\/hooks\/(\d+)$/,
    answer: ({ state, request, groups: [id = ''] }) => {
      const hook = state.hook(id);
      if (hook === undefined) return messageOf(404, 'Not Found');
      return { status: 200, json: showHook(Object.assign(hook, readHook(request.body as HookBody))) };
    },
  },
  {
    method: 'DELETE',
    path: /^\/repos\/acme\/app\/hooks\/(\d+)$/,
    answer: ({ state, groups: [id = ''] }) =>
      state.removeHook(id) ? { status: 204 } : messageOf(404, 'Not Found'),
  },
];

function withPull({ state, groups: [number = ''] }: Asked, change: (pull: FakePull) => void): Reply {
  const pull = state.pull(Number(number));
  if (pull === undefined) return messageOf(404, 'Not Found');
  change(pull);
  return { status: 200, json: showPull(state, pull) };
}

export const gitHubDialect = (token: string): Dialect => ({
  root: '/api/v3',
  routes,
  isKnown: ({ authorization }) => authorization === `Bearer ${token}`,
  stranger: messageOf(401, 'Bad credentials'),
  notFound: messageOf(404, 'Not Found'),
  description: readDescription('github'),
});
