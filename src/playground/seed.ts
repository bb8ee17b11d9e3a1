// What the playground holds after its first start, made through the API like any user's work.
import { spawn } from 'node:child_process';
import { childEnvironment } from '../config/process.js';

export interface Playground {
  /** The manager's URL. */
  manager: string;
  token: string;
  /** The sample repository's URL. */
  repository: string;
  accounts: { manager: GitAccount; delegate: GitAccount };
  /** The compiled delegate, and its data folder, for sealing its secret. */
  delegate: { entry: string; dataDir: string };
}

export interface GitAccount {
  username: string;
  password: string;
}

const ACCOUNT = 'accounts/demo';
const PROJECT = `${ACCOUNT}/orgs/shop/projects/checkout`;

const kinds = {
  pipeline: {
    pathTemplate: '{org}/{project}/pipelines/{id}.yaml',
    schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: { name: { type: 'string' }, description: { type: 'string' } },
    },
  },
  template: {
    pathTemplate: '{org}/{project}/templates/{id}.yaml',
    schema: { type: 'object', properties: { parameters: { type: 'array', items: { type: 'string' } } } },
  },
  service: {
    pathTemplate: '{org}/{project}/services/{id}.yaml',
    schema: {
      type: 'object',
      required: ['image'],
      properties: { image: { type: 'string' }, replicas: { type: 'integer', minimum: 0 } },
    },
  },
};

const samples = [
  {
    scope: ACCOUNT,
    kind: 'pipeline',
    id: 'build',
    connector: 'direct',
    yaml: '# Saved by the manager itself.\nname: build\nsteps:\n  - run: npm ci\n  - run: npm test\n',
  },
  {
    scope: ACCOUNT,
    kind: 'pipeline',
    id: 'deploy',
    connector: 'delegated',
    yaml: '# Saved by the delegate.\nname: deploy\nsteps:\n  - run: ./deploy.sh\n',
  },
  {
    scope: PROJECT,
    kind: 'service',
    id: 'cart',
    connector: 'direct',
    yaml: 'image: registry.example/cart:1.4.2\nreplicas: 3\n',
  },
  {
    scope: PROJECT,
    kind: 'template',
    id: 'node-build',
    connector: 'delegated',
    yaml: 'parameters:\n  - version\n  - script\n',
  },
];

/** Makes whatever of the playground is not there yet. @throws Error that names the request that was refused */
export async function seed(playground: Playground): Promise<void> {
  for (const scope of [`${ACCOUNT}/orgs/shop`, PROJECT]) await put(playground, scope, {});
  for (const [id, kind] of Object.entries(kinds)) await put(playground, `${ACCOUNT}/kinds/${id}`, kind);
  const { manager, delegate } = playground.accounts;
  await put(playground, `${ACCOUNT}/secrets/git-direct`, { manager: 'builtin', value: manager.password });
  await put(playground, `${ACCOUNT}/secret-managers/keyring`, { settings: { kind: 'keyring' } });
  await put(
    playground,
    `${ACCOUNT}/secrets/git-delegated`,
    await sealForDelegate(playground, 'git-delegated'),
  );
  const url = playground.repository;
  await put(playground, `${ACCOUNT}/connectors/direct`, {
    url,
    connectivity: 'manager',
    credential: { username: manager.username, secret: 'git-direct' },
  });
  await put(playground, `${ACCOUNT}/connectors/delegated`, {
    url,
    connectivity: 'delegate',
    credential: { username: delegate.username, secret: 'git-delegated' },
  });
  for (const { scope, kind, id, connector, yaml } of samples)
    await put(playground, `${scope}/entities/${kind}/${id}`, { yaml, git: { connector, branch: 'main' } });
  // Both lead to the one repository, and either is enough to show what is pushed there.
  for (const connector of ['direct', 'delegated'])
    await put(playground, `${ACCOUNT}/connectors/${connector}/tracking`, {});
}

/** Lets the playground's delegate join the group `local`, by its own command and a token of its own. */
export async function enrolDelegate(
  playground: Pick<Playground, 'manager' | 'token' | 'delegate'>,
  group = 'local',
): Promise<void> {
  const path = `${ACCOUNT}/delegate-tokens`;
  const answer = await request(playground, 'POST', path, { group });
  const { token } = JSON.parse(answer) as { token: string };
  const args = ['enrol', '--manager', playground.manager, '--token', '-', '--name', 'local'];
  await runDelegate(playground.delegate, args, token);
}

async function put(playground: Playground, path: string, body: unknown): Promise<void> {
  await request(playground, 'PUT', path, body);
}

/** The answer's body. @throws Error unless it succeeds */
export async function request(
  { manager, token }: Pick<Playground, 'manager' | 'token'>,
  method: string,
  path: string,
  body?: unknown,
): Promise<string> {
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  const response = await fetch(`${manager}/api/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, prefer: 'wait=30', ...type },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = await response.text();
  if (!response.ok || response.status === 202)
    throw new Error(`${method} ${path} was answered ${response.status}: ${answer}`);
  return answer;
}

/** The delegate's own command seals the password; what it prints is what the API takes. */
async function sealForDelegate({ delegate, accounts }: Playground, id: string): Promise<unknown> {
  const args = ['secret', 'put', '--scope', ACCOUNT, '--id', id];
  return JSON.parse(await runDelegate(delegate, args, accounts.delegate.password));
}

/** What a command of the delegate prints. */
async function runDelegate(
  { entry, dataDir }: Playground['delegate'],
  args: string[],
  input: string,
): Promise<string> {
  const child = spawn(process.execPath, [entry, ...args], {
    env: childEnvironment({ SALLYPORT_DATA_DIR: dataDir }),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.on('data', (text) => (printed += text));
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`delegate ${args[0]} ended with ${String(code)}`);
  return printed;
}
