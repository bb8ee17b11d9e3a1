// Gitea and Forgejo, as far as Sallyport asks them.
import { readDescription } from './api-description.js';
import type { Asked, Dialect, Reply, Route } from './host-server.js';
import { type FakeHook, type FakePull, type HostState, type PullProblem, pageOf } from './host-state.js';

const REPO = '/repos/acme/app';
const at = (rest: string): RegExp => new RegExp(`^${REPO}${rest}$`);
const messageOf = (status: number, message: string): Reply => ({
  status,
  json: { message, url: 'https://gitea.example/api/swagger' },
});

const problems: Record<PullProblem, Reply> = {
  duplicate: messageOf(
    409,
    'pull request already exists for these targets [id: 1, issue_id: 1, head_branch: topic]',
  ),
  // It opens it; that it is empty only its pages say.
  'no-changes': messageOf(500, 'the client should have looked first'),
  'no-branch': messageOf(404, "The target couldn't be found."),
  protected: messageOf(403, 'branch locked is protected'),
};

const isDraft = (title: string): boolean => /^(?:wip:|\[wip\])\s/i.test(title);

const showPull = (state: HostState, pull: FakePull) => ({
  id: 9_000 + pull.number,
  number: pull.number,
  state: pull.state === 'open' ? 'open' : 'closed',
  draft: pull.draft,
  title: pull.draft && !isDraft(pull.title) ? `WIP: ${pull.title}` : pull.title,
  body: pull.body,
  merged: pull.state === 'merged',
  merge_commit_sha: pull.mergeCommit,
  html_url: `https://gitea.example/acme/app/pulls/${pull.number}`,
  head: { label: pull.head, ref: pull.head, sha: state.headOf(pull), repo_id: pull.isFork ? 2 : 1 },
  base: { label: pull.base, ref: pull.base, sha: 'a'.repeat(40), repo_id: 1 },
});

const showHook = ({ id, url, active, events, more }: FakeHook) => ({
  id: Number(id),
  type: 'gitea',
  active,
  events,
  branch_filter: '*',
  config: { url, ...more },
});

interface HookBody {
  active: boolean;
  events: string[];
  config: { url: string; content_type: string; secret: string };
}

/** Link headers as it makes them. */
function page<T>({ state, request, url }: Asked, rest: string, items: T[]): Reply {
  const at = Number(request.query.page ?? '1');
  const size = Math.min(Number(request.query.limit), state.pageMax);
  const { page: found, next } = pageOf(items, (at - 1) * size, size, size);
  const query = new URLSearchParams({ ...request.query, page: String(at + 1) });
  const headers = { link: `<${url}${REPO}${rest}?${query.toString()}>; rel="next"` };
  return { status: 200, json: found, ...(next === null ? {} : { headers }) };
}

const routes: Route[] = [
  {
    method: 'GET',
    path: at(''),
    answer: () => ({
      status: 200,
      json: {
        id: 1,
        full_name: 'acme/app',
        default_branch: 'main',
        clone_url: 'https://gitea.example/acme/app.git',
        ssh_url: 'git@gitea.example:acme/app.git',
        html_url: 'https://gitea.example/acme/app',
        archived: false,
        empty: false,
        permissions: { admin: false, push: true, pull: true },
      },
    }),
  },
  {
    method: 'GET',
    path: at('/branches/(.+)'),
    answer: ({ state, groups: [name = ''] }) => {
      const branch = state.branch(name);
      if (branch === undefined) return messageOf(404, "The target couldn't be found.");
      return { status: 200, json: { name, commit: { id: branch.commit }, protected: branch.protected } };
    },
  },
  {
    method: 'GET',
    path: at('/pulls'),
    answer: (asked) =>
      page(
        asked,
        '/pulls',
        asked.state.openPulls().map((pull) => showPull(asked.state, pull)),
      ),
  },
  {
    method: 'POST',
    path: at('/pulls'),
    answer: ({ state, request }) => {
      const body = request.body as { title: string; body: string; head: string; base: string };
      const created = state.createPull({ ...body, draft: isDraft(body.title) });
      return typeof created === 'string'
        ? problems[created]
        : { status: 201, json: showPull(state, created) };
    },
  },
  { method: 'GET', path: at('/pulls/(\\d+)'), answer: (asked) => withPull(asked, () => undefined) },
  {
    // The first of any state, as it finds them.
    method: 'GET',
    path: at('/pulls/([^/]+)/(.+)'),
    answer: ({ state, groups: [base = '', head = ''] }) => {
      const pull = state.firstPull({ head, base });
      return pull === undefined
        ? messageOf(404, "The target couldn't be found.")
        : { status: 200, json: showPull(state, pull) };
    },
  },
  {
    method: 'PATCH',
    path: at('/pulls/(\\d+)'),
    answer: (asked) =>
      withPull(asked, (pull) => {
        pull.state = (asked.request.body as { state: 'closed' }).state;
      }),
  },
  {
    method: 'POST',
    path: at('/pulls/(\\d+)/requested_reviewers'),
    answer: (asked) => {
      const { reviewers } = asked.request.body as { reviewers: string[] };
      if (!reviewers.every((name) => asked.state.people.has(name)))
        return messageOf(404, `user does not exist [name: ${reviewers.join()}]`);
      return { ...withPull(asked, (pull) => void pull.reviewers.push(...reviewers)), status: 201, json: [] };
    },
  },
  {
    method: 'GET',
    path: at('/hooks'),
    answer: (asked) => page(asked, '/hooks', asked.state.hooks.map(showHook)),
  },
  {
    method: 'POST',
    path: at('/hooks'),
    answer: ({ state, request }) => {
      const { active, events, config } = request.body as HookBody;
      const { url, secret, ...more } = config;
      return { status: 201, json: showHook(state.addHook({ url, active, events, secret, more })) };
    },
  },
  {
    method: 'PATCH',
    path: at('/hooks/(\\d+)'),
    answer: ({ state, request, groups: [id = ''] }) => {
      const hook = state.hook(id);
      if (hook === undefined) return messageOf(404, 'Not found');
      // The secret stays what it was, whatever is sent.
      const { active, events } = request.body as HookBody;
      return { status: 200, json: showHook(Object.assign(hook, { active, events })) };
    },
  },
  {
    method: 'DELETE',
    path: at('/hooks/(\\d+)'),
    answer: ({ state, groups: [id = ''] }) =>
      state.removeHook(id) ? { status: 204 } : messageOf(404, 'Not found'),
  },
];

function withPull({ state, groups: [number = ''] }: Asked, change: (pull: FakePull) => void): Reply {
  const pull = state.pull(Number(number));
  if (pull === undefined) return messageOf(404, 'Not found');
  change(pull);
  return { status: 201, json: showPull(state, pull) };
}

export const giteaDialect = (token: string, description: 'gitea' | 'forgejo' = 'gitea'): Dialect => ({
  root: '/forge/api/v1',
  routes,
  isKnown: ({ authorization }) => authorization === `token ${token}`,
  stranger: messageOf(401, 'user does not exist [uid: 0, name: ]'),
  notFound: messageOf(404, 'Not found'),
  description: readDescription(description),
});
