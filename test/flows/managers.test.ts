// Several managers over one database: one writer per lane among them, and a writer that slept past its lease writes nothing.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, eventually } from '../support/api.js';
import { startManager } from '../support/processes.js';
import { fileAt, git, trailers } from '../support/repository.js';
import { Stack, sampledBackends } from '../support/stack.js';

const direct = { connector: 'direct', branch: 'main' };
const delegated = { connector: 'delegated', branch: 'main' };

describe.each(sampledBackends)('on the %s servers', (backend) => {
  let stack: Stack;
  let second: Awaited<ReturnType<typeof startManager>>;
  let other: Api;
  beforeAll(async () => {
    stack = await Stack.start(backend, { hasEmptyDatabase: true });
    second = await startManager({ env: stack.managerEnvironment() });
    other = new Api(second.url, stack.token);
  });
  afterAll(async () => {
    await second.kill();
    await stack.assertSoundAtRest();
    await stack.stop();
  });

  it('shares one branch between managers: every save one commit, whoever took it', async () => {
    const before = Number(git(stack.repository, 'rev-list', '--count', 'main'));
    const saves = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        (n % 2 === 0 ? stack.api : other).save(
          `shared-${n}`,
          `name: shared ${n}\n`,
          n % 4 < 2 ? direct : delegated,
        ),
      ),
    );
    for (const saved of saves) expect(saved.status, saved.text).toBe(201);
    expect(Number(git(stack.repository, 'rev-list', '--count', 'main'))).toBe(before + 40);
    for (const n of Array(40).keys())
      expect(fileAt(stack.repository, `pipelines/shared-${n}.yaml`)).toBe(`name: shared ${n}\n`);
  });

  it('shows what one manager saved through the other, at once', async () => {
    await stack.api.save('seen', 'name: seen\n', direct);
    expect((await other.ok('GET', 'accounts/demo/entities/pipeline/seen')).yaml).toBe('name: seen\n');
    const answer = await other.save('seen', 'name: seen again\n', direct);
    expect((await stack.api.ok('GET', 'accounts/demo/entities/pipeline/seen')).git).toEqual(answer.body.git);
  });

  it('honours an idempotency key whichever manager the retry reaches', async () => {
    const key = { 'idempotency-key': `anywhere-${backend}` };
    const [one, two] = await Promise.all([
      stack.api.save('anywhere', 'name: anywhere\n', direct, key),
      other.save('anywhere', 'name: anywhere\n', direct, key),
    ]);
    expect(one.status, one.text).toBe(201);
    expect(two.body).toEqual(one.body);
    expect(trailers(stack.repository).filter((id) => id === one.body.operationId)).toHaveLength(1);
  });

  it('takes a lane over from a manager that sleeps past its lease, and lets the sleeper change nothing when it wakes', async () => {
    // The delegate is stopped in the middle of its push, so that the first manager holds the lane while it is put to sleep.
    const [delegate] = stack.delegates;
    process.kill(delegate?.pid as number, 'SIGSTOP');
    const saved = await stack.api.save('asleep', 'name: asleep\n', delegated, { prefer: 'wait=1' });
    expect(saved.status).toBe(202);
    process.kill(stack.manager?.pid as number, 'SIGSTOP');
    process.kill(delegate?.pid as number, 'SIGCONT');
    const ended = await eventually(async () => {
      const operation = await other.ok('GET', `accounts/demo/operations/${saved.body.id}`);
      return operation.state !== 'pending' && operation;
    }, 'the other manager to end it');
    expect(ended.state).toBe('succeeded');
    const after = await other.save('after-sleep', 'name: after sleep\n', direct);
    expect(after.status, after.text).toBe(201);
    process.kill(stack.manager?.pid as number, 'SIGCONT');
    const next = await stack.api.save('awake', 'name: awake\n', direct);
    expect(next.status, next.text).toBe(201);
    expect(await other.ok('GET', `accounts/demo/operations/${saved.body.id}`)).toEqual(ended);
    expect(trailers(stack.repository).filter((id) => id === saved.body.id)).toHaveLength(1);
  });

  it('loses nothing when one of them is killed with its hands full', async () => {
    const saves = Array.from({ length: 20 }, (_, n) =>
      other
        .save(`orphan-${n}`, `name: orphan ${n}\n`, direct, {
          prefer: 'wait=0',
          'idempotency-key': `${backend}-${n}`,
        })
        .catch(() => undefined),
    );
    await Promise.race(saves);
    await second.kill('SIGKILL');
    const accepted = (await Promise.all(saves)).flatMap((answer) =>
      answer?.status === 202 ? [answer.body.id] : [],
    );
    expect(accepted.length).toBeGreaterThan(0);
    for (const id of accepted) expect((await stack.api.ended(id, 60_000)).state).toBe('succeeded');
    const seen = trailers(stack.repository);
    for (const id of accepted) expect(seen.filter((one) => one === id)).toHaveLength(1);
  });
});
