// A webhook from its registration at a Git host to the poll that a delivery has made due.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from '../support/api.js';
import { sql } from '../support/database.js';
import { giteaDialect } from '../support/host-servers/gitea.js';
import { HostServer } from '../support/host-servers/host-server.js';
import { RepositoryState } from '../support/host-servers/repository-state.js';
import { acmeRepository } from '../support/pull-routes.js';
import { Stack } from '../support/stack.js';
import { proof, ROOT, webhooksOf } from '../support/webhook-sender.js';

const TOKEN = 'fedcba98765432100123456789abcdef01234567';

let stack: Stack;

beforeAll(async () => {
  stack = await Stack.start('embedded', {
    delegates: 0,
    passwords: { manager: TOKEN, delegate: TOKEN },
    settings: { SALLYPORT_PUBLIC_URL: 'https://sallyport.example/in/' },
  });
});
afterAll(() => stack.stop());

const { post, hookOf, deliveriesOf, processed } = webhooksOf(() => stack);

describe('a webhook at its host', () => {
  let host: HostServer;

  beforeAll(async () => {
    host = await HostServer.start(giteaDialect(TOKEN));
    await stack.api.ok('PUT', `${ROOT}/secrets/host-token`, { manager: 'builtin', value: TOKEN });
    await stack.api.ok('PUT', `${ROOT}/connectors/hosted`, connector('gitea', 'host-token'));
    await stack.api.ok('PUT', `${ROOT}/connectors/hosted/webhook`, {});
  });
  afterAll(() => host.stop());

  const connector = (provider: string, secret: string) => ({
    url: `${host.origin}/forge/acme/app.git`,
    connectivity: 'manager',
    provider,
    credential: { username: 'ada', secret },
  });
  const register = (name = 'hosted'): Promise<Answer> =>
    stack.api.request('POST', `${ROOT}/connectors/${name}/webhook/register`);
  /** The secrets that the host was sent, in order. */
  const secretsSent = (): string[] =>
    host.requests
      .map(({ body }) => (body as { config?: { secret?: string } } | undefined)?.config?.secret)
      .filter((secret) => secret !== undefined);

  it('is registered once, is repaired, and gets its secret again when that is another', async () => {
    const { status, body } = await register();
    expect(host.violations).toEqual([]);
    expect(status, JSON.stringify(body)).toBe(200);
    const { url, secrets } = body;
    expect(body.registration).toMatchObject({ url, active: true });
    expect(host.state.hooks).toMatchObject([{ url, active: true }]);
    expect(secretsSent()).toHaveLength(1);

    for (const hook of host.state.hooks) hook.active = false;
    expect((await register()).body.registration).toMatchObject({ active: true });
    expect(host.state.hooks).toMatchObject([{ url, active: true }]);

    const value = 'the-next-secret-of-the-hook';
    await stack.api.ok('PUT', `${ROOT}/secrets/${secrets[0].secret}`, { manager: 'builtin', value });
    expect((await register()).status).toBe(200);
    expect(host.state.hooks).toHaveLength(1);
    expect(secretsSent().at(-1)).toBe(value);
    expect(host.violations).toEqual([]);
  });

  it('has what it sends verified and understood', async () => {
    const { path } = await hookOf('hosted');
    const body = JSON.stringify({
      ref: 'refs/heads/main',
      before: 'a'.repeat(40),
      after: 'b'.repeat(40),
      repository: { id: 7, full_name: 'acme/app', clone_url: `${host.origin}/forge/acme/app.git` },
    });
    const sent = await post(path, body, {
      ...proof(body, secretsSent().at(-1) ?? ''),
      'x-gitea-event': 'push',
      'x-gitea-delivery': randomUUID(),
    });
    expect(sent.status).toBe(202);
    expect(await processed('hosted')).toMatchObject([
      { event: 'refs/heads/main', outcome: { kind: 'noted' } },
    ]);
    const [row] = await sql(
      stack.databaseUrl,
      `select host_repository_id from webhook where connector_id = 'hosted'`,
    );
    expect(row).toEqual({ host_repository_id: '7' });
  });

  it('makes a poll due at once where the connector is tracked', async () => {
    await stack.api.ok('PUT', `${ROOT}/connectors/hosted/tracking`, {});
    const [{ id }] = await deliveriesOf('hosted');
    await stack.api.ok('POST', `${ROOT}/connectors/hosted/webhook/deliveries/${id}/replay`);
    expect(await processed('hosted')).toMatchObject([
      { outcome: { kind: 'acted', details: ['The repository is looked at'] }, replays: 1 },
    ]);
    await stack.api.ok('DELETE', `${ROOT}/connectors/hosted/tracking`);
  });

  it('has two live secrets while one takes the place of the other, and the host gets the first', async () => {
    const hook = `${ROOT}/connectors/hosted/webhook`;
    const { path, secrets } = await hookOf('hosted');
    const [old, next] = [secretsSent().at(-1) ?? '', 'the-secret-that-comes-next'];
    const send = async (secret: string): Promise<number> => {
      const body = JSON.stringify({ ref: 'refs/heads/main', before: 'a'.repeat(40), after: 'b'.repeat(40) });
      const id = { 'x-gitea-event': 'push', 'x-gitea-delivery': randomUUID() };
      return (await post(path, body, { ...proof(body, secret), ...id })).status;
    };
    const before = secretsSent().length;
    await stack.api.ok('PUT', `${ROOT}/secrets/next-hook`, { manager: 'builtin', value: next });
    await stack.api.ok('PUT', hook, { secrets: ['next-hook', secrets[0].secret] });
    expect([await send(old), await send(next)]).toEqual([202, 202]);
    expect((await register()).status).toBe(200);
    expect(secretsSent().slice(before)).toEqual([next]);
    expect(host.state.hooks).toMatchObject([{ secret: next }]);
    // What the host sent a moment before is still good.
    expect([await send(old), await send(next)]).toEqual([202, 202]);
    await stack.api.ok('PUT', hook, { secrets: ['next-hook'] });
    expect([await send(old), await send(next)]).toEqual([401, 202]);
    expect((await register()).status).toBe(200);
    expect(secretsSent().slice(before)).toEqual([next]);
    expect(host.violations).toEqual([]);
  });

  it('is taken away with it', async () => {
    await stack.api.ok('DELETE', `${ROOT}/connectors/hosted/webhook`);
    expect(host.state.hooks).toEqual([]);
  });

  it('is refused where the host cannot be asked, and changes nothing here', async () => {
    await stack.api.ok('PUT', `${ROOT}/secrets/bad-token`, { manager: 'builtin', value: 'f'.repeat(40) });
    for (const [provider, code] of [
      ['gitea', 'HOST_API_AUTH_REJECTED'],
      ['generic', 'PULL_REQUESTS_UNSUPPORTED'],
    ] as const) {
      await stack.api.ok('PUT', `${ROOT}/connectors/unasked`, connector(provider, 'bad-token'));
      await stack.api.ok('PUT', `${ROOT}/connectors/unasked/webhook`, {});
      expect((await register('unasked')).body).toMatchObject({ code });
      expect(await hookOf('unasked')).toMatchObject({ registration: null });
    }
  });

  it('shows in a report of drift when the host has it no more, or otherwise', async () => {
    const repository = acmeRepository(stack);
    host.state = new RepositoryState(repository);
    await stack.api.ok('PUT', `${ROOT}/connectors/real`, {
      ...connector('gitea', 'host-token'),
      url: `${stack.host.url}/acme/app.git`,
      apiUrl: host.url,
      credential: { username: stack.accounts.manager.username, secret: 'host-token' },
    });
    await stack.api.ok('PUT', `${ROOT}/connectors/real/webhook`, {});
    const drift = async (): Promise<[string, string | undefined][]> => {
      const { sections } = await stack.api.ok('GET', `${ROOT}/connectors/real/drift`);
      return sections
        .filter(({ source }: { source: string }) => source === 'webhook')
        .flatMap(({ differences }: { differences: { problem: { code: string; detail: string } }[] }) =>
          differences.length === 0
            ? [['sound', undefined]]
            : differences.map(({ problem }) => [problem.code, problem.detail]),
        );
    };
    expect(await drift()).toEqual([]);
    await register('real');
    expect(await drift()).toEqual([['sound', undefined]]);
    for (const hook of host.state.hooks) hook.active = false;
    expect(await drift()).toEqual([['WEBHOOK_UNSOUND', expect.stringContaining('switched it off')]]);
    host.state.hooks.splice(0);
    expect(await drift()).toEqual([['WEBHOOK_UNSOUND', expect.stringContaining('no webhook')]]);
    await register('real');
    expect(await drift()).toEqual([['sound', undefined]]);
  });

  it('is registered again by a repair of drift, tracked or not, which says what the host has against it', async () => {
    const repair = (body: object = {}): Promise<Answer> =>
      stack.api.request('POST', `${ROOT}/connectors/real/drift/repair`, body);
    host.state.hooks.splice(0);
    expect((await repair()).body).toEqual({ branches: [], webhook: { problem: null } });
    expect(host.state.hooks).toMatchObject([{ active: true }]);
    await stack.api.ok('PUT', `${ROOT}/connectors/real/tracking`, {});
    for (const hook of host.state.hooks) hook.active = false;
    expect((await repair()).body).toMatchObject({ webhook: { problem: null } });
    expect(host.state.hooks).toMatchObject([{ active: true }]);
    await stack.api.ok('PUT', `${ROOT}/secrets/host-token`, { manager: 'builtin', value: 'f'.repeat(40) });
    expect(await repair()).toMatchObject({ status: 422, body: { code: 'GIT_AUTH_REJECTED' } });
    await stack.api.ok('DELETE', `${ROOT}/connectors/real/tracking`);
    expect((await repair()).body).toMatchObject({
      branches: [],
      webhook: { problem: { code: 'HOST_API_AUTH_REJECTED' } },
    });
    await stack.api.ok('PUT', `${ROOT}/secrets/host-token`, { manager: 'builtin', value: TOKEN });
  });

  it('follows the manager to where it is reached now', async () => {
    const { url } = await hookOf('real');
    const [hook] = host.state.hooks;
    if (hook === undefined) throw new Error('The host has no webhook');
    hook.url = url.replace('https://sallyport.example/in/', 'https://before.example/');
    await stack.api.ok('PUT', `${ROOT}/connectors/real/tracking`, {});
    const { sections } = await stack.api.ok('GET', `${ROOT}/connectors/real/drift`);
    expect(JSON.stringify(sections)).toContain('where the manager was reached before');
    const repaired = await stack.api.request('POST', `${ROOT}/connectors/real/drift/repair`, {});
    expect(repaired.body).toMatchObject({ webhook: { problem: null } });
    expect(host.state.hooks).toMatchObject([{ url, active: true }]);
    await stack.api.ok('DELETE', `${ROOT}/connectors/real/tracking`);
  });

  it('is registered again where the repository is renamed', async () => {
    host.state.hooks.splice(0);
    const rename = (url: string): Promise<Answer> =>
      stack.api.request('POST', `${ROOT}/connectors/real/rename`, { url });
    const url = `${stack.host.url}/acme/app.git`;
    // The same place by another name; its API stays where it is.
    const answer = await rename(url.replace('127.0.0.1', 'localhost'));
    expect(answer.body, answer.text).toMatchObject({ webhook: { problem: null } });
    expect(host.state.hooks).toMatchObject([{ active: true }]);
    host.state.hooks.splice(0);
    expect((await rename(url.replace('127.0.0.1', 'localhost'))).body).toMatchObject({
      moved: { entities: 0 },
      webhook: { problem: null },
    });
    expect(host.state.hooks).toMatchObject([{ active: true }]);
  });

  it('says for how long the host is not to be asked, and is not tried before', async () => {
    const before = host.requests.length;
    host.instead = () => ({
      status: 403,
      json: { message: 'slow down' },
      headers: { 'retry-after': '3600' },
    });
    const refused = await register('real');
    host.instead = undefined;
    expect(refused).toMatchObject({ status: 503, body: { code: 'HOST_API_RATE_LIMITED' } });
    expect(refused.body.detail).toContain('answers again in 3600 s');
    expect(refused.headers.get('retry-after')).toBe('3600');
    expect(host.requests).toHaveLength(before + 1);
    const again = await register('real');
    expect(again).toMatchObject({ status: 503, body: { code: 'HOST_API_RATE_LIMITED' } });
    expect(Number(again.headers.get('retry-after'))).toBeGreaterThan(3_500);
    expect(host.requests).toHaveLength(before + 1);
  });
});
