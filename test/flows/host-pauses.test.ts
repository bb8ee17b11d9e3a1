// A Git host that asks for patience is left alone by everything of the account: what was going to ask it waits, and says until when.
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Answer, eventually, type Json } from '../support/api.js';
import { CountingLine } from '../support/counting-line.js';
import { giteaDialect } from '../support/host-servers/gitea.js';
import { HostServer } from '../support/host-servers/host-server.js';
import { RepositoryState } from '../support/host-servers/repository-state.js';
import { acmeRepository } from '../support/pull-routes.js';
import { Stack } from '../support/stack.js';

const TOKEN = 'fedcba98765432100123456789abcdef01234567';
const demo = 'accounts/demo';

let stack: Stack;
let host: HostServer;
/** Another one is another host. */
let line: CountingLine;
let named = 0;
let name: string;
let connector: string;

beforeAll(async () => {
  stack = await Stack.start('embedded', {
    delegates: 0,
    passwords: { manager: TOKEN, delegate: TOKEN },
    settings: {
      SALLYPORT_PUBLIC_URL: 'https://sallyport.example',
      SALLYPORT_POLL_FAST_SECONDS: '3600',
      SALLYPORT_PULLS_POLL_SECONDS: '3600',
      SALLYPORT_OPERATION_DEADLINE_SECONDS: '300',
    },
  });
  host = await HostServer.start(giteaDialect(TOKEN));
});
beforeEach(async () => {
  host.state = new RepositoryState(acmeRepository(stack));
  line = await CountingLine.open(stack.host.url);
  name = `paused-${(named += 1)}`;
  connector = `${demo}/connectors/${name}`;
  await stack.api.ok('PUT', connector, {
    url: `${line.url}/acme/app.git`,
    connectivity: 'manager',
    provider: 'gitea',
    apiUrl: host.url,
    credential: { username: stack.accounts.manager.username, secret: 'git-direct' },
  });
  await stack.api.ok('PUT', `${connector}/tracking`, {});
  await eventually(async () => (await tracking()).followed[0]?.state === 'current', 'the first look');
});
afterEach(async () => {
  await stack.api.ok('DELETE', `${connector}/tracking`);
  await line.close();
});
afterAll(async () => {
  await stack.stop();
  await host.stop();
});

const tracking = (): Promise<Json> => stack.api.ok('GET', `${connector}/tracking`);
const save = (id: string, git: object = {}, wait = 0): Promise<Answer> =>
  stack.api.save(
    id,
    `name: ${id}\n`,
    { connector: name, branch: 'main', ...git },
    { prefer: `wait=${wait}` },
  );
const poll = (): Promise<Json> => stack.api.ok('POST', `${connector}/tracking/poll`);
/** When the host was asked at the earliest. */
async function askForPatience(seconds: number): Promise<number> {
  line.refuses = { name: 'POST ls-refs', status: 429 };
  line.patienceSeconds = seconds;
  const at = Date.now();
  await poll();
  await eventually(
    async () => (await tracking()).problem?.code === 'GIT_HOST_ERROR',
    'the look to be refused',
  );
  line.refuses = null;
  line.reset();
  return at;
}
const untilOf = ({ waitsFor }: Json): number =>
  Date.parse(/asks to wait \d+ s, until (\S+Z)$/.exec(waitsFor ?? '')?.[1] ?? '');

it('a save waits for as long as a look was asked to, says until when, and lands', async () => {
  const seconds = 10;
  const at = await askForPatience(seconds);
  const accepted = await save('patient');
  expect(accepted.status, accepted.text).toBe(202);
  const waiting = await eventually(async () => {
    const operation = await stack.api.ok('GET', `${demo}/operations/${accepted.body.id}`);
    return operation.waitsFor !== null && operation;
  }, 'what the save waits for');
  expect(untilOf(waiting)).toBeGreaterThanOrEqual(at + (seconds - 1) * 1_000);
  expect(untilOf(waiting)).toBeLessThanOrEqual(Date.now() + (seconds + 1) * 1_000);
  expect(line.names).toEqual([]);
  const landed = await stack.api.ended(accepted.body.id);
  expect(landed).toMatchObject({ state: 'succeeded', waitsFor: null });
  expect(Date.parse(landed.finishedAt)).toBeGreaterThanOrEqual(at + seconds * 1_000);
});

it('a save that would be over by then is tried all the same, and lands where it is let in', async () => {
  await askForPatience(600);
  const saved = await save('urgent', {}, 20);
  expect(saved.status, saved.text).toBe(201);
});

it('a look waits for as long as a save was asked to', async () => {
  line.refuses = { name: 'POST git-receive-pack', status: 429 };
  line.patienceSeconds = 60;
  const accepted = await save('refused');
  await eventually(async () => {
    const operation = await stack.api.ok('GET', `${demo}/operations/${accepted.body.id}`);
    return untilOf(operation) > Date.now() + 30_000;
  }, 'the push to be refused');
  line.refuses = null;
  line.reset();
  await poll();
  const shown = await eventually(async () => {
    const found = await tracking();
    return found.problem !== null && found;
  }, 'the look to be put off');
  expect(shown.problem).toMatchObject({ code: 'GIT_HOST_ERROR' });
  expect(Date.parse(shown.nextPollAt)).toBeGreaterThan(Date.now() + 30_000);
  expect(line.names).toEqual([]);
});

it('its API is left alone as well: by pull requests, and by whoever registers a webhook', async () => {
  const git = { branch: 'topic/paused', newBranchFrom: 'main', pullRequest: {} };
  const { body } = await save('pulled', git, 30);
  expect(body.pullRequest, JSON.stringify(body)).toMatchObject({ state: 'open' });
  await stack.api.ok('PUT', `${connector}/webhook`, {});
  await askForPatience(600);
  host.requests.length = 0;
  const pull = `${demo}/pull-requests/${body.pullRequest.id}`;
  await stack.api.ok('POST', `${pull}/retry`);
  const waiting = await eventually(async () => {
    const found = await stack.api.ok('GET', pull);
    return found.problem !== null && found;
  }, 'the look at the request to be put off');
  expect(waiting).toMatchObject({ state: 'open', problem: { code: 'HOST_API_RATE_LIMITED' } });
  expect(Date.parse(waiting.nextCheckAt)).toBeGreaterThan(Date.now() + 500_000);
  const refused = await stack.api.request('POST', `${connector}/webhook/register`);
  expect(refused).toMatchObject({ status: 503, body: { code: 'HOST_API_RATE_LIMITED' } });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(500);
  expect(host.requests).toEqual([]);
});
