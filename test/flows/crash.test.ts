// kill -9 before and after every step of a save, in the manager and in the delegate: after a restart nothing acknowledged is
// missing and nothing is doubled.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/api.js';
import { fileAt, trailers } from '../support/repository.js';
import { type Backend, connectorOf, type Road, Stack } from '../support/stack.js';
import { sampled } from '../support/thoroughness.js';

interface CrashPoint {
  process: 'manager' | 'delegate';
  road: Road;
  step: string;
}

const points: CrashPoint[] = [
  ...[
    'save.accept',
    'save.enqueue',
    'lane.acquire',
    'lane.plan',
    'lane.push',
    'git.build',
    'git.push',
    'lane.settle',
    'lane.release',
  ].map((step): CrashPoint => ({ process: 'manager', road: 'manager', step })),
  ...['lane.plan', 'lane.push', 'lane.settle'].map(
    (step): CrashPoint => ({ process: 'manager', road: 'delegate', step }),
  ),
  ...['delegate.commit', 'delegate.open-secret', 'git.build', 'git.push'].map(
    (step): CrashPoint => ({ process: 'delegate', road: 'delegate', step }),
  ),
];
/** After a step is before the next one, but for these, after which there is none in the process, or an answer that may be lost. */
const last = /^(git\.push|lane\.release|delegate\.commit)$/;
const momentsOf = (step: string): string[] => {
  const all = ['before', 'after'];
  return last.test(step) ? all : sampled(all, 2);
};

// Every point runs on the backend with the younger code; where there is time, a sample of them on the other, since the steps are the same.
const cases: [Backend, CrashPoint][] = [
  ...points.map((point): [Backend, CrashPoint] => ['embedded', point]),
  ...sampled(
    points.filter(({ step }) => /push|plan|settle/.test(step)),
    2,
  ).map((point): [Backend, CrashPoint] => ['real', point]),
];
const tried: Backend[] = sampled(['embedded', 'real'], 2);

describe.each(tried)('on the %s servers', (backend) => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start(backend);
  });
  afterAll(async () => {
    await stack?.stop();
  });

  const here = cases.filter(([name]) => name === backend).map(([, point]) => point);
  describe.each(here)('a $process killed at $step with connectivity $road', (point) => {
    it.each(momentsOf(point.step))('%s it', (moment) => survive(stack, point, moment));
  });

  it('leaves nothing doubled in a sound repository', async () => {
    const all = trailers(stack.repository);
    expect(new Set(all).size).toBe(all.length);
    await stack.assertSoundAtRest();
  });
});

async function survive(stack: Stack, point: CrashPoint, moment: string): Promise<void> {
  const into = { connector: connectorOf[point.road], branch: 'main' };
  const id = [point.process, point.road, point.step.replace('.', '-'), moment].join('_');
  const warm = await stack.api.save(`before_${id}`, 'name: before\n', into);
  expect(warm.status, warm.text).toBe(201);
  const victim = await replaceByVictim(stack, point, `${point.step}:${moment}`);
  const save = () => stack.api.save(id, 'name: crashed\n', into, { 'idempotency-key': id });
  const first = save().catch(() => undefined);
  expect(await victim.ended()).toBe('SIGKILL');
  if (point.process === 'manager') await stack.startManager();
  else await stack.startDelegate();
  await first;
  // The client that saw its connection break tries again with its key, as clients do.
  const answer = await eventually(async () => {
    const again = await save().catch(() => undefined);
    return again !== undefined && again.status !== 202 && again;
  }, 'the save to end');
  expect(answer.status, answer.text).toBe(201);
  expect(fileAt(stack.repository, `pipelines/${id}.yaml`)).toBe('name: crashed\n');
  expect(trailers(stack.repository).slice(0, 2)).toEqual([answer.body.operationId, warm.body.operationId]);
  const next = await stack.api.save(`after_${id}`, 'name: after\n', into);
  expect(next.status, next.text).toBe(201);
}

/** The process again, this time one that will kill itself at the point. */
async function replaceByVictim(stack: Stack, point: CrashPoint, crashAt: string) {
  if (point.process === 'delegate') {
    await stack.delegates.at(-1)?.kill('SIGTERM');
    return stack.startDelegate(crashAt);
  }
  await stack.manager?.kill('SIGTERM');
  return stack.startManager(crashAt);
}
