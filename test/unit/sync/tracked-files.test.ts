import { describe, expect, it } from 'vitest';
import { TrackedFiles } from '../../../src/sync/tracked-files.js';

const kinds = [
  { id: 'pipeline', pathTemplate: '{org}/{project}/pipelines/{id}.yaml' },
  { id: 'template', pathTemplate: 'all/{kind}s/{account}/{id}.yml' },
];
const account = 'accounts/acme';
const org = `${account}/orgs/o`;
const project = `${org}/projects/p`;
const named = (scope: string, kind: string, id: string) => ({ named: { scope, kind, id } });

describe('without patterns, files are where the kinds put them', () => {
  it.each<[string, string, object | undefined]>([
    [account, 'o/p/pipelines/x.yaml', named(project, 'pipeline', 'x')],
    [account, 'o/pipelines/x.yaml', named(org, 'pipeline', 'x')],
    [account, 'pipelines/x.yaml', named(account, 'pipeline', 'x')],
    [account, 'all/templates/acme/x.yml', named(account, 'template', 'x')],
    [account, 'all/templates/other/x.yml', undefined],
    [account, 'README.md', undefined],
    [org, 'o/p/pipelines/x.yaml', named(project, 'pipeline', 'x')],
    [org, 'o/pipelines/x.yaml', named(org, 'pipeline', 'x')],
    [org, 'other/pipelines/x.yaml', undefined],
    [org, 'pipelines/x.yaml', undefined],
    [project, 'o/p/pipelines/x.yaml', named(project, 'pipeline', 'x')],
    [project, 'o/q/pipelines/x.yaml', undefined],
    [project, 'o/pipelines/x.yaml', undefined],
  ])('%s: %s', (scope, path, meaning) => {
    expect(new TrackedFiles(scope, [], kinds).meaningOf(path)).toEqual(meaning);
  });
});

it.each<[string, string, object | undefined]>([
  ['{kind}/{id}/{id}.yaml', 'pipeline/x/x.yaml', named(account, 'pipeline', 'x')],
  ['{kind}/{id}/{id}.yaml', 'pipeline/x/y.yaml', undefined],
  ['{kind}-{id}-{id}.yaml', 'pipeline-x-x.yaml', named(account, 'pipeline', 'x')],
  ['a*/{id}.yaml', 'ab/x.yaml', undefined],
])('the template %s and %s', (pathTemplate, path, meaning) => {
  expect(new TrackedFiles(account, [], [{ id: 'pipeline', pathTemplate }]).meaningOf(path)).toEqual(meaning);
});

it('a $ in a name is one', () => {
  const files = new TrackedFiles('accounts/a$$b', [], [{ id: 'k', pathTemplate: '{account}/{id}.yaml' }]);
  expect(files.meaningOf('a$$b/x.yaml')).toEqual(named('accounts/a$$b', 'k', 'x'));
});

describe('with patterns', () => {
  const files = (scope: string, ...patterns: string[]) =>
    new TrackedFiles(
      scope,
      patterns.map((pattern, at) => ({ pattern, kind: `kind${at}` })),
      kinds,
    );

  it('the first that fits decides, and the places of the kinds count no more', () => {
    const two = files(account, 'a/{id}.yaml', '**/{id}.yaml');
    expect(two.meaningOf('a/x.yaml')).toEqual(named(account, 'kind0', 'x'));
    expect(two.meaningOf('b/x.yaml')).toEqual(named(account, 'kind1', 'x'));
    expect(files(account, 'a/{id}.yaml').meaningOf('pipelines/x.yaml')).toBeUndefined();
  });

  it('names of scopes that the connector does not serve mean nothing', () => {
    expect(files(project, '{org}/{project}/{id}.yaml').meaningOf('o/p/x.yaml')).toEqual(
      named(project, 'kind0', 'x'),
    );
    expect(files(project, '{org}/{project}/{id}.yaml').meaningOf('o/q/x.yaml')).toBeUndefined();
    expect(files(account, '{project}/{id}.yaml').meaningOf('p/x.yaml')).toBeUndefined();
    expect(files(org, '{project}/{id}.yaml').meaningOf('p/x.yaml')).toEqual(named(project, 'kind0', 'x'));
  });

  it.each(['a/no name.yaml', 'a/1st.yaml', `a/${'x'.repeat(129)}.yaml`, 'a/ü.yaml', 'a/x\u0007.yaml'])(
    '%j fits and is no entity',
    (path) => {
      expect(files(account, 'a/{id}.yaml').meaningOf(path)).toEqual({
        kind: 'kind0',
        problem: expect.stringContaining('no identifier'),
      });
    },
  );

  it('a path that the input policy refuses is no entity', () => {
    expect(files(account, '**/{id}.yaml').meaningOf('con/x.yaml')).toEqual({
      kind: 'kind0',
      problem: expect.stringContaining('Windows'),
    });
  });

  it('constructor is as good a name as any', () => {
    expect(files(account, 'a/{id}.yaml').meaningOf('a/constructor.yaml')).toEqual(
      named(account, 'kind0', 'constructor'),
    );
  });
});
