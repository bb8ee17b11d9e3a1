import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PathNames, PathTemplate, renderPath } from '../../../src/policy/paths.js';
import { failureOf, problemsOf } from '../support/refusals.js';

const project: PathNames = { account: 'acme', org: 'shop', project: 'web', kind: 'pipeline', id: 'build' };
const organisation: PathNames = { account: 'acme', org: 'shop', kind: 'pipeline', id: 'build' };
const account: PathNames = { account: 'acme', kind: 'pipeline', id: 'build' };

describe('a path template', () => {
  it.each([
    '{id}.yaml',
    '{org}/{project}/pipelines/{id}.yaml',
    '.sallyport/{account}/{kind}-{id}.yml',
    '{id}/{id}.yaml',
    'größe/{id}.yaml',
  ])('may be %s', (template) => {
    expect(PathTemplate.parse(template)).toBe(template);
  });

  it.each([
    ['', 'does not hold {id}'],
    ['a.yaml', 'does not hold {id}'],
    ['{kind}.yaml', 'does not hold {id}'],
    ['{ID}.yaml', 'does not hold {id}'],
    ['{ id }.yaml', 'does not hold {id}'],
    ['{name}/{id}.yaml', 'holds {name}, which is none of {account} {org} {project} {kind} {id}'],
    [
      '{constructor}/{id}.yaml',
      'holds {constructor}, which is none of {account} {org} {project} {kind} {id}',
    ],
    ['{id}{.yaml', 'holds a brace that is no placeholder'],
    ['{{id}}.yaml', 'holds a brace that is no placeholder'],
    ['${id}/{Org}.yaml', 'holds a brace that is no placeholder'],
    ['{id}', 'does not end in .yaml or .yml'],
    ['{id}.json', 'does not end in .yaml or .yml'],
    ['/{id}.yaml', 'begins or ends with /, or holds //'],
    ['a//{id}.yaml', 'begins or ends with /, or holds //'],
    ['../{id}.yaml', 'has a component . or ..'],
    ['.git/{id}.yaml', 'has a component that a file system could take for .git'],
    ['a\\{id}.yaml', 'holds a backslash'],
    ['c:/{id}.yaml', 'has a component with a colon, which Windows takes for a stream'],
    ['con/{id}.yaml', 'has a component that Windows takes for a device'],
    ['\ud800{id}.yaml', 'holds half a surrogate pair'],
  ])('may not be %j: it %s', (template, problem) => {
    expect(problemsOf(PathTemplate, template)).toEqual([problem]);
  });

  it('may have 1,024 characters and no more', () => {
    const fill = (length: number) => `${'x/'.repeat(600)}`.slice(0, length - 9).replace(/\/$/, 'x');
    expect(problemsOf(PathTemplate, `${fill(1_024)}{id}.yaml`)).toEqual([]);
    expect(problemsOf(PathTemplate, `${fill(1_025)}{id}.yaml`)).toContain('is longer than 1024 characters');
  });
});

describe('the path of an entity', () => {
  it.each([
    ['{org}/{project}/pipelines/{id}.yaml', project, 'shop/web/pipelines/build.yaml'],
    ['{org}/{project}/pipelines/{id}.yaml', organisation, 'shop/pipelines/build.yaml'],
    ['{org}/{project}/pipelines/{id}.yaml', account, 'pipelines/build.yaml'],
    ['{account}/{kind}/{id}.yaml', account, 'acme/pipeline/build.yaml'],
    ['{org}-{project}/{id}.yaml', organisation, 'shop-/build.yaml'],
    ['{id}/{id}.yaml', account, 'build/build.yaml'],
    ['$1/$&/{id}.yaml', account, '$1/$&/build.yaml'],
  ])('by %s', (template, names, path) => {
    expect(renderPath(template, names)).toBe(path);
  });

  it.each(['__proto__', 'constructor', 'toString', '$&', "$'", '$1', '$$'])(
    'takes the name %s as it is',
    (id) => {
      expect(renderPath('{kind}/{id}.yaml', { ...account, kind: id, id })).toBe(`${id}/${id}.yaml`);
    },
  );

  it.each([
    ['{id}.yaml', { ...account, id: 'con' }, 'Windows takes for a device'],
    ['{kind}/{id}.yaml', { ...account, kind: 'aux' }, 'Windows takes for a device'],
    ['.{kind}/{id}.yaml', { ...account, kind: 'git' }, 'could take for .git'],
    ['.{org}git/{id}.yaml', account, 'could take for .git'],
    ['{kind}{org}/{id}.yaml', { ...account, kind: 'nul' }, 'Windows takes for a device'],
    [`${'{id}'.repeat(3)}.yaml`, { ...account, id: 'a'.repeat(128) }, 'component of more than 255 bytes'],
  ])('is refused where the names make a bad one: %s', (template, names, rule) => {
    const failure = failureOf(() => renderPath(template, names));
    expect(failure).toMatchObject({ code: 'INPUT_REFUSED', data: { field: 'git.path' } });
    expect(failure.message).toContain(rule);
    expect(failure.message).toMatch(/^git\.path: the kind's template makes "/);
  });

  it('is another one for another id', () => {
    const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_-]{0,20}$/);
    fc.assert(
      fc.property(name, name, (one, other) => {
        fc.pre(![one, other].some((id) => /^(con|prn|aux|nul|com\d|lpt\d)$/i.test(id)));
        const render = (id: string) => renderPath('{org}/{id}.yaml', { ...account, id });
        expect(render(one) === render(other)).toBe(one === other);
      }),
    );
  });
});
