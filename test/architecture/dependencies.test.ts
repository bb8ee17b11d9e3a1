import { describe, expect, it } from 'vitest';
import { plain, readText, tableRows } from './pages.js';

type Versions = Record<string, string>;

const manifest = JSON.parse(readText('package.json')) as Record<string, Versions>;
const lock = JSON.parse(readText('package-lock.json')) as {
  packages: Record<string, { version: string; license?: string }>;
};
const GROUPS = ['dependencies', 'devDependencies', 'optionalDependencies', 'overrides'];

describe('the page of dependencies', () => {
  const listed = tableRows(readText('docs/dependencies.md')).map(({ section, cells }) => ({
    section,
    name: plain(cells[0]),
    licence: cells[1],
    why: cells[2],
  }));

  it.each(GROUPS)('has one line for each of %s, and no other', (group) => {
    const names = listed.filter(({ section }) => section.includes(`\`${group}\``)).map(({ name }) => name);
    expect(names.toSorted()).toEqual(Object.keys(manifest[group] ?? {}).toSorted());
  });

  it('has no line that belongs to none of them', () => {
    expect(listed.filter(({ section }) => !GROUPS.some((group) => section.includes(`\`${group}\``)))).toEqual(
      [],
    );
  });

  it('gives the licence each package declares, and a reason', () => {
    const declared = listed.map(({ name }) => lock.packages[`node_modules/${name}`]?.license);
    expect(listed.map(({ licence }) => licence)).toEqual(declared);
    expect(listed.filter(({ why }) => !why)).toEqual([]);
  });

  it('is about exact versions: package.json has no ranges', () => {
    const versions = GROUPS.flatMap((group) => Object.values(manifest[group] ?? {})).filter(
      // What another package asks for, and gets in our version.
      (version) => typeof version === 'string',
    );
    expect(versions.filter((version) => !/^\d+\.\d+\.\d+(-[a-z0-9.]+)?$/.test(version))).toEqual([]);
  });
});
