// kill -9 before and after every step of a save, in the manager and in the delegate: after a restart nothing acknowledged is
// missing and nothing is doubled.
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/api.js';
import { assertSound, fileAt, trailers } from '../support/repository.js';
import { type Backend, connectorOf, type Road, Stack } from '../support/stack.js';

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
const moments = ['before', 'after'] as const;

// Every point runs on the backend with the younger code; a sample of them on the other, since the steps are the same.
const cases: [Backend, CrashPoint][] = [
  ...points.map((point): [Backend, CrashPoint] => ['embedded', point]),
  ...points
    .filter(({ step }) => /push|plan|settle/.test(step))
    .map((point): [Backend, CrashPoint] => ['real', point]),
];

describe.each(['embedded', 'real'] as const)('on the %s servers', (backend) => {
  const here = cases.filter(([name]) => name === backend).map(([, point]) => point);
  describe.each(here)('a $process killed at $step with connectivity $road', (point) => {
    it.each(moments)('%s it', (moment) => survive(backend, point, moment), 120_000);
  });
});

async function survive(backend: Backend, point: CrashPoint, moment: string): Promise<void> {
  const stack = await Stack.start(backend);
  try {
    const into = { connector: connectorOf[point.road], branch: 'main' };
    const warm = await stack.api.save('before', 'name: before\n', into);
    expect(warm.status, warm.text).toBe(201);
    const victim = await replaceByVictim(stack, point, `${point.step}:${moment}`);
    const key = { 'idempotency-key': 'the-save' };
    const save = () => stack.api.save('crashed', 'name: crashed\n', into, key);
    const first = save().catch(() => undefined);
    expect(await victim.gone).toBe('SIGKILL');
    if (point.process === 'manager') await stack.startManager();
    else await stack.startDelegate();
    await first;
    // The client that saw its connection break tries again with its key, as clients do.
    const answer = await eventually(async () => {
      const again = await save().catch(() => undefined);
      return again !== undefined && again.status !== 202 && again;
    }, 'the save to end');
    expect(answer.status, answer.text).toBe(201);
    expect(fileAt(stack.repository, 'pipelines/crashed.yaml')).toBe('name: crashed\n');
    expect(trailers(stack.repository)).toEqual([answer.body.operationId, warm.body.operationId]);
    const next = await stack.api.save('after', 'name: after\n', into);
    expect(next.status, next.text).toBe(201);
    assertSound(stack.repository);
  } finally {
    await stack.stop();
  }
}

/** The process again, this time one that will kill itself at the point. */
async function replaceByVictim(stack: Stack, point: CrashPoint, crashAt: string) {
  if (point.process === 'delegate') {
    await stack.delegates[0]?.kill('SIGTERM');
    return stack.startDelegate(crashAt);
  }
  await stack.manager?.kill('SIGTERM');
  return stack.startManager(crashAt);
}
