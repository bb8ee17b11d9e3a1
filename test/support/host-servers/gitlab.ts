// GitLab, as far as Sallyport asks it.
import { readDescription } from './api-description.js';
import type { Asked, Dialect, Reply, Route } from './host-server.js';
import { type FakeHook, type FakePull, type HostState, type PullProblem, pageOf } from './host-state.js';

const PROJECT = '/projects/acme%2Fteam%2Fapp';
const at = (rest: string): RegExp => new RegExp(`^${PROJECT}${rest}$`);
const messageOf = (status: number, message: unknown): Reply => ({ status, json: { message } });

const problems: Record<PullProblem, Reply> = {
  duplicate: messageOf(409, ['Another open merge request already exists for this source branch: !1']),
  // GitLab opens it; that there is nothing in it only its pages say.
  'no-changes': messageOf(500, 'the client should have looked first'),
  'no-branch': messageOf(400, { source_branch: ['does not exist'] }),
  protected: messageOf(422, ['The target branch is protected and takes no requests']),
};

const isDraft = (title: string): boolean => /^draft:\s/i.test(title);

const showPull = (state: HostState, pull: FakePull) => ({
  id: 9_000 + pull.number,
  iid: pull.number,
  project_id: 1,
  state: pull.state === 'open' ? 'opened' : pull.state,
  title: pull.draft && !isDraft(pull.title) ? `Draft: ${pull.title}` : pull.title,
  draft: pull.draft,
  description: pull.body,
  source_branch: pull.head,
  target_branch: pull.base,
  source_project_id: pull.isFork ? 2 : 1,
  target_project_id: 1,
  sha: state.headOf(pull),
  merge_commit_sha: pull.mergeCommit,
  squash_commit_sha: null,
  web_url: `https://gitlab.example/acme/team/app/-/merge_requests/${pull.number}`,
  reviewers: pull.reviewers.map((username) => ({ id: idOf(state, username), username })),
});

const idOf = (state: HostState, name: string): number => [...state.people.keys()].indexOf(name) + 1;

const showHook = ({ id, url, active, events, more }: FakeHook) => ({
  id: Number(id),
  url,
  project_id: 1,
  ...Object.fromEntries(events.map((event) => [event, true])),
  alert_status: active ? 'executable' : 'disabled',
  ...more,
});

interface HookBody extends Record<string, unknown> {
  url: string;
  token?: string;
  signing_token?: string;
}

/** What is not sent stays as it was; from version 19 on, both may be there. */
function proofOf({ token, signing_token }: HookBody, { signs }: Version, before: FakeHook['more'] = {}) {
  if (!signs) return {};
  return {
    token_present: token !== undefined || before.token_present === true,
    signing_token_present: signing_token !== undefined || before.signing_token_present === true,
  };
}

function readHook(body: unknown, version: Version, before?: FakeHook): Omit<FakeHook, 'id'> {
  const { url, token, signing_token, ...flags } = body as HookBody;
  const events = Object.keys(flags).filter((name) => name.endsWith('_events') && flags[name] === true);
  const { enable_ssl_verification, push_events_branch_filter } = flags;
  const proof = proofOf(body as HookBody, version, before?.more);
  return {
    url,
    // The one that counts where there are two.
    secret: (version.signs ? signing_token : undefined) ?? token ?? before?.secret,
    events,
    active: true,
    more: { enable_ssl_verification, push_events_branch_filter, ...proof },
  };
}

const routesOf = (version: Version): Route[] => [
  {
    method: 'GET',
    path: at(''),
    answer: () => ({
      status: 200,
      json: {
        id: 1,
        path_with_namespace: 'Acme/team/App',
        default_branch: 'main',
        http_url_to_repo: 'https://gitlab.example/acme/team/app.git',
        ssh_url_to_repo: 'git@gitlab.example:acme/team/app.git',
        web_url: 'https://gitlab.example/acme/team/app',
        archived: false,
        permissions: { project_access: null, group_access: { access_level: 40, notification_level: 3 } },
      },
    }),
  },
  {
    method: 'GET',
    path: at('/repository/branches/([^/]+)'),
    answer: ({ state, groups: [name = ''] }) => {
      const branch = state.branch(name);
      if (branch === undefined) return messageOf(404, '404 Branch Not Found');
      return { status: 200, json: { name, commit: { id: branch.commit }, protected: branch.protected } };
    },
  },
  {
    method: 'GET',
    path: at('/merge_requests'),
    answer: ({ state, request: { query } }) => {
      const found = state
        .openPulls()
        .filter(({ head, base }) => head === query.source_branch && base === query.target_branch);
      return { status: 200, json: found.map((pull) => showPull(state, pull)) };
    },
  },
  {
    method: 'POST',
    path: at('/merge_requests'),
    answer: ({ state, request }) => {
      const { source_branch, target_branch, title, description } = request.body as Record<string, string>;
      const created = state.createPull({
        head: source_branch ?? '',
        base: target_branch ?? '',
        title: title ?? '',
        body: description ?? '',
        draft: isDraft(title ?? ''),
      });
      return typeof created === 'string'
        ? problems[created]
        : { status: 201, json: showPull(state, created) };
    },
  },
  { method: 'GET', path: at('/merge_requests/(\\d+)'), answer: (asked) => withPull(asked, () => undefined) },
  {
    method: 'PUT',
    path: at('/merge_requests/(\\d+)'),
    answer: (asked) =>
      withPull(asked, (pull) => {
        const { state_event, reviewer_ids } = asked.request.body as {
          state_event?: string;
          reviewer_ids?: number[];
        };
        if (state_event === 'close') pull.state = 'closed';
        const names = [...asked.state.people.keys()];
        if (reviewer_ids !== undefined) pull.reviewers = reviewer_ids.map((id) => names[id - 1] ?? '');
      }),
  },
  {
    method: 'GET',
    path: /^\/users$/,
    answer: ({ state, request: { query } }) => {
      const username = query.username ?? '';
      const found = state.people.has(username) ? [{ id: idOf(state, username), username }] : [];
      return { status: 200, json: found };
    },
  },
  {
    method: 'GET',
    path: at('/hooks'),
    answer: ({ state, request: { query } }) => {
      const page = Number(query.page ?? '1');
      const size = Math.min(Number(query.per_page), state.pageMax);
      const { page: hooks, next } = pageOf(state.hooks, (page - 1) * size, size, size);
      return {
        status: 200,
        json: hooks.map(showHook),
        headers: { 'x-next-page': next === null ? '' : String(page + 1) },
      };
    },
  },
  {
    method: 'POST',
    path: at('/hooks'),
    answer: ({ state, request }) => ({
      status: 201,
      json: showHook(state.addHook(readHook(request.body, version))),
    }),
  },
  {
    method: 'PUT',
    path: at('/hooks/(\\d+)'),
    answer: ({ state, request, groups: [id = ''] }) => {
      const hook = state.hook(id);
      if (hook === undefined) return messageOf(404, '404 Not found');
      // One that was switched off stays off, and a template stays.
      const { active, more } = hook;
      const read = readHook(request.body, version, hook);
      return {
        status: 200,
        json: showHook(Object.assign(hook, read, { active, more: { ...more, ...read.more } })),
      };
    },
  },
  {
    method: 'DELETE',
    path: at('/hooks/(\\d+)'),
    answer: ({ state, groups: [id = ''] }) =>
      state.removeHook(id) ? { status: 204 } : messageOf(404, '404 Not found'),
  },
];

function withPull({ state, groups: [number = ''] }: Asked, change: (pull: FakePull) => void): Reply {
  const pull = state.pull(Number(number));
  if (pull === undefined) return messageOf(404, '404 Not found');
  change(pull);
  return { status: 200, json: showPull(state, pull) };
}

/** Before version 19 it knows of no signing tokens, and pays no heed to them. */
interface Version {
  signs: boolean;
}

export const gitLabDialect = (token: string, version: Version = { signs: true }): Dialect => ({
  root: '/gitlab/api/v4',
  routes: routesOf(version),
  isKnown: (headers) => headers['private-token'] === token || headers.authorization === `Bearer ${token}`,
  stranger: messageOf(401, '401 Unauthorized'),
  notFound: messageOf(404, '404 Project Not Found'),
  description: readDescription('gitlab'),
});
