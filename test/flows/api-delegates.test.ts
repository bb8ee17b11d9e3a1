// Groups, tokens and delegates through the API: who may join, who is there, who carries what, and how it is taken from them.
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, eventually, type Json } from '../support/api.js';
import { runCommand } from '../support/processes.js';
import { trailers } from '../support/repository.js';
import { Stack } from '../support/stack.js';

const delegated = { connector: 'delegated', branch: 'main' };
const soon = { prefer: 'wait=0' };

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start('real');
});
afterAll(async () => {
  await stack.assertSoundAtRest();
  await stack.stop();
});

const delegates = async (scope = 'accounts/demo'): Promise<Json[]> =>
  (await stack.api.ok('GET', `${scope}/delegates`)).delegates;
const called = async (name: string, scope?: string): Promise<Json> => {
  const found = (await delegates(scope)).find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no delegate ${name}`);
  return found;
};
/** Asked until the manager has heard from every delegate that it takes tasks: a moment after the delegate says so. */
const explain = async (connector: string, scope = 'accounts/demo'): Promise<Json> =>
  eventually(async () => {
    const explained = await stack.api.ok('POST', `${scope}/explain`, { connector });
    const starts = ({ reasons }: Json) => reasons.some(({ code }: Json) => code === 'starting');
    return !explained.delegates.some(starts) && explained;
  }, 'every delegate to have begun');
const reasonsOf = async (connector: string, name: string): Promise<string[]> => {
  const { delegates: judged } = await explain(connector);
  const verdict = judged.find((one: Json) => one.name === name);
  return verdict.reasons.map(({ code }: Json) => code);
};
const post = (path: string) => stack.api.ok('POST', `accounts/demo/${path}`);
const enrol = async (folder: string, token: string, more: string[] = []) => {
  const env = { ...stack.delegateEnvironment(), SALLYPORT_DATA_DIR: `${stack.home}/${folder}` };
  const args = ['enrol', '--manager', stack.manager?.url ?? '', '--token', '-', '--name', folder, ...more];
  return runCommand('workers/delegate.js', args, { env, input: token });
};

describe('a delegate token', () => {
  const make = async (body: Record<string, unknown>): Promise<string> =>
    (await stack.api.ok('POST', 'accounts/demo/delegate-tokens', body)).token;

  it('is shown once, and lets as many delegates enrol as it says', async () => {
    const token = await make({ group: 'twice', uses: 2 });
    expect(token).toMatch(/^spd_[\w-]{43}$/);
    const [first, second, third] = [
      await enrol('twice-1', token),
      await enrol('twice-2', token),
      await enrol('twice-3', token),
    ];
    expect([first.code, second.code, third.code]).toEqual([0, 0, 1]);
    expect(third.stderr).toContain('was used up');
    const listed = await stack.api.request('GET', 'accounts/demo/delegate-tokens');
    expect(listed.text).not.toContain(token);
    expect(listed.body.tokens).toContainEqual(expect.objectContaining({ group: 'twice', usesLeft: 0 }));
    // The first one makes the keys of the group; the second has to be given them.
    expect(first.stdout).toContain('holds the keys of the group');
    expect(second.stdout).toContain('while another delegate of the group runs');
    const fingerprint = /Identity of this delegate: (\S+)/.exec(first.stdout)?.[1];
    expect(await called('twice-1')).toMatchObject({ fingerprint, alive: false, state: 'enabled' });
  });

  it('lets nobody in once it is revoked, and costs no use where the enrolment fails', async () => {
    const token = await make({ group: 'revoked' });
    const wrong = await new Api(stack.manager?.url ?? '', token).request('POST', 'enrolments', {
      nonsense: true,
    });
    expect(wrong.status).toBe(400);
    const { tokens } = await stack.api.ok('GET', 'accounts/demo/delegate-tokens');
    const { id, usesLeft } = tokens.find(({ group }: Json) => group === 'revoked');
    expect(usesLeft).toBe(1);
    await stack.api.ok('DELETE', `accounts/demo/delegate-tokens/${id}`);
    const { code, stderr } = await enrol('revoked-1', token);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ENROLMENT_REFUSED: .*was revoked/);
    expect(fs.existsSync(`${stack.home}/revoked-1/delegate.json`)).toBe(false);
  });

  it('is no API token, and an API token is no delegate token', async () => {
    const token = await make({ group: 'other' });
    expect((await new Api(stack.manager?.url ?? '', token).request('GET', 'accounts/demo')).status).toBe(401);
    const { code, stderr } = await enrol('impostor', stack.token);
    expect(code).toBe(1);
    expect(stderr).toContain('is not known');
  });

  it.each([
    ['no group', {}],
    ['a group of no name', { group: 'A B' }],
    ['no use', { group: 'local', uses: 0 }],
    ['a minute that is too short', { group: 'local', expiresInSeconds: 59 }],
    ['more than a month', { group: 'local', expiresInSeconds: 31 * 86_400 }],
    ['something unknown', { group: 'local', admin: true }],
  ])('is not made with %s', async (_, body) => {
    const { status } = await stack.api.request('POST', 'accounts/demo/delegate-tokens', body);
    expect(status).toBe(400);
  });

  it('needs a scope that is there', async () => {
    const answer = await stack.api.request('POST', 'accounts/demo/orgs/none/delegate-tokens', { group: 'x' });
    expect(answer.body.code).toBe('SCOPE_NOT_FOUND');
  });

  it('is sent over TLS, or within the machine, alone', async () => {
    const env = { ...stack.delegateEnvironment(), SALLYPORT_DATA_DIR: `${stack.home}/far` };
    const args = ['enrol', '--manager', 'http://manager.example', '--token', '-'];
    const { code, stderr } = await runCommand('workers/delegate.js', args, { env, input: 'spd_x' });
    expect(code).toBe(1);
    expect(stderr).toContain('neither an https URL nor one of this machine');
  });
});

describe('a delegate that has enrolled', () => {
  it('is not enrolled over by accident, and gets a new identity on purpose', async () => {
    const { token } = await stack.api.ok('POST', 'accounts/demo/delegate-tokens', { group: 'anew', uses: 2 });
    await enrol('anew', token);
    const before = await called('anew');
    const identity = fs.readFileSync(`${stack.home}/anew/identity.json`, 'utf8');
    const refused = await enrol('anew', token);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/ENROLMENT_REFUSED.*holds the enrolment of anew.*\n.*--replace/);
    expect(fs.readFileSync(`${stack.home}/anew/identity.json`, 'utf8')).toBe(identity);
    const replaced = await enrol('anew', token, ['--replace']);
    expect(replaced.stdout).toContain('holds the keys of the group');
    const after = await called('anew');
    expect(after.id).toBe(before.id);
    expect(after.fingerprint).not.toBe(before.fingerprint);
    const started = await stack.startDelegate(undefined, { SALLYPORT_DATA_DIR: `${stack.home}/anew` });
    expect(await called('anew')).toMatchObject({ alive: true });
    await started.kill('SIGTERM');
  });
});

describe('a delegate that has not enrolled', () => {
  it('does not start, and says how to enrol it', async () => {
    const env = { ...stack.delegateEnvironment(), SALLYPORT_DATA_DIR: `${stack.home}/stranger` };
    const { code, stderr } = await runCommand('workers/delegate.js', [], { env });
    expect(code).toBe(1);
    expect(stderr).toMatch(/DELEGATE_NOT_ENROLLED.*\n.*delegate -- enrol/);
  });
});

describe('a later delegate of a group', () => {
  it('gets the keys of the group from one that runs, and opens what was sealed before it came', async () => {
    const saved = await stack.api.save('before', 'name: before\n', delegated);
    expect(saved.status, saved.text).toBe(201);
    await stack.startDelegate();
    await post(`delegates/${(await called('delegate')).id}/disable`);
    const next = await stack.api.save('after', 'name: after\n', delegated);
    expect(next.status, next.text).toBe(201);
    await post(`delegates/${(await called('delegate')).id}/enable`);
    const keys = (folder: string) =>
      JSON.parse(fs.readFileSync(`${stack.home}/${folder}/group.json`, 'utf8')).sealing.publicKey;
    expect(keys('delegate-2')).toBe(keys('delegate'));
  });

  it('waits for one that has them, and then starts', async () => {
    for (const one of stack.delegates.splice(0)) await one.kill('SIGTERM');
    const { token } = await stack.api.ok('POST', 'accounts/demo/delegate-tokens', { group: 'local' });
    await enrol('patient', token);
    const waiting = stack.startDelegate(undefined, { SALLYPORT_DATA_DIR: `${stack.home}/patient` });
    await eventually(async () => (await called('patient')).alive, 'the newcomer to say hello');
    expect(fs.existsSync(`${stack.home}/patient/group.json`)).toBe(false);
    await stack.startDelegate();
    await waiting;
    expect(fs.existsSync(`${stack.home}/patient/group.json`)).toBe(true);
  });
});

describe('who carries a save', () => {
  const connector = async (id: string, more: Record<string, unknown>): Promise<void> => {
    await stack.api.ok('PUT', `accounts/demo/connectors/${id}`, {
      url: stack.repositoryUrl,
      connectivity: 'delegate',
      credential: { username: stack.accounts.delegate.username, secret: 'git-delegated' },
      ...more,
    });
  };

  it('is explained for every delegate of the account, before and while it waits', async () => {
    await connector('tagged', { tags: ['eu', 'gpu'] });
    expect(await reasonsOf('tagged', 'delegate')).toContain('tag');
    const saved = await stack.api.save('tagged', 'name: t\n', { ...delegated, connector: 'tagged' }, soon);
    const waiting = await eventually(async () => {
      const operation = await stack.api.ok('GET', `accounts/demo/operations/${saved.body.id}`);
      return operation.waitsFor !== null && operation;
    }, 'the operation to say what it waits for');
    expect(waiting.waitsFor).toContain('local/delegate: it lacks eu, gpu');
    const tagged = await stack.startDelegate(undefined, {
      SALLYPORT_DELEGATE_TAGS: 'eu,gpu,fast',
      SALLYPORT_DATA_DIR: `${stack.home}/tagged`,
    });
    expect((await stack.api.ended(saved.body.id)).state).toBe('succeeded');
    const explained = await explain('tagged');
    const [first, ...others] = explained.delegates;
    expect(explained).toMatchObject({
      connectivity: 'delegate',
      carriedBy: (await called('tagged')).id,
      manager: { eligible: false, reasons: [{ code: 'secret' }] },
    });
    expect(first).toMatchObject({ name: 'tagged', eligible: true, reasons: [] });
    expect(others.length).toBeGreaterThan(3);
    expect(others.every(({ eligible }: Json) => eligible === false)).toBe(true);
    await tagged.kill('SIGTERM');
  });

  it('is a delegate of the connector’s own scope or further out, the nearest first', async () => {
    await stack.api.ok('PUT', 'accounts/demo/orgs/o', {});
    const near = await stack.startDelegate(
      undefined,
      { SALLYPORT_DATA_DIR: `${stack.home}/near` },
      { group: 'near', scope: 'accounts/demo/orgs/o' },
    );
    await stack.api.ok('PUT', 'accounts/demo/orgs/o/connectors/inner', {
      url: stack.repositoryUrl,
      connectivity: 'delegate',
      credential: { username: stack.accounts.manager.username, secret: 'git-direct' },
    });
    const { delegates: judged } = await explain('inner', 'accounts/demo/orgs/o');
    expect(judged[0]).toMatchObject({ name: 'near', eligible: true });
    expect(judged[1]).toMatchObject({ scope: 'accounts/demo', eligible: true });
    // A builtin secret travels inside the sealed task.
    const saved = await stack.api.request('PUT', 'accounts/demo/orgs/o/entities/pipeline/inner', {
      yaml: 'name: inner\n',
      git: { connector: 'inner', branch: 'main' },
    });
    expect(saved.status, saved.text).toBe(201);
    expect(await reasonsOf('delegated', 'near')).toContain('scope');
    await near.kill('SIGTERM');
  });

  it('is nobody whose own policy forbids the repository', async () => {
    const folder = `${stack.home}/strict`;
    fs.mkdirSync(folder);
    fs.writeFileSync(`${folder}/policy.yaml`, 'git:\n  allow: [git.example/**]\n');
    await connector('strict', { group: 'strict' });
    const strict = await stack.startDelegate(undefined, { SALLYPORT_DATA_DIR: folder }, { group: 'strict' });
    expect(await reasonsOf('strict', 'strict')).toEqual(['allow-list']);
    await strict.kill('SIGTERM');
  });

  it('passes from one that is drained, disabled or revoked to the next', async () => {
    await stack.startDelegate(undefined, { SALLYPORT_DATA_DIR: `${stack.home}/spare` });
    for (const [verb, state, reason] of [
      ['drain', 'draining', 'draining'],
      ['disable', 'disabled', 'disabled'],
    ]) {
      const { id } = await called('spare');
      expect(await post(`delegates/${id}/${verb}`)).toMatchObject({ state });
      expect(await reasonsOf('delegated', 'spare')).toEqual([reason]);
      expect(await post(`delegates/${id}/enable`)).toMatchObject({ state: 'enabled' });
    }
    expect(await reasonsOf('delegated', 'spare')).toEqual([]);
  });

  it('is another one within a second once a delegate is revoked in the middle of its work', async () => {
    const victim = await called('spare');
    for (const one of await delegates())
      if (one.alive && one.name !== 'spare') await post(`delegates/${one.id}/disable`);
    const saves = Array.from({ length: 5 }, (_, n) =>
      stack.api.save(`moved-${n}`, `name: moved ${n}\n`, delegated, { prefer: 'wait=60' }),
    );
    await post(`delegates/${victim.id}/revoke`);
    for (const one of await delegates())
      if (one.state === 'disabled') await post(`delegates/${one.id}/enable`);
    const ended = await Promise.all(saves);
    expect(ended.map(({ status, body }) => (status === 201 ? 201 : body))).toEqual(Array(5).fill(201));
    for (const { body } of ended)
      expect(trailers(stack.repository).filter((id) => id === body.operationId)).toHaveLength(1);
    expect(await called('spare')).toMatchObject({ state: 'revoked', alive: false });
    const again = await stack.api.request('POST', `accounts/demo/delegates/${victim.id}/enable`);
    expect(again.body.code).toBe('NOT_FOUND');
  });

  it('answers for nothing that is not there', async () => {
    const unknown = `accounts/demo/delegates/d${'0'.repeat(16)}`;
    for (const verb of ['drain', 'disable', 'enable', 'revoke'])
      expect((await stack.api.request('POST', `${unknown}/${verb}`)).status).toBe(404);
    expect((await stack.api.request('POST', 'accounts/demo/explain', { connector: 'none' })).status).toBe(
      404,
    );
  });
});
