// Part of the Git suite: what stands beside a written file keeps its name, mode and order.
import { describe, expect, test } from 'vitest';
import { chainOn, change, expectLanded, makeStep, type Suite } from '../support/git-suite.js';

export function describeTreeBuilding(suite: Suite): void {
  describe('trees', () => {
    test('keep executables, links and submodules beside a change', async () => {
      const repository = suite.world.create({ files: { 'd/a.yaml': 'a\n' } });
      repository.reference.push('main', {
        'd/run.sh': { mode: '100755', content: 'true\n' },
        'd/link': { mode: '120000', content: 'a.yaml' },
        'd/module': { mode: '160000', content: '0123456789'.repeat(4) },
        'tool.sh': { mode: '100755', content: 'true\n' },
      });
      const before = repository.reference.files(repository.reference.head('main') ?? '');
      const chain = chainOn(repository, [makeStep([change('d/a.yaml', 'b\n'), change('d/n/x.yaml', 'x\n')])]);
      expectLanded(repository, chain, await (await suite.open(repository.remote)).commit(chain));
      const after = repository.reference.files(repository.reference.head('main') ?? '');
      for (const path of ['d/run.sh', 'd/link', 'd/module', 'tool.sh'])
        expect(after[path]).toBe(before[path]);
    });

    test('keep the mode of an executable that is written', async () => {
      const repository = suite.world.create({ files: { 'a.yaml': 'a\n' } });
      repository.reference.push('main', { 'a.yaml': { mode: '100755', content: 'a\n' } });
      const chain = chainOn(repository, [makeStep([change('a.yaml', 'b\n')])]);
      expectLanded(repository, chain, await (await suite.open(repository.remote)).commit(chain));
      expect(repository.reference.files(repository.reference.head('main') ?? '')['a.yaml']).toMatch(
        /^100755/,
      );
    });

    test('keep the mode of an executable that goes to another path in one step', async () => {
      const repository = suite.world.create({
        files: { 'd/a.yaml': 'a\n', 'd/b.yaml': 'a\n', 'd/c.yaml': 'c\n' },
      });
      repository.reference.push('main', {
        'd/b.yaml': { mode: '100755', content: 'a\n' },
        'd/c.yaml': { mode: '100755', content: 'c\n' },
      });
      const chain = chainOn(repository, [
        makeStep([
          change('d/a.yaml', null),
          change('n/a.yaml', 'a\n'),
          change('d/b.yaml', null),
          change('n/b.yaml', 'a\n'),
        ]),
        makeStep([change('d/c.yaml', null), change('n/c.yaml', 'another\n')]),
      ]);
      expectLanded(repository, chain, await (await suite.open(repository.remote)).commit(chain));
      const files = repository.reference.files(repository.reference.head('main') ?? '');
      const modes = Object.entries(files).map(([path, about]) => [path, about.slice(0, 6)]);
      expect(modes).toEqual([
        ['n/a.yaml', '100644'],
        ['n/b.yaml', '100755'],
        ['n/c.yaml', '100644'],
      ]);
    });

    test('keep names that are not UTF-8', async () => {
      const repository = suite.world.create({ files: { 'd/a.yaml': 'a\n' } });
      const { reference } = repository;
      const id = reference.git(['hash-object', '-w', '--stdin'], { input: 'odd\n' });
      const lines = Buffer.concat([
        Buffer.from(`100644 blob ${id}\tb`),
        Buffer.from([0xff, 0xfe]),
        Buffer.from(`.yaml\n100644 blob ${id}\ta.yaml\n`),
      ]);
      const directory = reference.git(['mktree'], { input: lines });
      const tree = reference.git(['mktree'], { input: `040000 tree ${directory}\td\n` });
      const input = `tree ${tree}\nauthor A <a> 1 +0000\ncommitter A <a> 1 +0000\n\nodd\n`;
      reference.point('main', reference.git(['hash-object', '-t', 'commit', '-w', '--stdin'], { input }));
      const chain = chainOn(repository, [makeStep([change('d/a.yaml', 'b\n')])]);
      expect(await (await suite.open(repository.remote)).commit(chain)).toMatchObject({ status: 'landed' });
      const listing = reference.git(['ls-tree', '-r', 'refs/heads/main']);
      expect(listing).toContain(`${id}\t"d/b\\377\\376.yaml"`);
      reference.verify();
    });

    test('are sorted as git sorts them', async () => {
      const repository = suite.world.create({
        files: { 'a.b': '1\n', a0: '1\n', 'a/b': '1\n', 'a-': '1\n' },
      });
      const chain = chainOn(repository, [
        makeStep([change('a!', 'x\n'), change('a.', 'x\n'), change('a/a', 'x\n'), change('aa/x', 'x\n')]),
        makeStep([change('a/b', null), change('a/a', null), change('a', 'now a file\n')]),
        makeStep([change('a', null), change('a/b/c', 'a directory again\n'), change('A', 'x\n')]),
        makeStep([
          change('a/b.c', 'x\n'),
          change('a/b0', 'x\n'),
          change('a/b/d', 'x\n'),
          change('\u{1F600}', 'x\n'),
        ]),
        makeStep([change('\uFF5E', 'x\n'), change('z/\u{1F600}/x', 'x\n'), change('z/\uFF5E', 'x\n')]),
      ]);
      expectLanded(repository, chain, await (await suite.open(repository.remote)).commit(chain));
    });

    test('take names of object prototypes for names', async () => {
      const repository = suite.world.create({ files: { '__proto__/constructor': '1\n' } });
      const chain = chainOn(repository, [
        makeStep([change('__proto__/toString', 'x\n', null), change('constructor/__proto__', 'x\n')]),
        makeStep([change('hasOwnProperty', 'x\n', null), change('__proto__/constructor', '2\n')]),
      ]);
      expectLanded(repository, chain, await (await suite.open(repository.remote)).commit(chain));
    });

    test('of many files keep all of them', async () => {
      const files = Object.fromEntries(
        Array.from({ length: 1_200 }, (_, at) => [`many/file-${at}.yaml`, `n: ${at}\n`]),
      );
      const repository = suite.world.create({ files });
      const changes = Array.from({ length: 300 }, (_, at) =>
        change(`many/new-${at}/x-${at}.yaml`, `n: ${at}\n`),
      );
      const chain = chainOn(repository, [makeStep([...changes, change('many/file-7.yaml', 'n: x\n')])]);
      expectLanded(repository, chain, await (await suite.open(repository.remote)).commit(chain));
      expect(Object.keys(repository.reference.files(repository.reference.head('main') ?? ''))).toHaveLength(
        1_500,
      );
    });
  });
}
