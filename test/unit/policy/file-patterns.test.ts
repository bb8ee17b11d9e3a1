import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BranchPattern,
  compilePattern,
  FilePattern,
  patternProblem,
} from '../../../src/policy/file-patterns.js';

describe('a pattern of files', () => {
  it.each<[string, string, object | undefined]>([
    ['pipelines/{id}.yaml', 'pipelines/build.yaml', { id: 'build' }],
    ['pipelines/{id}.yaml', 'pipelines/a/build.yaml', undefined],
    ['pipelines/{id}.yaml', 'pipelines2/build.yaml', undefined],
    ['app/**/{id}.yaml', 'app/x.yaml', { id: 'x' }],
    ['app/**/{id}.yaml', 'app/a/b/x.yaml', { id: 'x' }],
    ['app/**/{id}.yaml', 'app2/x.yaml', undefined],
    ['app/**/{id}.yaml', 'apps/app/x.yaml', undefined],
    ['**/{id}.yaml', 'x.yaml', { id: 'x' }],
    ['{org}/{project}/**/{id}.yml', 'o/p/deep/er/x.yml', { org: 'o', project: 'p', id: 'x' }],
    ['*/team-*/{id}.yaml', 'a/team-b/x.yaml', { id: 'x' }],
    ['*/team-*/{id}.yaml', 'a/teams/x.yaml', undefined],
    ['{id}.pipeline.yaml', 'x.pipeline.yaml', { id: 'x' }],
    ['{id}.pipeline.yaml', 'xZpipeline.yaml', undefined],
    ['a.b/{id}.yaml', 'aXb/x.yaml', undefined],
    ['a+(b)/{id}.yaml', 'a+(b)/x.yaml', { id: 'x' }],
    ['pipelines/{id}.yaml', 'pipelines/.yaml', undefined],
    ['pipelines/{id}.yaml', 'pipelines/two\nlines.yaml', { id: 'two\nlines' }],
    ['pipelines/{id}.yaml', 'PIPELINES/build.yaml', undefined],
  ])('%s and %j', (pattern, path, found) => {
    const match = compilePattern(pattern)(path);
    expect(match === undefined ? undefined : { ...match }).toEqual(found);
  });

  it.each([
    ['', 'does not have 1 to'],
    [`${'a'.repeat(1_024)}/{id}.yaml`, 'does not have 1 to'],
    ['/{id}.yaml', 'begins or ends with /'],
    ['a//{id}.yaml', 'begins or ends with /'],
    ['a/../{id}.yaml', '. or ..'],
    ['a\\{id}.yaml', 'backslash'],
    ['a**/{id}.yaml', '** beside something else'],
    ['a/**b/{id}.yaml', '** beside something else'],
    ['**/a/**/b/**/{id}.yaml', 'more than twice'],
    ['*a*b*c*/{id}.yaml', 'more than 3'],
    ['{id}/{id}.yaml', 'a placeholder twice'],
    ['{name}/{id}.yaml', '{name}'],
    ['{/{id}.yaml', 'a brace'],
    ['pipelines/x.yaml', 'does not hold {id}'],
    ['pipelines/{id}.json', 'does not end in'],
  ])('%j is refused: %s', (pattern, why) => {
    const result = FilePattern.safeParse(pattern);
    expect(result.error?.issues[0]?.message).toContain(why);
  });

  it('takes no path of more than 64 directories, so that none takes long', () => {
    const match = compilePattern('**/a/**/{id}.yaml');
    expect(match(`${'a/'.repeat(60)}x.yaml`)).toBeDefined();
    expect(match(`${'a/'.repeat(64)}x.yaml`)).toBeUndefined();
  });

  it('is compared with any name in no time, and with none that no file system takes', () => {
    const match = compilePattern('*-{id}-*.yaml');
    const before = performance.now();
    for (let i = 0; i < 20; i++) expect(match(`${'-'.repeat(250)}.yml`)).toBeUndefined();
    expect(match(`${'-'.repeat(100_000)}.yml`)).toBeUndefined();
    expect(performance.now() - before).toBeLessThan(1_000);
    expect(match(`a-${'x'.repeat(240)}-b.yaml`)).toEqual({ id: 'x'.repeat(240) });
    expect(match(`a-${'x'.repeat(250)}-b.yaml`)).toBeUndefined();
  });

  it('that is a template means every * by itself, and one name where it stands twice', () => {
    const template = (pattern: string) => compilePattern(pattern, { isTemplate: true });
    expect(template('a*/{id}.yaml')('a*/x.yaml')).toEqual({ id: 'x' });
    expect(template('a*/{id}.yaml')('ab/x.yaml')).toBeUndefined();
    expect(template('**/{id}.yaml')('a/x.yaml')).toBeUndefined();
    expect(template('{id}/{id}.yaml')('x/x.yaml')).toEqual({ id: 'x' });
    expect(template('{id}/{id}.yaml')('x/y.yaml')).toBeUndefined();
    expect(template('{id}-{id}.yaml')('a-b-a-b.yaml')).toEqual({ id: 'a-b' });
    expect(template('{id}-{id}.yaml')('a-b-a.yaml')).toBeUndefined();
  });

  it('reads back the names that a path was made of', () => {
    const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_$-]{0,20}$/);
    fc.assert(
      fc.property(name, name, name, (org, project, id) => {
        const found = compilePattern('{org}/x/{project}/**/{id}.yaml')(`${org}/x/${project}/q/${id}.yaml`);
        expect({ ...found }).toEqual({ org, project, id });
      }),
    );
  });

  it('of any text is refused or can be compared with any path', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (pattern, path) => {
        const problem = patternProblem(pattern);
        expect(() => problem === undefined && compilePattern(pattern)(path)).not.toThrow();
      }),
    );
  });
});

describe('a pattern of branches', () => {
  it.each<[string, string, boolean]>([
    ['main', 'main', true],
    ['main', 'main2', false],
    ['release/*', 'release/1', true],
    ['release/*', 'release/1/fix', false],
    ['release/*', 'release', false],
    ['release/**', 'release/1/fix', true],
    ['**', 'any/branch', true],
    ['v*', 'v1', true],
  ])('%s and %s: %s', (pattern, branch, fits) => {
    expect(compilePattern(pattern)(branch) !== undefined).toBe(fits);
  });

  it('holds no placeholder', () => {
    expect(BranchPattern.safeParse('{id}').success).toBe(false);
    expect(BranchPattern.safeParse('feature/*').success).toBe(true);
  });
});
