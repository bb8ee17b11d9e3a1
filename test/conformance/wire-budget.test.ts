// What every operation may cost on the wire: requests by name, bytes with their headers.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { HistoryPage, HistoryPlace } from '../../src/git/git.js';
import { InProcessGit } from '../../src/git/in-process-git.js';
import type { Limits } from '../../src/git/limits.js';
import { ObjectCache } from '../../src/git/object-cache.js';
import { Secret } from '../../src/kernel/secret.js';
import { CountingLine } from '../support/counting-line.js';
import { chainOn, change, expectLanded, makeStep } from '../support/git-suite.js';
import { GitWorld, type TestRepository } from '../support/git-world.js';
import { growHistories } from '../support/grown-history.js';

const DISCOVERY = 'GET refs?service=git-upload-pack';
const KIB = 1024;

let world: GitWorld;
let line: CountingLine;

beforeAll(async () => {
  world = await GitWorld.open();
});
afterAll(() => world.close());
beforeEach(async () => {
  line = await CountingLine.open(world.host.url);
});
afterEach(() => line.close());

/** 1,000 files in 100 directories two levels deep; no two files are alike. */
const many = Object.fromEntries(
  Array.from({ length: 1_000 }, (_, at) => [`p${at % 10}/k${at % 100}/e-${at}.yaml`, `name: e-${at}\n`]),
);

function open({ remote }: TestRepository, cache: ObjectCache, limits: Partial<Limits> = {}): InProcessGit {
  const credential = {
    username: remote.username,
    open: async () => new Secret(Buffer.from(remote.password)),
  };
  const url = line.url + remote.url.slice(world.host.url.length);
  return new InProcessGit({ url, credential }, { allowHttp: true, allowPrivate: true, cache, limits });
}

const newCache = (): ObjectCache => new ObjectCache(16 * KIB * KIB);

/** An engine that has saved once, and what saves with it. */
async function warmUp(repository: TestRepository, path: string) {
  const git = open(repository, newCache());
  let turn = 0;
  const save = async () => {
    const chain = chainOn(repository, [makeStep([change(path, `turn: ${turn++}\n`)])]);
    return { chain, result: await git.commit(chain) };
  };
  await save();
  line.reset();
  return { git, save };
}

describe('a save', () => {
  test('on a warm lane is one request: the push, with what changed', async () => {
    const repository = world.create({ files: many });
    const { save } = await warmUp(repository, 'p1/k1/e-1.yaml');
    const { chain, result } = await save();
    expect(line.names).toEqual(['POST git-receive-pack']);
    expectLanded(repository, chain, result);
    const [{ body } = { body: Buffer.alloc(0) }] = line.requests;
    expect(body.subarray(0, 600).toString('latin1')).not.toContain('shallow');
    const { reference } = repository;
    const trees = ['', 'p1', 'p1/k1'].map((path) => treeBytes(repository, path));
    expect(trees.every((bytes) => bytes > 0)).toBe(true);
    expect(line.bytesUp).toBeLessThan(trees.reduce((sum, bytes) => sum + bytes) + KIB);
    expect(line.bytesDown).toBeLessThan(KIB);
    reference.verify();
  });

  test('into a directory of 10,000 entries sends about a kilobyte', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, at) => [`wide/entity-${at}.yaml`, `n: ${at}\n`]),
    );
    const repository = world.create({ files });
    const { save } = await warmUp(repository, 'wide/entity-5000.yaml');
    const { chain, result } = await save();
    expect(line.names).toEqual(['POST git-receive-pack']);
    expect(line.bytesUp).toBeLessThan(2 * KIB);
    expectLanded(repository, chain, result);
    expect(treeBytes(repository, 'wide')).toBeGreaterThan(200 * KIB);
  });

  test('in the cold is three requests, and brings trees alone', async () => {
    const repository = world.create({ files: { ...many, 'big.bin': Buffer.alloc(300 * KIB, pattern) } });
    const chain = chainOn(repository, [makeStep([change('p1/k1/e-1.yaml', 'x\n')])]);
    const result = await open(repository, newCache()).commit(chain);
    expect(line.names).toEqual([DISCOVERY, 'POST fetch', 'POST git-receive-pack']);
    expectLanded(repository, chain, result);
    expect(line.bytesDown).toBeLessThan(64 * KIB);
  });

  test('in the cold on a host that is known reads at once, and asks the repository itself before it pushes', async () => {
    await open(world.create({ files: many }), newCache()).head('main');
    line.reset();
    const repository = world.create({ files: many });
    const git = open(repository, newCache());
    const chain = chainOn(repository, [makeStep([change('p1/k1/e-1.yaml', 'x\n')])]);
    expect(await git.head('main')).toBe(chain.base);
    expectLanded(repository, chain, await git.commit(chain));
    expect(line.names).toEqual(['POST ls-refs', 'POST fetch', DISCOVERY, 'POST git-receive-pack']);
  });

  test('where trees are many is seven requests at most, and brings those of the path alone', async () => {
    const repository = world.create({ files: many });
    const cache = newCache();
    const chain = chainOn(repository, [makeStep([change('p1/k1/e-1.yaml', 'x\n')])]);
    const few: Partial<Limits> = { treesAtOnceBytes: 8 * KIB };
    // The first look finds out that they are many.
    await open(repository, cache, few).list(chain.base ?? '', 'p2/k2');
    cache.clear();
    line.reset();
    const result = await open(repository, cache, few).commit(chain);
    expectLanded(repository, chain, result);
    expect(line.names).toEqual([...Array<string>(4).fill('POST fetch'), 'POST git-receive-pack']);
    expect(line.bytesDown).toBeLessThan(8 * KIB);
  });

  test('that lost a race costs one fetch of the difference and one push', async () => {
    const repository = world.create({ files: many });
    const { git, save } = await warmUp(repository, 'p1/k1/e-1.yaml');
    const base = (await save()).chain.base;
    const foreign = repository.reference.push('main', { 'p2/k2/e-2.yaml': 'foreign\n' });
    line.reset();
    const stale = chainOn(repository, [makeStep([change('p1/k1/e-1.yaml', 'late\n')])], { base });
    expect(await git.commit(stale)).toEqual({ status: 'moved', head: foreign });
    const chain = { ...stale, base: foreign };
    expectLanded(repository, chain, await git.commit(chain));
    expect(line.names).toEqual(['POST git-receive-pack', 'POST fetch', 'POST git-receive-pack']);
    const fetch = line.requests[1]?.body.toString();
    expect(fetch).toContain(`have ${base}`);
    expect(fetch).toContain('thin-pack');
    expect(line.bytesDown).toBeLessThan(6 * KIB);
  });

  test('of a hundred that wait is one push', async () => {
    const repository = world.create({ files: many });
    const { git } = await warmUp(repository, 'p1/k1/e-1.yaml');
    const steps = Array.from({ length: 100 }, (_, at) =>
      makeStep([change(`p1/k1/e-${at % 7}1.yaml`, `save: ${at}\n`)], { message: `Save ${at}\n` }),
    );
    const chain = chainOn(repository, steps);
    const result = await git.commit(chain);
    expect(line.names).toEqual(['POST git-receive-pack']);
    expectLanded(repository, chain, result);
    expect(repository.reference.history('main')).toHaveLength(102);
  });
});

describe('a read', () => {
  test('of one file at a known head is one request for that file', async () => {
    const repository = world.create({ files: { ...many, 'p1/k1/large.bin': randomBytes(50 * KIB) } });
    const { git } = await warmUp(repository, 'p1/k1/e-1.yaml');
    const head = repository.reference.head('main') ?? '';
    const [found] = await git.read(head, ['p3/k3/e-3.yaml']);
    expect(Buffer.from(found?.content ?? []).toString()).toBe('name: e-3\n');
    expect(line.names).toEqual(['POST fetch']);
    expect(line.bytesDown).toBeLessThan(KIB);
  });

  test('of many files at one commit is one request', async () => {
    const repository = world.create({ files: many });
    const { git } = await warmUp(repository, 'p1/k1/e-1.yaml');
    const paths = Object.keys(many).slice(100, 300);
    const found = await git.read(repository.reference.head('main') ?? '', paths);
    expect(found.map((file) => Buffer.from(file?.content ?? []).toString())).toEqual(
      paths.map((path) => many[path]),
    );
    expect(line.names).toEqual(['POST fetch']);
  });

  test('of what stands in the branch is none when its trees are known', async () => {
    const repository = world.create({ files: many });
    const { git } = await warmUp(repository, 'p1/k1/e-1.yaml');
    const listed = await git.list(repository.reference.head('main') ?? '', '');
    expect(listed).toHaveLength(1_000);
    expect(line.names).toEqual([]);
  });
});

describe('a refresh', () => {
  test('from one commit to another is one request for the difference, files included', async () => {
    const repository = world.create({ files: many });
    const { git } = await warmUp(repository, 'p1/k1/e-1.yaml');
    const from = repository.reference.head('main') ?? '';
    for (let at = 0; at < 10; at++)
      repository.reference.push('main', { [`p${at}/k${at}/new.yaml`]: `n: ${at}\n` });
    expect(await git.head('main')).toBe(repository.reference.head('main'));
    line.reset();
    const changes = await git.changes(from, repository.reference.head('main') ?? '', { contents: true });
    expect(changes.map(({ path, content }) => [path, Buffer.from(content ?? []).toString()])).toEqual(
      Array.from({ length: 10 }, (_, at) => [`p${at}/k${at}/new.yaml`, `n: ${at}\n`]),
    );
    expect(line.names).toEqual(['POST fetch']);
    expect(line.bytesDown).toBeLessThan(16 * KIB);
  });

  test('finds that nothing moved in one request', async () => {
    const repository = world.create({ files: many });
    const { git } = await warmUp(repository, 'p1/k1/e-1.yaml');
    expect(await git.head('main')).toBe(repository.reference.head('main'));
    expect(line.names).toEqual(['POST ls-refs']);
    expect(line.bytesDown).toBeLessThan(KIB);
  });
});

describe('a history', () => {
  const grow = (repository: TestRepository, path: string) => {
    const { main = [] } = growHistories(repository.reference, {
      main: Array.from({ length: 500 }, (_, index) => ({
        parents: index === 0 ? [] : [index - 1],
        keeps: 0,
        acts: [
          {
            do: 'write' as const,
            path: index % 100 === 0 ? path : `p2/other-${index % 50}.yaml`,
            content: `${index}`,
          },
        ],
        at: 1_700_000_000 + index,
      })),
    });
    return main;
  };

  test('of 500 commits is less than two dozen requests, and brings no file and no tree beside the path', async () => {
    const files = { 'large.bin': randomBytes(300 * KIB) };
    const repository = world.create({ files });
    const ids = grow(repository, 'p1/k1/e-1.yaml');
    const page = await open(repository, newCache()).history(
      'p1/k1/e-1.yaml',
      { pending: [ids.at(-1) as string], seen: [] },
      100,
    );
    expect(page).toMatchObject({ searchedTo: ids[0], next: null });
    expect(page.commits.map(({ id }) => id)).toEqual([400, 300, 200, 100, 0].map((at) => ids[at]));
    expect(line.names.length).toBeLessThan(24);
    expect(line.bytesDown).toBeLessThan(256 * KIB);
  });

  test('of which too much would come goes on with what came, and ends its page where it may', async () => {
    const repository = world.create();
    const ids = grow(repository, 'p1/k1/e-1.yaml');
    const git = open(repository, newCache(), { historyCommits: 120 });
    const found: string[] = [];
    let pages = 0;
    let place: HistoryPlace | null = { pending: [ids.at(-1) as string], seen: [] };
    for (; place !== null; pages++) {
      const page: HistoryPage = await git.history('p1/k1/e-1.yaml', place, 100);
      found.push(...page.commits.map(({ id }) => id));
      place = page.next;
    }
    expect([found, pages]).toEqual([[400, 300, 200, 100, 0].map((at) => ids[at]), 5]);
  });
});

test('operations one after another share a connection, or two where the host is slow to end', async () => {
  const repository = world.create({ files: many });
  // An engine that keeps none opens as many each time; a host that a busy machine keeps from ending does not come three times.
  for (let run = 1; run <= 3; run++) {
    await line.close();
    line = await CountingLine.open(world.host.url);
    const { git, save } = await warmUp(repository, 'p1/k1/e-1.yaml');
    for (let turn = 0; turn < 5; turn++) {
      await save();
      await git.head('main');
    }
    expect(line.requests).toHaveLength(10);
    if (line.connections <= 2) break;
  }
  expect(line.connections).toBeLessThanOrEqual(2);
});

const pattern = Buffer.from('no two bytes alike');

function randomBytes(size: number): Buffer {
  let state = 1;
  return Buffer.from(Array.from({ length: size }, () => (state = (state * 48_271) % 2_147_483_647) & 255));
}

/** Size of the tree at this path, in bytes. */
function treeBytes({ reference }: TestRepository, path: string): number {
  return Number(reference.git(['cat-file', '-s', `refs/heads/main:${path}`]));
}
