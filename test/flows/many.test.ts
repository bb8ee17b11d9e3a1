// Many saves from eight clients at once, half of them through each road, to one branch.
import { describe, expect, it } from 'vitest';
import { assertSound, fileAt, git, trailers } from '../support/repository.js';
import { oneBackend, Stack } from '../support/stack.js';
import { atLeast } from '../support/thoroughness.js';

const CLIENTS = 8;
const SAVES_EACH = atLeast(10, 25);

describe.each(oneBackend)('on the %s servers', (backend) => {
  it('makes every save a commit, in a straight line, none lost, no client sees an error', async () => {
    const stack = await Stack.start(backend);
    try {
      const before = Number(git(stack.repository, 'rev-list', '--count', 'main'));
      const saved: { id: string; yaml: string; operation: string }[] = [];
      const client = async (number: number): Promise<void> => {
        for (let i = 0; i < SAVES_EACH; i++) {
          const connector = (number + i) % 2 === 0 ? 'direct' : 'delegated';
          const [id, yaml] = [`client-${number}-${i}`, `name: save ${i} of client ${number}\n`];
          const answer = await stack.api.save(id, yaml, { connector, branch: 'main' }, { prefer: 'wait=60' });
          expect(answer.status, answer.text).toBe(201);
          saved.push({ id, yaml, operation: answer.body.operationId });
        }
      };
      await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)));
      expect(saved).toHaveLength(CLIENTS * SAVES_EACH);
      expect(Number(git(stack.repository, 'rev-list', '--count', 'main'))).toBe(
        before + CLIENTS * SAVES_EACH,
      );
      expect(new Set(trailers(stack.repository))).toEqual(new Set(saved.map(({ operation }) => operation)));
      for (const { id, yaml } of saved) expect(fileAt(stack.repository, `pipelines/${id}.yaml`)).toBe(yaml);
      assertSound(stack.repository);
    } finally {
      await stack.stop();
    }
  });

  it('lets the last of many saves to one entity win, and keeps every one of them in history', async () => {
    const stack = await Stack.start(backend);
    try {
      const save = (n: number) =>
        stack.api.save('same', `name: version ${n}\n`, {
          connector: n % 2 ? 'direct' : 'delegated',
          branch: 'main',
        });
      await save(0);
      const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => save(n + 1)));
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      const history = git(stack.repository, 'log', '--format=%H', 'main', '--', 'pipelines/same.yaml')
        .trim()
        .split('\n');
      expect(history).toHaveLength(21);
      const copy = await stack.api.ok('GET', 'accounts/demo/entities/pipeline/same');
      expect(fileAt(stack.repository, 'pipelines/same.yaml')).toBe(copy.yaml);
      assertSound(stack.repository);
    } finally {
      await stack.stop();
    }
  });
});
