// A delegate that is told to stop: it is there while it finishes, however long that takes, and hands back what it cannot finish
// in time.
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silenceMaxMs } from '../../src/contract/presence.js';
import { createRepository } from '../../src/playground/git-host.js';
import { eventually, type Json } from '../support/api.js';
import { HeldLine } from '../support/held-line.js';
import type { RunningProcess } from '../support/processes.js';
import { assertSound, trailers } from '../support/repository.js';
import { Stack } from '../support/stack.js';

describe('a delegate that drains', () => {
  let stack: Stack;
  const lines: HeldLine[] = [];
  const repositories: string[] = [];
  beforeAll(async () => {
    stack = await Stack.start('real');
    // While another one can hand it the keys of the group: one that drains does not.
    await stack.startDelegate(undefined, { SALLYPORT_DATA_DIR: `${stack.home}/successor` });
    for (const one of stack.delegates) await one.kill('SIGTERM');
  });
  afterAll(async () => {
    for (const line of lines) await line.close();
    for (const repository of repositories) assertSound(repository);
    await stack.stop();
  });

  /** A repository of its own, and a connector of the same name; with a line that holds every answer unless told otherwise. */
  async function connect(name: string, { isHeld = true } = {}): Promise<{ line: HeldLine; path: string }> {
    const root = path.join(stack.home, 'repositories');
    createRepository(root, name, { files: { 'README.md': 'demo\n' } });
    const line = await HeldLine.open(stack.host.url);
    if (isHeld) line.bytesLeft = 0;
    lines.push(line);
    repositories.push(path.join(root, `${name}.git`));
    await stack.api.ok('PUT', `accounts/demo/connectors/${name}`, {
      url: line.through(`${stack.host.url}/${name}.git`),
      connectivity: 'delegate',
      credential: { username: stack.accounts.delegate.username, secret: 'git-delegated' },
    });
    return { line, path: path.join(root, `${name}.git`) };
  }
  const save = (connector: string) =>
    stack.api.save(connector, `name: ${connector}\n`, { connector, branch: 'main' }, { prefer: 'wait=90' });
  const said = (delegate: RunningProcess, words: string) =>
    eventually(async () => delegate.output().includes(words), `the delegate to say: ${words}`);
  const known = async (name: string): Promise<Json> =>
    (await stack.api.ok('GET', 'accounts/demo/delegates')).delegates.find((one: Json) => one.name === name);

  it('is alive and draining for longer than silence is taken for death, and then ends what it had', async () => {
    const { line, path: repository } = await connect('long');
    const leaving = await stack.startDelegate(undefined, {
      SALLYPORT_DELEGATE_GRACE_SECONDS: '60',
      SALLYPORT_DATA_DIR: `${stack.home}/delegate`,
    });
    const saving = save('long');
    await line.held;
    const toldAt = Date.now();
    const gone = leaving.kill('SIGTERM');
    const late = await eventually(
      async () => {
        const one = await known('delegate');
        expect(one).toMatchObject({ alive: true });
        return Date.parse(one.lastSeenAt) - toldAt > silenceMaxMs && one;
      },
      'a word of the delegate after the time in which silence is death',
      60_000,
    );
    expect(late).toMatchObject({ running: 1 });
    const { delegates } = await stack.api.ok('POST', 'accounts/demo/explain', { connector: 'long' });
    const verdict = delegates.find(({ name }: Json) => name === 'delegate');
    expect(verdict).toMatchObject({ eligible: false, reasons: [{ code: 'draining' }] });
    line.release();
    await gone;
    expect(await leaving.ended()).toBe('0');
    expect(leaving.output()).not.toContain('lets go of tasks');
    // A save is several tasks: those that had not been begun are for another delegate.
    await stack.startDelegate(undefined, { SALLYPORT_DATA_DIR: `${stack.home}/delegate` });
    const saved = await saving;
    expect(saved.status, saved.text).toBe(201);
    expect(trailers(repository)).toEqual([saved.body.operationId]);
  });

  it('finishes the task that its grace is enough for, and another does the rest, each once', async () => {
    const [brief, endless, untouched] = [
      await connect('brief'),
      await connect('endless'),
      await connect('untouched', { isHeld: false }),
    ];
    await stack.delegates.at(-1)?.kill('SIGTERM');
    const leaving = await stack.startDelegate(undefined, {
      SALLYPORT_DELEGATE_GRACE_SECONDS: '12',
      SALLYPORT_DELEGATE_TASKS_MAX: '2',
    });
    const checking = stack.api.ok('POST', 'accounts/demo/connectors/brief/check');
    const saves = [save('endless')];
    await Promise.all([brief.line.held, endless.line.held]);
    saves.push(save('untouched'));
    const gone = leaving.kill('SIGTERM');
    await said(leaving, 'drains');
    // Nobody else is there to do it.
    brief.line.release();
    expect(await checking).toMatchObject({ ok: true });
    endless.line.bytesLeft = null;
    await stack.startDelegate(undefined, { SALLYPORT_DATA_DIR: `${stack.home}/successor` });
    await gone;
    expect(await leaving.ended()).toBe('0');
    expect(leaving.output()).toContain('lets go of tasks that take longer than its grace');
    const ended = await Promise.all(saves);
    expect(ended.map(({ status, text }) => (status === 201 ? 201 : text))).toEqual([201, 201]);
    for (const [n, { path: repository }] of [endless, untouched].entries())
      expect(trailers(repository)).toEqual([ended[n]?.body.operationId]);
  });
});
