// Part of the Git suite: the stages of a check.
import { describe, expect, test } from 'vitest';
import type { StageResult } from '../../src/git/git.js';
import { type Suite, testWith } from '../support/git-suite.js';

export function describeChecking(suite: Suite): void {
  describe('check', () => {
    test('passes all stages and writes nothing', async () => {
      const { remote, reference } = suite.world.create({ files: { 'a.yaml': 'a\n' } });
      const before = reference.git(['for-each-ref']);
      const { stages } = await (await suite.open(remote)).check();
      expect(summarize(stages)).toEqual(['reach ok', 'authenticate ok', 'read ok', 'write ok']);
      for (const { ms } of stages) expect(ms).toBeGreaterThanOrEqual(0);
      expect(reference.git(['for-each-ref'])).toBe(before);
    });

    test('finds what the host is known to do', async () => {
      const { remote } = suite.world.create({ files: { 'a.yaml': 'a\n' } });
      const { host } = await (await suite.open(remote)).check();
      if (host === null) return;
      const agent = host.agent === null ? null : host.agent.split('/')[0];
      expect({ ...host, agent }).toMatchObject(suite.server.features);
    });

    test('passes all stages on an empty repository', async () => {
      const { remote } = suite.world.create();
      const { stages } = await (await suite.open(remote)).check();
      expect(summarize(stages)).toEqual(['reach ok', 'authenticate ok', 'read ok', 'write ok']);
    });

    test('stops at a port that nobody answers', async () => {
      const remote = suite.world.remote('/a.git', await suite.world.closedUrl());
      expect(summarize((await (await suite.open(remote)).check()).stages)).toEqual(['reach GIT_UNREACHABLE']);
    });

    test('stops at a wrong password', async () => {
      const { remote } = suite.world.create({ files: { 'a.yaml': 'a\n' } });
      const password = suite.world.wrongPassword;
      const { stages } = await (await suite.open({ ...remote, password })).check();
      expect(summarize(stages)).toEqual(['reach ok', 'authenticate GIT_AUTH_REJECTED']);
      expect(JSON.stringify(stages)).not.toContain(password);
    });

    test('stops at a repository that is not there', async () => {
      const { stages } = await (await suite.open(suite.world.remote('/absent.git'))).check();
      expect(summarize(stages)).toEqual(['reach ok', 'authenticate ok', 'read GIT_REPOSITORY_NOT_FOUND']);
    });

    testWith(suite, 'read-only')('stops at a repository that may only be read', async () => {
      const config = { 'http.receivepack': 'false' };
      const { remote } = suite.world.create({ files: { 'a.yaml': 'a\n' }, config });
      const [reach, authenticate, read, write, ...more] = summarize(
        (await (await suite.open(remote)).check()).stages,
      );
      expect([reach, authenticate, read]).toEqual(['reach ok', 'authenticate ok', 'read ok']);
      expect(write).toMatch(/^write GIT_(AUTH|PUSH)_REJECTED$/);
      expect(more).toEqual([]);
    });
  });
}

function summarize(stages: StageResult[]): string[] {
  return stages.map(({ stage, ok, failure }) => `${stage} ${ok ? 'ok' : failure?.code}`);
}
