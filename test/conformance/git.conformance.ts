// The words of the Git port as a suite. Every implementation passes it against git's own http-backend, the in-process engine
// against every server of test/support/worlds, and every commit they make has the id that plain git commands give.
import { afterAll, beforeAll, describe } from 'vitest';
import type { MakeGit, Suite } from '../support/git-suite.js';
import { GitWorld, type World } from '../support/git-world.js';
import { gitHost } from '../support/worlds/git-http-backend.js';
import type { GitServer } from '../support/worlds/git-server.js';
import { describeChecking } from './git-checking.conformance.js';
import { describeCommitting } from './git-committing.conformance.js';
import { describeDeleting } from './git-deleting.conformance.js';
import { describeHistories } from './git-history.conformance.js';
import { describeReading } from './git-reading.conformance.js';
import { describeRefusing } from './git-refusing.conformance.js';
import { describeTreeBuilding } from './git-tree-building.conformance.js';

/** Declares the whole suite for one implementation, over HTTP unless told another world. `close` runs after the last test. */
export function describeGit(
  name: string,
  make: MakeGit,
  options: { server?: GitServer; open?: () => Promise<World>; close?: () => Promise<void> } = {},
): void {
  const { server = gitHost, open } = options;
  const title = open === undefined ? `${name} with ${server.name}` : name;
  describe(title, { concurrent: server.isSlow ?? false }, () => {
    let world: World | undefined;
    const suite: Suite = {
      get world() {
        if (world === undefined) throw new Error('The world opens when the tests run');
        return world;
      },
      server,
      open: make,
    };
    beforeAll(async () => {
      world = await (open?.() ?? GitWorld.open(server));
    });
    afterAll(async () => {
      await options.close?.();
      await world?.close();
    });
    describeReading(suite);
    describeHistories(suite);
    describeCommitting(suite);
    describeDeleting(suite);
    describeTreeBuilding(suite);
    describeRefusing(suite);
    describeChecking(suite);
  });
}
