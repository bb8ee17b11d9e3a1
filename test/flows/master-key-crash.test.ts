// kill -9 before and after every step of a rotation of the master key, in the command and in the manager: afterwards every secret
// opens, none has two heads, and the same command goes on.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/api.js';
import { sql } from '../support/database.js';
import {
  activeKey,
  did,
  doubtfulHeads,
  forgetSupersededWraps,
  keyFileOf,
  keysOf,
  masterKey,
  openAll,
  payloads,
  rotate,
  wrappedBy,
} from '../support/master-keys.js';
import { startManager } from '../support/processes.js';
import { Stack } from '../support/stack.js';
import { sampled } from '../support/thoroughness.js';

const direct = { connector: 'direct', branch: 'main' };

/** Which command is at which step. */
const steps: [step: string, command: 'stage' | 'promote' | 'rewrap' | 'retire'][] = [
  ['master-key.stage', 'stage'],
  ['master-key.promote', 'promote'],
  ['master-key.label', 'promote'],
  ['master-key.rewrap', 'rewrap'],
  ['master-key.replace', 'rewrap'],
  ['master-key.replace-manager-keys', 'rewrap'],
  ['master-key.forget', 'retire'],
  ['master-key.remove', 'retire'],
];

/** Where a kill came too late to leave anything, and what the same command says then. */
const finished: Record<string, string> = {
  'master-key.label:after': 'no key is staged',
  'master-key.remove:after': 'neither database nor key file has it',
};

describe('killed', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start('real', { delegates: 0 });
    for (const id of ['one', 'two', 'three'])
      await stack.api.ok('PUT', `accounts/demo/secrets/${id}`, { manager: 'builtin', value: id });
    await stack.manager?.kill('SIGTERM');
  });
  afterAll(() => stack.stop());

  // What is after one step is before the next one: besides every beginning, the end of what is done to each secret and of all.
  const cases = steps.flatMap(([step, command]) =>
    (/replace$|remove/.test(step) ? ['before', 'after'] : ['before']).map(
      (moment) => [command, moment, step] as const,
    ),
  );

  it.each(sampled(cases, 4))(
    'a %s command ends %s its step %s: the same command finishes it',
    async (command, moment, step) => {
      const first = await activeKey(stack);
      const before = await payloads(stack);
      for (const name of ['stage', 'promote', 'rewrap', 'retire'] as const) {
        const args = name === 'retire' ? [name, first] : [name];
        if (name === 'retire') await forgetSupersededWraps(stack);
        const crashAt = `${step}:${moment}`;
        const killed = name === command ? await masterKey(stack, args, { crashAt }) : undefined;
        expect(killed?.code ?? -1, killed?.stderr).toBe(-1);
        const again = await masterKey(stack, args);
        const refusal = name === command ? finished[`${step}:${moment}`] : undefined;
        expect(again.stderr).toContain(refusal ?? '');
        expect(again.code, again.stderr).toBe(refusal === undefined ? 0 : 1);
      }
      const second = await activeKey(stack);
      expect(second).not.toBe(first);
      expect(await wrappedBy(stack)).toEqual({ [second]: 5 });
      expect(keysOf(keyFileOf(stack)).map(({ id, state }) => `${id} ${state}`)).toEqual([`${second} active`]);
      expect(await payloads(stack)).toEqual(before);
      expect(await openAll(stack)).toMatchObject({ one: 'one', two: 'two', three: 'three' });
      expect(await doubtfulHeads(stack)).toEqual([]);
    },
  );

  const points = [
    'master-key.replace:after',
    'master-key.replace:before',
    'master-key.replace-manager-keys:before',
  ];
  it.each(sampled(points, 3))(
    'a manager ends at %s: the next one opens everything and finishes it',
    async (point) => {
      const first = await activeKey(stack);
      const second = await rotate(stack);
      const victim = await startManager({ env: stack.managerEnvironment(), crashAt: point });
      expect(await victim.ended()).toBe('SIGKILL');
      await stack.startManager();
      const saved = await stack.api.save('survivor', `name: ${point}\n`, direct);
      expect(saved.status, saved.text).toBeLessThan(202);
      await eventually(
        async () => (await wrappedBy(stack))[first] === undefined,
        'everything to be rewrapped',
      );
      expect(await wrappedBy(stack)).toEqual({ [second]: 5 });
      expect(await doubtfulHeads(stack)).toEqual([]);
      expect(await openAll(stack)).toMatchObject({ one: 'one', two: 'two', three: 'three' });
      const wraps = await sql(
        stack.databaseUrl,
        'select distinct scope, secret_id, version from superseded_wrap',
      );
      expect(await sql(stack.databaseUrl, 'select 1 from superseded_wrap')).toHaveLength(wraps.length);
      await stack.manager?.kill('SIGTERM');
      await forgetSupersededWraps(stack);
      await did(stack, ['retire', first]);
    },
  );
});
