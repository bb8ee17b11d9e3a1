// What the parts of the Git suite share.
import { expect, type TestAPI, test } from 'vitest';
import type { Chain, ChainResult, Change, Git, Step } from '../../src/git/git.js';
import type { TestRemote, TestRepository, World } from './git-world.js';
import type { Ability, GitServer } from './worlds/git-server.js';

/** Makes an engine for this remote. Called for every test, often several times for one repository. */
export type MakeGit = (remote: TestRemote) => Git | Promise<Git>;

/** What the parts of the suite work with. The world is there once the tests run. */
export interface Suite {
  readonly world: World;
  readonly server: GitServer;
  open: MakeGit;
}

/** `test` for cases that need abilities of the server: skipped, and listed as such, where it declares that it lacks one. */
export function testWith(suite: Suite, ...abilities: Ability[]): TestAPI | TestAPI['skip'] {
  return abilities.some((ability) => suite.server.lacks.includes(ability)) ? test.skip : test;
}

/** A step with these changes. */
export function makeStep(changes: Change[], more: Partial<Step> = {}): Step {
  return {
    message: 'Save pipeline\n\nSallyport-Operation: 1\n',
    author: { name: 'Ada Lovelace', email: 'ada@sallyport.invalid' },
    committer: { name: 'Sallyport', email: 'sallyport@sallyport.invalid' },
    timestamp: 1_700_000_000,
    changes,
    ...more,
  };
}

/** A change that writes this text, or with `null` deletes; the third part is its expectation. */
export function change(path: string, content: string | Uint8Array | null, expected?: string | null): Change {
  const bytes = content === null ? null : Buffer.from(content);
  return expected === undefined ? { path, content: bytes } : { path, content: bytes, expect: expected };
}

/** A chain on the head of `main`. */
export function chainOn(repository: TestRepository, steps: Step[], more: Partial<Chain> = {}): Chain {
  return { branch: 'main', base: repository.reference.head('main'), create: false, steps, ...more };
}

/**
 * Expects the result to be this chain on its branch: every commit with the id plain git gives, sound objects and a
 * history without merges.
 */
export function expectLanded({ reference }: TestRepository, chain: Chain, result: ChainResult): void {
  expect(result.status).toBe('landed');
  if (result.status !== 'landed') return;
  // First what was pushed, then what git makes of it: the reference writes the very objects that could be missing.
  reference.verify();
  const history = reference.history(chain.branch);
  let at = chain.base;
  const expected = chain.steps.map((step) => {
    const commit = reference.applyStep(at, step);
    const written = step.changes.flatMap(({ content }) => (content === null ? [] : [content]));
    const ids = reference.blobs(written).values();
    const blobs = step.changes.map(({ content }) => (content === null ? null : ids.next().value));
    const landed = { commit, unchanged: commit === at, blobs };
    at = commit;
    return landed;
  });
  expect(result.steps).toEqual(expected);
  expect(history.filter((commit) => expected.some((step) => step.commit === commit))).not.toEqual([]);
  expect(history).toContain(at);
  expect(result.head).toBe(reference.head(chain.branch));
}
