// Saves, cancellations, pushes, force-pushes, deleted branches and killed managers in any order: at rest the copy is Git byte for byte, no
// commit of somebody else is lost but by somebody else, and what was cancelled was never committed. `INTERLEAVINGS` and `SEED` make it longer, or another one.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { blobIdOf } from '../../src/git/blob-id.js';
import { eventually, type Json } from '../support/api.js';
import { ForeignClone } from '../support/foreign-clone.js';
import { git, head } from '../support/repository.js';
import { connectorOf, type Road, roads, Stack } from '../support/stack.js';
import { atLeast } from '../support/thoroughness.js';

const count = Number(process.env.INTERLEAVINGS ?? atLeast(60, 500));
const seed = Number(process.env.SEED ?? 6);
const branches = ['main', 'side'];

let stack: Stack;
let clone: ForeignClone;
beforeAll(async () => {
  // A manager that was killed holds a lane for this long.
  const settings = { SALLYPORT_LEASE_SECONDS: '2', SALLYPORT_POLL_FAST_SECONDS: '1' };
  stack = await Stack.start('embedded', { settings });
  git(stack.repository, 'config', 'receive.denyNonFastForwards', 'false');
  for (const road of roads)
    await stack.api.ok('PUT', `accounts/demo/connectors/${connectorOf[road]}/tracking`, { branches });
  clone = await ForeignClone.of(stack.foreignUrl);
});
afterAll(async () => {
  clone.remove();
  await stack.stop();
});

interface Model {
  /** What must still be on each branch: commits of somebody else that nobody else took away. */
  theirs: Map<string, Set<string>>;
  /** How often each kind of step came to something. */
  worked: Map<string, number>;
}
/** Operations that were acknowledged. */
type Real = { operations: string[]; cancelled: Set<string> };
type Command = fc.AsyncCommand<Model, Real>;
type Kind = 'save' | 'delete' | 'cancel' | 'push' | 'force-push' | 'delete a branch' | 'kill the manager';

const fileOf = (id: string): string => `pipelines/${id}.yaml`;
/** Undefined where there is no such branch. */
const tipOf = (branch: string): string | undefined => {
  try {
    return head(stack.repository, branch);
  } catch {
    return undefined;
  }
};
const isOn = (commit: string, branch: string): boolean => {
  try {
    git(stack.repository, 'merge-base', '--is-ancestor', commit, `refs/heads/${branch}`);
    return true;
  } catch {
    return false;
  }
};

/** A request that may meet a manager that is just being killed. */
const acknowledged = async (real: Real, ask: Promise<{ body: Json }>): Promise<boolean> => {
  const answer = await ask.catch(() => undefined);
  const id = answer?.body.operationId ?? answer?.body.id;
  if (typeof id !== 'string' || !/^[0-9a-f-]{36}$/.test(id)) return false;
  real.operations.push(id);
  return true;
};

/** @param run says whether it worked */
function command(kind: Kind, what: string, run: (model: Model, real: Real) => Promise<boolean>): Command {
  return {
    check: () => true,
    toString: () => `${kind} ${what}`,
    run: async (model, real) => {
      if (await run(model, real)) model.worked.set(kind, (model.worked.get(kind) ?? 0) + 1);
    },
  };
}

const save = (id: string, branch: string, road: Road, text: number): Command =>
  command('save', `${id} on ${branch} by ${road}`, (_, real) => {
    const into = { connector: connectorOf[road], branch };
    return acknowledged(real, stack.api.save(id, `name: saved ${text}\n`, into, { prefer: 'wait=0' }));
  });

const remove = (id: string, branch: string): Command =>
  command('delete', `${id} on ${branch}`, (_, real) => {
    const address = `accounts/demo/entities/pipeline/${id}?branch=${branch}`;
    return acknowledged(real, stack.api.request('DELETE', address, undefined, { prefer: 'wait=0' }));
  });

/** Of what was acknowledged last: works where that is not on its way yet. */
const cancel = (): Command =>
  command('cancel', 'the last', async (_, { operations, cancelled }) => {
    const last = operations.at(-1);
    if (last === undefined) return false;
    const address = `accounts/demo/operations/${last}/cancel`;
    const answer = await stack.api.request('POST', address).catch(() => undefined);
    if (answer?.status === 200) cancelled.add(last);
    return answer?.status === 200;
  });

const push = (id: string, branch: string, text: number | null): Command =>
  command('push', `${id} to ${branch}`, async ({ theirs }) => {
    const content = text === null ? null : `name: pushed ${text}\n`;
    const commit = await clone.push(branch, { [fileOf(id)]: content });
    if (commit !== undefined) theirs.get(branch)?.add(commit);
    return commit !== undefined;
  });

/** Works where it takes a commit away. */
const forcePush = (id: string, branch: string, text: number): Command =>
  command('force-push', `${id} to ${branch}`, async ({ theirs }) => {
    const before = tipOf(branch);
    const commit = await clone.forcePush(branch, { [fileOf(id)]: `name: forced ${text}\n` });
    if (commit === undefined) return false;
    const kept = [...(theirs.get(branch) ?? [])].filter((one) => isOn(one, branch));
    theirs.set(branch, new Set([...kept, commit]));
    return before !== undefined && !isOn(before, branch);
  });

const deleteSide = (): Command =>
  command('delete a branch', 'side', async ({ theirs }) => {
    const isDeleted = await clone.deleteBranch('side');
    if (isDeleted) theirs.set('side', new Set());
    return isDeleted;
  });

const restart = (): Command =>
  command('kill the manager', 'and start it', async () => {
    await stack.manager?.kill();
    await stack.startManager();
    return true;
  });

/** Steps that bring one that works of each kind, if need be when they are taken again. */
const waysTo: Record<Kind, Command[]> = {
  save: [save('a', 'main', 'manager', 0)],
  delete: [save('a', 'main', 'delegate', 0), remove('a', 'main')],
  cancel: [save('a', 'main', 'manager', 0), cancel()],
  push: [push('a', 'side', 0)],
  'force-push': [push('a', 'main', 0), forcePush('b', 'main', 0)],
  'delete a branch': [push('a', 'side', 0), deleteSide()],
  'kill the manager': [restart()],
};

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const branch = fc.constantFrom(...branches);
const text = fc.nat(9);
const road = fc.constantFrom(...roads);
const commands = fc.oneof(
  { weight: 40, arbitrary: fc.tuple(id, branch, road, text).map((parts) => save(...parts)) },
  { weight: 8, arbitrary: fc.tuple(id, branch).map((parts) => remove(...parts)) },
  { weight: 6, arbitrary: fc.constant(cancel()) },
  { weight: 36, arbitrary: fc.tuple(id, branch, fc.option(text)).map((parts) => push(...parts)) },
  { weight: 8, arbitrary: fc.tuple(id, branch, text).map((parts) => forcePush(...parts)) },
  { weight: 6, arbitrary: fc.constant(deleteSide()) },
  { weight: 1, arbitrary: fc.constant(restart()) },
);

it(`${count} steps in any order end with a copy that is Git`, { timeout: 20 * 60_000 }, async () => {
  const steps = fc.sample(commands, { numRuns: count, seed });
  const theirs = new Map(branches.map((one) => [one, new Set<string>()]));
  const model: Model = { theirs, worked: new Map() };
  const real: Real = { operations: [], cancelled: new Set() };
  const take = (some: Command[]): Promise<void> => fc.asyncModelRun(() => ({ model, real }), some);
  await take(steps.slice(0, count / 2));
  // What chance left out until here: the other half goes on from it.
  for (const [kind, way] of Object.entries(waysTo))
    await eventually(async () => {
      if (!model.worked.has(kind)) await take(way);
      return model.worked.has(kind);
    }, `a step that works: ${kind}`);
  await take(steps.slice(count / 2));
  expect([...model.worked.keys()].toSorted()).toEqual(Object.keys(waysTo).toSorted());
  expect(model.worked.get('push')).toBeGreaterThan(count / 8);
  expect(real.operations.length).toBeGreaterThan(count / 8);
  const cancelled: string[] = [];
  for (const operation of new Set(real.operations)) {
    const { state } = await stack.api.ended(operation, 120_000);
    expect(['succeeded', 'conflict', 'failed', 'cancelled']).toContain(state);
    if (state === 'cancelled') cancelled.push(operation);
  }
  for (const one of branches) {
    await eventually(
      async () => equal(await copyOf(one), filesOf(one)),
      `the copy of ${one} to be Git`,
      60_000,
    );
    const lost = [...(model.theirs.get(one) ?? [])].filter((commit) => !isOn(commit, one));
    expect(lost).toEqual([]);
  }
  // Whoever cancels while the manager is being killed may not hear that it worked.
  expect(cancelled).toEqual(expect.arrayContaining([...real.cancelled]));
  const messages = messagesOfAllCommits();
  expect(cancelled.filter((operation) => messages.includes(operation))).toEqual([]);
  await stack.assertSoundAtRest();
});

const byPath = ([one]: [string, string], [other]: [string, string]): number => (one < other ? -1 : 1);

const equal = (one: object, other: object): boolean => JSON.stringify(one) === JSON.stringify(other);

/** Also of those that a force-push has taken from their branch. */
function messagesOfAllCommits(): string {
  const objects = git(stack.repository, 'cat-file', '--batch-all-objects', '--batch-check');
  const commits = objects.split('\n').flatMap((line) => /^([0-9a-f]+) commit /.exec(line)?.[1] ?? []);
  return git(stack.repository, 'log', '--no-walk', '--format=%B', ...commits);
}

/** Path and blob id of every file of a branch that is tracked, in order. */
function filesOf(name: string): [string, string][] {
  if (tipOf(name) === undefined) return [];
  return git(stack.repository, 'ls-tree', '-r', `refs/heads/${name}`, 'pipelines/')
    .split('\n')
    .flatMap((line): [string, string][] => {
      const [, blob, file] = /^100644 blob ([0-9a-f]+)\t(.+)$/.exec(line) ?? [];
      return file === undefined || blob === undefined ? [] : [[file, blob]];
    })
    .toSorted(byPath);
}

async function copyOf(name: string): Promise<[string, string][]> {
  const { entities } = await stack.api.ok('GET', `accounts/demo/entities?branch=${name}&limit=1000`);
  return entities
    .map((one: Json): [string, string] => [one.git.path, blobIdOf(Buffer.from(one.yaml))])
    .toSorted(byPath);
}
