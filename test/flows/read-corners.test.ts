// What is read from Git itself, and not from the copy: it is judged like the copy, found where it lay then, and a file.
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Api, eventually, type Json } from '../support/api.js';
import { git, gitOverNetwork, head, pushForeign } from '../support/repository.js';
import { Stack } from '../support/stack.js';

let stack: Stack;
let api: Api;
const tracking = 'accounts/demo/connectors/direct/tracking';
const at = (place: string): string => `corners/${place}.yaml`;

beforeAll(async () => {
  stack = await Stack.start('embedded', {
    delegates: 0,
    settings: { SALLYPORT_POLL_FAST_SECONDS: '3600' },
  });
  api = stack.api;
  await api.ok('PUT', tracking, { files: [{ pattern: 'corners/**/{id}.yaml', kind: 'pipeline' }] });
});
afterAll(() => stack.stop());

const entity = (id: string): string => `accounts/demo/entities/pipeline/${id}`;
const branchOff = (branch: string, commit: string): void => {
  git(stack.repository, 'branch', branch, commit);
};
const initial = (): string => git(stack.repository, 'rev-list', '--max-parents=0', 'main').trim();
/** By somebody else, and followed. */
async function push(changes: Record<string, string | null>): Promise<string> {
  const commit = await pushForeign(stack.foreignUrl, changes);
  await api.ok('POST', `${tracking}/poll`);
  await eventually(async () => {
    const [main]: Json[] = (await api.ok('GET', tracking)).followed;
    return main?.state === 'current' && main.synced === head(stack.repository);
  }, 'main to be current');
  return commit;
}
/** A symbolic link in the place of a file. */
async function pushLink(file: string, target: string): Promise<void> {
  const clone = path.join(stack.home, 'linking');
  git(stack.home, 'clone', '-q', stack.repository, clone);
  fs.rmSync(path.join(clone, file));
  fs.symlinkSync(target, path.join(clone, file));
  git(clone, 'add', '-A');
  git(clone, 'commit', '-qm', 'A link');
  await gitOverNetwork(clone, 'push', '-q', stack.foreignUrl, 'HEAD:refs/heads/main');
}

it('a document is judged on a branch without a copy as well', async () => {
  branchOff('bare/invalid', await push({ [at('unjudged')]: 'name: one\n' }));
  await pushForeign(stack.foreignUrl, { [at('unjudged')]: 'name: [\n' }, 'bare/invalid');
  const read = await api.ok('GET', `${entity('unjudged')}?branch=bare/invalid&freshness=verify`);
  expect([read.yaml, read.invalid?.code]).toEqual(['name: [\n', 'YAML_REFUSED']);
});

it('a document is found where it lay before it was moved, and where it lies on a branch without a copy', async () => {
  const before = await push({ [at('old/moved')]: 'name: one\n' });
  branchOff('bare/moved', before);
  await push({ [at('old/moved')]: null, [at('new/moved')]: 'name: two\n' });
  expect(await api.ok('GET', `${entity('moved')}/compare?from=${before}&to=main`)).toMatchObject({
    same: false,
    from: { path: at('old/moved'), yaml: 'name: one\n' },
    to: { path: at('new/moved'), yaml: 'name: two\n' },
  });
  const elsewhere = await api.ok('GET', `${entity('moved')}?branch=bare/moved&freshness=verify`);
  expect([elsewhere.git.path, elsewhere.yaml, elsewhere.invalid]).toEqual([
    at('old/moved'),
    'name: one\n',
    null,
  ]);
  const { from } = await api.ok('GET', `${entity('moved')}/compare?from=${initial()}&to=main`);
  expect([from.path, from.blobId, from.yaml]).toEqual([null, null, null]);
});

it('a document is not where a symbolic link leads', async () => {
  const first = await push({ [at('linked')]: 'name: one\n' });
  branchOff('bare/linked', first);
  await pushLink(at('linked'), 'name: linked');
  const read = await api.ok('GET', `${entity('linked')}?branch=main&freshness=reload`);
  expect([read.yaml, read.freshness.state]).toEqual(['name: one\n', 'held']);
  const { to } = await api.ok('GET', `${entity('linked')}/compare?from=${first}&to=main`);
  expect(to.yaml).toBeNull();
});
