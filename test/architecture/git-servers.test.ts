// The page of Git servers says what the suite declares of them, and the suite runs on each.
import { describe, expect, it } from 'vitest';
import { isTruthful } from '../../src/git/capabilities.js';
import type { HostFeatures } from '../../src/git/git.js';
import { describeCosts } from '../../src/git/host-costs.js';
import { abilities, type GitServer } from '../support/worlds/git-server.js';
import { gitServers } from '../support/worlds/git-servers.js';
import { listFiles, plain, readText, tableRows } from './pages.js';

const page = readText('docs/reference/git-servers.md');
const rows = tableRows(page);
const servers = Object.values(gitServers);

const yesOrNo = (holds: boolean): string => (holds ? 'yes' : 'no');
/** As a server with a version calls itself. */
const named = (features: GitServer['features']): HostFeatures => ({
  ...features,
  objectFormat: 'sha1',
  push: null,
  agent: features.agent === null ? null : `${features.agent}/1`,
});

describe('the page of Git servers', () => {
  it('lists those of the suite, with what they can do and which cases they are spared', () => {
    const listed = rows.filter(({ columns }) => columns[0] === 'server').map(({ cells }) => cells);
    expect(listed).toEqual(
      servers.map(({ name, triedWith, features, lacks }) => [
        name,
        triedWith,
        String(features.protocol),
        yesOrNo(features.filter),
        yesOrNo(features.shallow),
        features.wants,
        yesOrNo(isTruthful(named(features))),
        lacks.map((ability) => `\`${ability}\``).join(', ') || '–',
      ]),
    );
  });

  it('says what it costs that a server lacks something', () => {
    const least = { agent: null, protocol: 0, filter: false, shallow: false, wants: 'commits' } as const;
    const push = {
      reportStatus: false,
      reportStatusV2: false,
      thinPacks: false,
      sideBand: false,
      atomic: false,
      pushOptions: false,
      agent: false,
    };
    const listed = rows.filter(({ columns }) => columns[0] === 'a connector check says');
    expect(listed.map(({ cells }) => cells[0])).toEqual(
      describeCosts({ ...least, objectFormat: 'sha1', push }),
    );
  });

  it('says what the abilities are that some lack', () => {
    const listed = rows
      .filter(({ columns }) => columns[0] === 'ability')
      .map(({ cells: [ability, meaning] }) => [plain(ability), meaning]);
    expect(Object.fromEntries(listed)).toEqual(abilities);
  });

  it('has no server the suite does not run on', () => {
    const files = listFiles('test/conformance').filter((file) => file.endsWith('.test.ts'));
    const run = new Set(
      files.flatMap((file) => [...readText(file).matchAll(/\bserver: (\w+)/g)].map(([, server]) => server)),
    );
    expect(Object.keys(gitServers).filter((server) => server !== 'gitHost' && !run.has(server))).toEqual([]);
  });
});
