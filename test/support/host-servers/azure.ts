// Azure DevOps, as far as Sallyport asks it.
import { randomUUID } from 'node:crypto';
import { readDescription } from './api-description.js';
import type { Asked, Dialect, Reply, Route } from './host-server.js';
import { type FakeHook, type FakePull, type HostState, type PullProblem } from './host-state.js';

const REPO_ID = '33333333-3333-4333-8333-333333333333';
const PROJECT_ID = '44444444-4444-4444-8444-444444444444';
const at = (rest: string): RegExp => new RegExp(`^/Shop/_apis/git/repositories/app${rest}$`);
const HOOKS = '/_apis/hooks/subscriptions';
const errorOf = (status: number, message: string): Reply => ({
  status,
  json: { $id: '1', innerException: null, message, typeKey: 'GitException', errorCode: 0, eventId: 3_000 },
});

const problems: Record<PullProblem, Reply> = {
  duplicate: errorOf(
    409,
    'TF401179: An active pull request for the source and target branch already exists.',
  ),
  // It opens it; that there is nothing in it only its pages say.
  'no-changes': errorOf(500, 'the client should have looked first'),
  'no-branch': errorOf(400, 'TF401398: The source and/or the target branch no longer exists.'),
  protected: errorOf(403, 'TF402455: Pushes to this branch are not permitted; a policy forbids it.'),
};

const states = { open: 'active', merged: 'completed', closed: 'abandoned' };
const full = (name: string): string => `refs/heads/${name}`;
const short = (ref: string): string => ref.replace('refs/heads/', '');

const showPull = (state: HostState, pull: FakePull) => ({
  repository: { id: REPO_ID },
  pullRequestId: pull.number,
  status: states[pull.state],
  isDraft: pull.draft,
  title: pull.title,
  description: pull.body,
  sourceRefName: full(pull.head),
  targetRefName: full(pull.base),
  mergeStatus: 'succeeded',
  lastMergeSourceCommit: { commitId: state.headOf(pull) },
  lastMergeCommit: { commitId: pull.mergeCommit ?? 'e'.repeat(40) },
  ...(pull.isFork ? { forkSource: { name: full(pull.head) } } : {}),
});

/** A subscription is of one event; the engine’s webhook is one. */
const showHook = ({ id, url, active, events, more }: FakeHook) => ({
  id,
  publisherId: 'tfs',
  eventType: events[0],
  status: active ? 'enabled' : 'disabledBySystem',
  consumerId: 'webHooks',
  consumerActionId: 'httpRequest',
  publisherInputs: {
    projectId: PROJECT_ID,
    repository: REPO_ID,
    branch: '',
    ...(more.publisherInputs as object),
  },
  consumerInputs: { url, basicAuthPassword: '********', ...(more.consumerInputs as object) },
});

interface Subscription {
  eventType: string;
  status?: string;
  publisherInputs: Record<string, string>;
  consumerInputs: { url: string; basicAuthPassword: string } & Record<string, string>;
}

function readHook(body: unknown): Omit<FakeHook, 'id'> {
  const { eventType, publisherInputs, consumerInputs } = body as Subscription;
  const { url, basicAuthPassword, ...others } = consumerInputs;
  const more = { publisherInputs, consumerInputs: others };
  return { url, active: true, events: [eventType], secret: basicAuthPassword, more };
}

const routes: Route[] = [
  {
    method: 'GET',
    path: at(''),
    answer: () => ({
      status: 200,
      json: {
        id: REPO_ID,
        name: 'app',
        project: { id: PROJECT_ID, name: 'Shop' },
        defaultBranch: 'refs/heads/main',
        remoteUrl: 'https://acme@azure.example/acme/Shop/_git/app',
        sshUrl: 'git@ssh.azure.example:v3/acme/Shop/app',
        webUrl: 'https://azure.example/acme/Shop/_git/app',
        isDisabled: false,
      },
    }),
  },
  {
    method: 'GET',
    path: at('/refs'),
    answer: ({ state, request: { query } }) => {
      const found = state.branchesLike((name) => `heads/${name}`.startsWith(query.filter ?? ''));
      const from = Number(query.continuationToken ?? '0');
      const value = found
        .slice(from, from + state.pageMax)
        .map(([name, { commit }]) => ({ name: full(name), objectId: commit }));
      const rest = from + state.pageMax < found.length;
      const headers = { 'x-ms-continuationtoken': String(from + state.pageMax) };
      return { status: 200, json: { value, count: value.length }, ...(rest ? { headers } : {}) };
    },
  },
  {
    method: 'GET',
    path: at('/pullrequests'),
    answer: ({ state, request: { query } }) => {
      const value = state
        .openPulls()
        .filter(
          ({ head, base }) =>
            full(head) === query['searchCriteria.sourceRefName'] &&
            full(base) === query['searchCriteria.targetRefName'],
        )
        .map((pull) => showPull(state, pull));
      return { status: 200, json: { value, count: value.length } };
    },
  },
  {
    method: 'POST',
    path: at('/pullrequests'),
    answer: ({ state, request }) => {
      const body = request.body as Record<
        'title' | 'description' | 'sourceRefName' | 'targetRefName',
        string
      > & {
        isDraft: boolean;
      };
      const created = state.createPull({
        title: body.title,
        body: body.description,
        draft: body.isDraft,
        head: short(body.sourceRefName),
        base: short(body.targetRefName),
      });
      return typeof created === 'string'
        ? problems[created]
        : { status: 201, json: showPull(state, created) };
    },
  },
  { method: 'GET', path: at('/pullrequests/(\\d+)'), answer: (asked) => withPull(asked, () => undefined) },
  {
    method: 'PATCH',
    path: at('/pullrequests/(\\d+)'),
    answer: (asked) =>
      withPull(asked, (pull) => {
        if ((asked.request.body as { status: string }).status === 'abandoned') pull.state = 'closed';
      }),
  },
  {
    method: 'PUT',
    path: at('/pullrequests/(\\d+)/reviewers/([^/]+)'),
    answer: (asked) => {
      const name = asked.state.personOf(asked.groups[1] ?? '');
      if (name === undefined) return errorOf(400, 'TF50309: The identity could not be resolved.');
      return withPull(asked, (pull) => void pull.reviewers.push(name));
    },
  },
  {
    method: 'GET',
    path: new RegExp(`^${HOOKS}$`),
    answer: ({ state }) => ({
      status: 200,
      json: { value: state.hooks.map(showHook), count: state.hooks.length },
    }),
  },
  {
    method: 'POST',
    path: new RegExp(`^${HOOKS}$`),
    answer: ({ state, request }) => ({
      status: 200,
      json: showHook(state.addHook(readHook(request.body), randomUUID())),
    }),
  },
  {
    method: 'PUT',
    path: new RegExp(`^${HOOKS}/([^/]+)$`),
    answer: ({ state, request, groups: [id = ''] }) => {
      const hook = state.hook(id);
      if (hook === undefined) return errorOf(404, 'VS403297: The subscription does not exist.');
      const active = (request.body as Subscription).status === 'enabled';
      return { status: 200, json: showHook(Object.assign(hook, readHook(request.body), { active })) };
    },
  },
  {
    method: 'DELETE',
    path: new RegExp(`^${HOOKS}/([^/]+)$`),
    answer: ({ state, groups: [id = ''] }) =>
      state.removeHook(id) ? { status: 204 } : errorOf(404, 'VS403297: The subscription does not exist.'),
  },
];

function withPull({ state, groups: [number = ''] }: Asked, change: (pull: FakePull) => void): Reply {
  const pull = state.pull(Number(number));
  if (pull === undefined) return errorOf(404, 'TF401180: The requested pull request was not found.');
  change(pull);
  return { status: 200, json: showPull(state, pull) };
}

export const azureDialect = (token: string): Dialect => ({
  root: '/tfs/Main',
  routes,
  isKnown: ({ authorization }) => authorization === `Basic ${Buffer.from(`:${token}`).toString('base64')}`,
  // As Azure DevOps does with a token that is not good.
  stranger: { status: 203, text: '<html><title>Azure DevOps Services | Sign In</title></html>' },
  notFound: errorOf(404, 'TF401019: The Git repository does not exist or you do not have permissions.'),
  description: readDescription('azure'),
});
