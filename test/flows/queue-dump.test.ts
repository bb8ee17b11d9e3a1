// Somebody has all of Redis while a hundred operations run through a delegate: snapshots, the log of writes, every key and
// every command. Canaries stand for all that must not be there; the same search finds them where they are planted.
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRepository } from '../../src/playground/git-host.js';
import { groupPrefix, taskQueueName } from '../../src/queue/backend.js';
import { eventually } from '../support/api.js';
import { sql } from '../support/database.js';
import { LeakSearch, writings } from '../support/leaks.js';
import { PushGate } from '../support/push-gate.js';
import { leaksOf, RedisWitness } from '../support/redis-witness.js';
import { git, trailers } from '../support/repository.js';
import { Stack } from '../support/stack.js';

const OPERATIONS = 100;
const BRANCHES = 20;
const TASKS_MAX = 2;
const LANES_MAX = 16;

const word = (name: string): string => `${name}-${randomBytes(12).toString('hex')}`;
/** With what has to be written differently in JSON, in URLs and in base64. */
const secret = (): string => `${word('secret')} "%/+?`;

const canaries = {
  content: `${word('content')} "%/+?`,
  keyringSecret: secret(),
  builtinSecret: secret(),
  repository: word('repository'),
  folder: word('folder'),
  entity: word('entity'),
  branch: word('branch'),
  message: word('message'),
  author: word('author'),
};

let stack: Stack;
let gate: PushGate;
let witness: RedisWitness;
let search: LeakSearch;
const branches = Array.from({ length: BRANCHES }, (_, n) => `${canaries.branch}-${n}`);
const repository = (): string => path.join(stack.home, 'repositories', `${canaries.repository}.git`);

beforeAll(async () => {
  stack = await Stack.start('real', {
    passwords: { manager: canaries.builtinSecret, delegate: canaries.keyringSecret },
    settings: {
      SALLYPORT_DELEGATE_TASKS_MAX: String(TASKS_MAX),
      SALLYPORT_LANES_MAX: String(LANES_MAX),
      SALLYPORT_GIT_DEADLINE_SECONDS: '120',
    },
  });
  gate = await PushGate.before(stack.host.url);
  createRepository(path.join(stack.home, 'repositories'), canaries.repository, {
    files: { 'README.md': 'here\n' },
  });
  for (const branch of branches) git(repository(), 'branch', branch, 'main');
  await stack.api.ok('PUT', 'accounts/demo/kinds/pipeline', {
    pathTemplate: `${canaries.folder}/{id}.yaml`,
    schema: { type: 'object' },
  });
  for (const [connector, road, held] of [
    ['keyring', 'delegate', 'git-delegated'],
    ['builtin', 'manager', 'git-direct'],
  ] as const)
    await stack.api.ok('PUT', `accounts/demo/connectors/${connector}`, {
      url: `${gate.url}/${canaries.repository}.git`,
      connectivity: 'delegate',
      credential: { username: stack.accounts[road].username, secret: held },
    });
  witness = await RedisWitness.of(stack.redis as { url: string; directory: string });
  search = new LeakSearch([...Object.values(canaries), stack.token]);
});
afterAll(async () => {
  witness?.stop();
  await gate?.close();
  await stack?.stop();
});

/** Tasks that the delegate has or that wait for it. */
async function tasks(): Promise<string[]> {
  const [delegate] = await sql<{ id: string; group_id: string }>(
    stack.databaseUrl,
    'select id, group_id from delegate',
  );
  const prefix = `${groupPrefix(delegate?.group_id ?? '')}:${taskQueueName(delegate?.id ?? '')}:`;
  return (await witness.find('*')).filter((key) => key.startsWith(prefix) && /:[0-9a-f-]{36}$/.test(key));
}

async function save(n: number): Promise<string> {
  const answer = await stack.api.save(
    `${canaries.entity}-${n}`,
    `name: '${canaries.content}'\nn: ${n}\n`,
    {
      connector: n % 2 === 0 ? 'keyring' : 'builtin',
      branch: branches[n % BRANCHES],
      message: canaries.message,
      author: { name: canaries.author, email: `${canaries.author}@example.org` },
    },
    { prefer: 'wait=0' },
  );
  expect(answer.status, answer.text).toBe(202);
  return answer.body.id;
}

describe('Redis, while a hundred operations run through a delegate', () => {
  it('holds tasks, and nothing of what they are about', async () => {
    gate.shut();
    const saved = await Promise.all(Array.from({ length: OPERATIONS }, (_, n) => save(n)));
    for (let passed = 0; passed < 3; passed++) {
      await eventually(async () => gate.held.length === TASKS_MAX, 'the delegate to have its hands full');
      await eventually(async () => (await tasks()).length >= LANES_MAX, 'tasks to wait for it');
      const before = await tasks();
      const sight = await witness.see();
      // What is looked at is the tasks: one that is there before and after the look. Others come and go meanwhile.
      const task = (await tasks()).find((key) => before.includes(key)) ?? 'no task was there all along';
      for (const bytes of [sight.snapshot, sight['log of writes'], sight.keys])
        expect(bytes.includes(task.split(':').at(-1) ?? '')).toBe(true);
      expect(leaksOf(search, sight)).toEqual([]);
      gate.passOne();
      gate.passOne();
    }
    gate.open();
    for (const id of saved) expect((await stack.api.ended(id, 60_000)).state).toBe('succeeded');
    expect(leaksOf(search, await witness.see())).toEqual([]);
    const landed = branches.flatMap((branch) => trailers(repository(), branch));
    expect(landed.toSorted()).toEqual(saved.toSorted());
  });

  it.each(writings)('would be seen to hold what is put there as %s, wherever one looks', async (_, write) => {
    for (const value of [secret(), word('repository')]) {
      const own = new LeakSearch([value]);
      expect(leaksOf(own, await witness.see())).toEqual([]);
      await witness.put(word('planted'), write(value));
      const sight = await witness.see();
      expect(leaksOf(own, sight)).toEqual(Object.keys(sight));
    }
  });
});
