// What a move means for each entity, and what stands in its way.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Connector } from '../../../src/connectors/connectors.repository.js';
import { blobIdOf } from '../../../src/git/blob-id.js';
import {
  arrivalChanges,
  type GitDestination,
  inlineChanges,
  judgeDocuments,
  judgeTargets,
  type Known,
  nameOf,
  type Planned,
  placeName,
  planEntities,
  type Source,
  type Wish,
} from '../../../src/moves/move-plan.js';
import { makeOrigin, repository } from '../support/moves.js';

const scope = 'accounts/acme';
const kind = 'pipeline';
const document = Buffer.from('a: 1\n');
const blobId = blobIdOf(document);
const connector = { scope, id: 'direct', url: repository } as Connector;
const nothing = { owners: new Map<string, string>(), pending: new Map<string, string>() };

const source = (id: string, more: Partial<Source> = {}): Source => ({
  ...makeOrigin({ path: `${id}.yaml`, blobId }),
  kind,
  id,
  invalid: false,
  ...more,
});

const knowing = (sources: Source[], more: Partial<Known> = {}): Known => ({
  copies: Map.groupBy(sources, nameOf),
  inline: new Set(),
  pending: new Map(),
  moving: new Map(),
  templates: new Map([[kind, 'to/{id}.yaml']]),
  repositories: new Map([[placeName({ scope, id: 'direct' }), repository]]),
  ...more,
});

const toGit = (more: Partial<GitDestination> = {}): GitDestination => ({
  store: 'git',
  connector,
  branch: 'main',
  newBranchFrom: undefined,
  path: undefined,
  pathTemplate: undefined,
  ...more,
});

const wishOf = (to: Wish['to'], more: Partial<Wish> = {}): Wish => ({
  scope,
  to,
  branch: undefined,
  keepFiles: false,
  otherBranches: 'refuse',
  ...more,
});

const names = (...ids: string[]) => ids.map((id) => ({ kind, id }));
const brief = (planned: Planned[]) =>
  planned.map(({ outcome, path, failure }) => [outcome, path, failure?.code]);
const one = (wish: Wish, known: Known) => brief(planEntities(names('a'), wish, known))[0];

describe('an entity that is to be moved', () => {
  const side = source('a', { branch: 'side', path: 'side.yaml' });
  const table: [string, Wish, Known, unknown[]][] = [
    [
      'goes where its kind puts it',
      wishOf(toGit()),
      knowing([source('a')]),
      ['move', 'to/a.yaml', undefined],
    ],
    [
      'goes where the request’s template puts it',
      wishOf(toGit({ pathTemplate: 'x/{kind}-{id}.yaml' })),
      knowing([source('a')]),
      ['move', 'x/pipeline-a.yaml', undefined],
    ],
    [
      'goes to the path that is named',
      wishOf(toGit({ path: 'b.yaml' })),
      knowing([source('a')]),
      ['move', 'b.yaml', undefined],
    ],
    [
      'is there already',
      wishOf(toGit({ path: 'a.yaml' })),
      knowing([source('a')]),
      ['same', 'a.yaml', undefined],
    ],
    [
      'is there by another connector, which is a move',
      wishOf(toGit({ path: 'a.yaml', connector: { ...connector, id: 'delegated' } })),
      knowing([source('a')]),
      ['move', 'a.yaml', undefined],
    ],
    ['does not exist', wishOf(toGit()), knowing([]), ['blocked', null, 'NOT_FOUND']],
    [
      'is not on the branch that is named',
      wishOf(toGit(), { branch: 'side' }),
      knowing([source('a')]),
      ['blocked', null, 'NOT_FOUND'],
    ],
    [
      'is moved already',
      wishOf(toGit()),
      knowing([source('a')], { moving: new Map([[nameOf({ kind, id: 'a' }), 'move-1']]) }),
      ['blocked', null, 'ENTITY_MOVING'],
    ],
    [
      'has a save that is not finished',
      wishOf(toGit()),
      knowing([source('a')], { pending: new Map([[nameOf({ kind, id: 'a' }), 'o']]) }),
      ['blocked', null, 'MOVE_BLOCKED'],
    ],
    [
      'is invalid in Git',
      wishOf(toGit()),
      knowing([source('a', { invalid: true })]),
      ['blocked', null, 'MOVE_BLOCKED'],
    ],
    [
      'has a connector that points elsewhere',
      wishOf(toGit()),
      knowing([source('a', { repository: 'https://git.example.com/gone.git' })]),
      ['blocked', null, 'MOVE_BLOCKED'],
    ],
    [
      'is on the target branch by another file',
      wishOf(toGit({ branch: 'side' })),
      knowing([source('a'), side]),
      ['blocked', null, 'ENTITY_ELSEWHERE'],
    ],
    [
      'would be on a new branch by the file of the one that this is made from',
      wishOf(toGit({ branch: 'new', newBranchFrom: 'main' }), { branch: 'side' }),
      knowing([source('a'), side]),
      ['blocked', null, 'ENTITY_ELSEWHERE'],
    ],
    [
      'takes the place of that file',
      wishOf(toGit({ branch: 'new', newBranchFrom: 'main', path: 'a.yaml' }), { branch: 'side' }),
      knowing([source('a'), side]),
      ['move', 'a.yaml', undefined],
    ],
    [
      'is moved from the branch that is named',
      wishOf(toGit({ branch: 'side' }), { branch: 'side' }),
      knowing([source('a'), side]),
      ['move', 'to/a.yaml', undefined],
    ],
    [
      'would get a path that no file may have',
      wishOf(toGit({ pathTemplate: '{org}.git/{id}.yaml' })),
      knowing([source('a')]),
      ['blocked', null, 'INPUT_REFUSED'],
    ],
    [
      'is of a kind that is gone',
      wishOf(toGit()),
      knowing([source('a')], { templates: new Map() }),
      ['blocked', null, 'NOT_FOUND'],
    ],
    ['becomes inline', wishOf({ store: 'inline' }), knowing([source('a')]), ['move', null, undefined]],
    [
      'is inline already',
      wishOf({ store: 'inline' }),
      knowing([], { inline: new Set([nameOf({ kind, id: 'a' })]) }),
      ['same', null, undefined],
    ],
    [
      'comes from inline',
      wishOf(toGit()),
      knowing([], { inline: new Set([nameOf({ kind, id: 'a' })]) }),
      ['move', 'to/a.yaml', undefined],
    ],
    [
      'cannot become inline while it is on other branches',
      wishOf({ store: 'inline' }),
      knowing([source('a'), side]),
      ['blocked', null, 'MOVE_BLOCKED'],
    ],
    [
      'can, where these are to be forgotten',
      wishOf({ store: 'inline' }, { otherBranches: 'forget' }),
      knowing([source('a'), side]),
      ['move', null, undefined],
    ],
  ];
  it.each(table)('%s', (_, wish, known, expected) => expect(one(wish, known)).toEqual(expected));

  it('says why it is blocked, with what is in the way', () => {
    const [blocked] = planEntities(names('a'), wishOf({ store: 'inline' }), knowing([source('a'), side]));
    expect(blocked?.failure?.message).toContain('side');
    expect(blocked?.origin).toMatchObject({ branch: 'main', path: 'a.yaml' });
  });
});

describe('what stands at the target', () => {
  const plan = (wish: Wish, ids: string[], ahead = nothing) =>
    brief(judgeTargets(planEntities(names(...ids), wish, knowing(ids.map((id) => source(id)))), wish, ahead));
  const key = (id: string) => `${scope}: ${kind} ${id}`;

  it('is another entity', () => {
    const ahead = { ...nothing, owners: new Map([['to/a.yaml', key('other')]]) };
    expect(plan(wishOf(toGit()), ['a', 'b'], ahead)).toEqual([
      ['blocked', 'to/a.yaml', 'ENTITY_PLACE_TAKEN'],
      ['move', 'to/b.yaml', undefined],
    ]);
  });

  it('is one that is about to leave it: that counts, too', () => {
    const ahead = { ...nothing, owners: new Map([['b.yaml', key('b')]]) };
    expect(plan(wishOf(toGit({ path: 'b.yaml' })), ['a'], ahead)[0]?.[2]).toBe('ENTITY_PLACE_TAKEN');
  });

  it('is the entity itself', () => {
    const ahead = { ...nothing, owners: new Map([['to/a.yaml', key('a')]]) };
    expect(plan(wishOf(toGit()), ['a'], ahead)[0]?.[0]).toBe('move');
  });

  it('is an operation that is not finished', () => {
    const ahead = { ...nothing, pending: new Map([['to/a.yaml', 'o']]) };
    expect(plan(wishOf(toGit()), ['a'], ahead)[0]?.[2]).toBe('MOVE_BLOCKED');
  });

  it('would be two of them: none is moved', () => {
    const wish = wishOf(toGit({ path: 'x.yaml' }));
    expect(plan(wish, ['a', 'b']).map(([outcome, , code]) => [outcome, code])).toEqual([
      ['blocked', 'ENTITY_PLACE_TAKEN'],
      ['blocked', 'ENTITY_PLACE_TAKEN'],
    ]);
  });

  it('does not tell of what another account has there', () => {
    const ahead = { ...nothing, owners: new Map([['to/a.yaml', 'accounts/other: pipeline secret']]) };
    const wish = wishOf(toGit());
    const [judged] = judgeTargets(planEntities(names('a'), wish, knowing([source('a')])), wish, ahead);
    expect(judged?.failure?.message).not.toContain('secret');
  });
});

it('a copy that does not hold what it says is not moved', () => {
  const planned = planEntities(names('a', 'b'), wishOf(toGit()), knowing([source('a'), source('b')]));
  const documents = new Map([
    [nameOf({ kind, id: 'a' }), document],
    [nameOf({ kind, id: 'b' }), Buffer.from('other\n')],
  ]);
  expect(brief(judgeDocuments(planned, documents)).map(([outcome]) => outcome)).toEqual(['move', 'blocked']);
});

describe('the files of a commit', () => {
  const documents = new Map([[nameOf({ kind, id: 'a' }), document]]);
  const filesOf = (wish: Wish, from: Partial<Source> = {}) =>
    arrivalChanges(planEntities(names('a'), wish, knowing([source('a', from)])), documents, wish).map(
      ({ path, meaning, expected }) => [path, meaning, expected],
    );
  const arrival = ['to/a.yaml', 'arrive', 'any'];
  const leaving = ['a.yaml', 'leave', blobId];

  it('are the old one and the new one within a branch, or one that is made from it', () => {
    expect(filesOf(wishOf(toGit()))).toEqual([leaving, arrival]);
    expect(filesOf(wishOf(toGit({ branch: 'new', newBranchFrom: 'main' })))).toEqual([leaving, arrival]);
  });

  it('are the new one alone from elsewhere, at the same path, or where files are kept', () => {
    expect(filesOf(wishOf(toGit({ branch: 'other' })))).toEqual([arrival]);
    expect(filesOf(wishOf(toGit(), { keepFiles: true }))).toEqual([arrival]);
    const far = { ...connector, url: 'https://git.example.com/b.git' };
    expect(filesOf(wishOf(toGit({ connector: far })))).toEqual([arrival]);
    expect(filesOf(wishOf(toGit({ path: 'a.yaml', connector: { ...connector, id: 'x' } })))).toEqual([
      ['a.yaml', 'arrive', 'any'],
    ]);
  });

  it('are one commit for each connector and branch where entities become inline', () => {
    const sources = [
      source('a'),
      source('b', { branch: 'side' }),
      source('c'),
      source('d', { connector: 'other' }),
    ];
    const repositories = new Map(['direct', 'other'].map((id) => [placeName({ scope, id }), repository]));
    const known = knowing(sources, { repositories });
    const planned = planEntities(names('a', 'b', 'c', 'd'), wishOf({ store: 'inline' }), known);
    const commits = inlineChanges(planned, documents);
    expect(commits.map((changes) => changes.map(({ id, path, expected }) => [id, path, expected]))).toEqual([
      [
        ['a', 'a.yaml', blobId],
        ['c', 'c.yaml', blobId],
      ],
      [['b', 'b.yaml', blobId]],
      [['d', 'd.yaml', blobId]],
    ]);
  });

  it('never name a path twice, and hold each entity that is moved once', () => {
    const id = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const entity = fc.record({
      id,
      path: fc.constantFrom('a', 'b', 'to/a', 'to/b', 'x'),
      branch: fc.constantFrom('main', 'side'),
    });
    const some = fc.uniqueArray(entity, { selector: (given) => given.id, minLength: 1 });
    const template = fc.constantFrom(undefined, 'x.yaml', '{id}.yaml', 'to/{id}.yaml');
    fc.assert(
      fc.property(some, template, fc.boolean(), (given, pathTemplate, keepFiles) => {
        // A branch has one file at a path.
        const placed = given.filter(
          (first, n) =>
            given.findIndex(({ path, branch }) => path === first.path && branch === first.branch) === n,
        );
        const sources = placed.map(({ id: name, path, branch }) =>
          source(name, { path: `${path}.yaml`, branch }),
        );
        const wish = wishOf(toGit({ pathTemplate }), { keepFiles });
        const owners = new Map(
          sources
            .filter(({ branch }) => branch === 'main')
            .map((at) => [at.path, `${scope}: ${kind} ${at.id}`]),
        );
        const planned = judgeTargets(
          planEntities(
            sources.map(({ id: name }) => ({ kind, id: name })),
            wish,
            knowing(sources),
          ),
          wish,
          { ...nothing, owners },
        );
        const moving = planned.filter(({ outcome }) => outcome === 'move');
        const changes = arrivalChanges(moving, new Map(), wish);
        expect(new Set(changes.map(({ path }) => path)).size).toBe(changes.length);
        const arriving = changes.filter(({ meaning }) => meaning === 'arrive').map(({ id: name }) => name);
        expect(arriving.toSorted()).toEqual(moving.map(({ id: name }) => name).toSorted());
      }),
    );
  });
});
