// kill -9 at every step of a rotation, in the manager and in either delegate: the same request, sent again, ends it;
// there is one current edition, every delegate has it, and what was sealed before opens.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type Json } from '../support/api.js';
import type { RunningProcess } from '../support/processes.js';
import { assertSound } from '../support/repository.js';
import { Stack } from '../support/stack.js';
import { sampled } from '../support/thoroughness.js';

const SCOPE = 'accounts/demo';
/** In the order in which they are asked to make keys. */
const folders = ['delegate', 'delegate-2'] as const;
type Folder = (typeof folders)[number];
const points: ['manager' | Folder, string][] = [
  ...['accept', 'stage', 'keep', 'hand-over', 'adopt', 'publish', 'promote', 'finish'].map(
    (step): ['manager', string] => ['manager', `rotation.${step}`],
  ),
  ['delegate', 'delegate.stage-keys'],
  ['delegate', 'delegate.hand-over-keys'],
  ['delegate-2', 'delegate.adopt-keys'],
  ['delegate-2', 'delegate.promote-keys'],
];

let stack: Stack;
const delegates = {} as Record<Folder, RunningProcess>;
const startDelegate = async (folder: Folder, crashAt?: string): Promise<RunningProcess> => {
  delegates[folder] = await stack.startDelegate(crashAt, { SALLYPORT_DATA_DIR: `${stack.home}/${folder}` });
  return delegates[folder];
};

beforeAll(async () => {
  stack = await Stack.start('real', { delegates: 2 });
  for (const [at, folder] of folders.entries()) delegates[folder] = stack.delegates[at] as RunningProcess;
});
afterAll(async () => {
  assertSound(stack.repository);
  await stack.stop();
});

const file = (folder: string, name: string): Json =>
  JSON.parse(fs.readFileSync(`${stack.home}/${folder}/${name}`, 'utf8'));
const askRotation = () => stack.api.ok('POST', `${SCOPE}/delegate-groups/local/rotate`, {});
const groupOf = async (): Promise<Json> => (await stack.api.ok('GET', `${SCOPE}/delegate-groups`)).groups[0];

/** The process again, this time one that will kill itself at the point. */
async function replaceByVictim(who: 'manager' | Folder, crashAt: string): Promise<RunningProcess> {
  await (who === 'manager' ? stack.manager : delegates[who])?.kill('SIGTERM');
  const victim = await (who === 'manager' ? stack.startManager(crashAt) : startDelegate(who, crashAt));
  await eventually(async () => {
    const { delegates: all } = await stack.api.ok('GET', `${SCOPE}/delegates`);
    const { delegates: ready } = await stack.api.ok('POST', `${SCOPE}/explain`, { connector: 'delegated' });
    return all.every(({ alive }: Json) => alive) && ready.every(({ eligible }: Json) => eligible);
  }, 'the manager to hear that both delegates take tasks');
  return victim;
}

/** What is after one step is before the next one; of a delegate’s the worst is that its answer is lost. */
function momentsOf(who: string, step: string): string[] {
  if (who !== 'manager') return ['after'];
  return step === 'rotation.finish' ? ['before', 'after'] : ['before'];
}

describe.each(sampled(points, 4))('%s, killed at %s', (who, step) => {
  it.each(momentsOf(who, step))('%s it', async (moment) => {
    const numberBefore = file('delegate', 'group.json').edition?.number ?? 0;
    const victim = await replaceByVictim(who, `${step}:${moment}`);
    const asked = askRotation().catch(() => undefined);
    expect(await victim.ended()).toBe('SIGKILL');
    await asked;
    await (who === 'manager' ? stack.startManager() : startDelegate(who));
    await askRotation();
    const group = await eventually(
      async () => {
        const one = await groupOf();
        return one.rotation.state === 'done' && one;
      },
      'the rotation to be done',
      60_000,
    );
    expect(group.delegates.map(({ has }: Json) => has)).toEqual(['current', 'current']);
    const [one, two] = folders.map((folder) => file(folder, 'group.json'));
    expect(one.edition).toEqual(two.edition);
    expect([one.staged, two.staged]).toEqual([null, null]);
    expect(one.edition.number).toBeGreaterThan(numberBefore);
    for (const folder of folders) {
      const active = file(folder, 'keyring.json').keys.filter(({ state }: Json) => state === 'active');
      expect(active.map(({ id }: Json) => id)).toEqual([group.keys.keyring]);
    }
    const id = `e${randomUUID().replaceAll('-', '_')}`;
    const saved = await stack.api.save(id, 'name: x\n', { connector: 'delegated', branch: 'main' });
    expect(saved.status, saved.text).toBe(201);
  });
});
