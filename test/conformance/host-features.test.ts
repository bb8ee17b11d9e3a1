// What the engine finds out about a host, what it does without, and whose word it takes.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { describeCosts } from '../../src/git/host-costs.js';
import { InProcessGit } from '../../src/git/in-process-git.js';
import { Secret } from '../../src/kernel/secret.js';
import { createRepository } from '../../src/playground/git-host.js';
import { CountingLine } from '../support/counting-line.js';
import { ReferenceRepository } from '../support/git-reference.js';
import { chainOn, change, expectLanded, makeStep } from '../support/git-suite.js';
import { BadLine, GitWorld, type TestRemote } from '../support/git-world.js';

const DISCOVERY = 'GET refs?service=git-upload-pack';
const PUSH_DISCOVERY = 'GET refs?service=git-receive-pack';
const files = { 'a.yaml': 'a: 1\n', 'd/b.yaml': 'b: 1\n' };

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

function open({ url, username, password }: TestRemote, signal?: AbortSignal): InProcessGit {
  const credential = { username, open: async () => new Secret(Buffer.from(password)) };
  const address = line.url + url.slice(world.host.url.length);
  return new InProcessGit({ url: address, credential }, { allowHttp: true, allowPrivate: true, signal });
}

describe('a check tells what the host can do', () => {
  test('where it can do everything', async () => {
    const { stages, host } = await open(world.create({ files }).remote).check();
    expect(stages.every(({ ok }) => ok)).toBe(true);
    expect(host).toEqual({
      agent: expect.stringMatching(/^git\/\d/),
      protocol: 2,
      filter: true,
      shallow: true,
      wants: 'any',
      objectFormat: 'sha1',
      push: {
        reportStatus: true,
        reportStatusV2: true,
        thinPacks: true,
        sideBand: true,
        atomic: true,
        pushOptions: false,
        agent: true,
      },
    });
    expect(host && describeCosts(host)).toEqual([]);
  });

  test('where it speaks version 0, cannot filter and gives commits alone', async () => {
    line.speaksVersion0 = true;
    const config = { 'uploadpack.allowFilter': 'false', 'uploadpack.allowAnySHA1InWant': 'false' };
    const { host } = await open(world.create({ files, config }).remote).check();
    expect(host).toMatchObject({ protocol: 0, filter: false, shallow: true, wants: 'commits' });
    expect(host && describeCosts(host)).toHaveLength(3);
  });

  test('and nothing where nobody answered it', async () => {
    const { stages, host } = await open({ ...world.create({ files }).remote, password: 'wrong' }).check();
    expect(stages.at(-1)).toMatchObject({ stage: 'authenticate', ok: false });
    expect(host).toBeNull();
  });
});

describe('a repository that is not like its neighbours', () => {
  beforeEach(async () => {
    await open(world.create({ files }).remote).head('main');
    line.reset();
  });

  test('is asked itself when it cannot filter', async () => {
    const repository = world.create({ files, config: { 'uploadpack.allowFilter': 'false' } });
    const chain = chainOn(repository, [makeStep([change('a.yaml', 'a: 2\n')])]);
    expectLanded(repository, chain, await open(repository.remote).commit(chain));
    expect(line.names).toEqual(['POST fetch', DISCOVERY, 'POST fetch', 'POST git-receive-pack']);
  });

  test('is asked itself when it speaks another version', async () => {
    const repository = world.create({ files });
    line.speaksVersion0 = true;
    const chain = chainOn(repository, [makeStep([change('d/b.yaml', 'b: 2\n')])]);
    const git = open(repository.remote);
    expect(await git.head('main')).toBe(chain.base);
    expectLanded(repository, chain, await git.commit(chain));
  });

  test('is refused when its ids are of another kind', async () => {
    const { folder } = createRepository(world.root, 'sha256');
    new ReferenceRepository(folder).git([
      'init',
      '--quiet',
      '--bare',
      '--object-format=sha256',
      `${folder}-256`,
    ]);
    const git = open(world.remote('/sha256.git-256'));
    await expect(git.head('main')).rejects.toMatchObject({ code: 'GIT_OBJECT_FORMAT_UNSUPPORTED' });
  });
});

describe('a host whose word is not known to be good', () => {
  beforeEach(() => {
    line.isStranger = true;
  });

  test('is asked what a push may ask for, once, and the branch is read after every push', async () => {
    const repository = world.create({ files });
    const git = open(repository.remote);
    const save = async (content: string) => {
      const chain = chainOn(repository, [makeStep([change('a.yaml', content)])]);
      expectLanded(repository, chain, await git.commit(chain));
    };
    await save('a: 2\n');
    expect(line.names).toContain(PUSH_DISCOVERY);
    line.reset();
    await save('a: 3\n');
    expect(line.names).toEqual(['POST git-receive-pack', 'POST ls-refs']);
  });

  test('is caught when it says yes to a push it did not apply', async () => {
    const repository = world.create({ files });
    line.swallows = 'refs/heads/main';
    const chain = chainOn(repository, [makeStep([change('a.yaml', 'a: 2\n')])]);
    await expect(open(repository.remote).commit(chain)).rejects.toMatchObject({
      code: 'GIT_OUTCOME_UNKNOWN',
      disposition: 'retry',
    });
    const foreign = repository.reference.push('main', { 'x.yaml': 'x\n' });
    expect(await open(repository.remote).commit(chain)).toEqual({ status: 'moved', head: foreign });
  });

  test('is caught when it says yes to a deletion it did not apply', async () => {
    const { remote, reference } = world.create({ files });
    const at = reference.head('main') ?? '';
    reference.point('side', at);
    line.swallows = 'refs/heads/side';
    await expect(open(remote).deleteBranch('side', at)).rejects.toMatchObject({ code: 'GIT_PUSH_REJECTED' });
    reference.point('side', null);
    expect(await open(remote).deleteBranch('side', at)).toEqual({ status: 'deleted' });
  });
});

test('a push that was not answered stays in doubt when its second send is refused', async () => {
  const repository = world.create({ files });
  repository.reference.refuseWith('pre-receive', 'not today');
  const bad = await BadLine.open(world.host.url);
  try {
    bad.next = 'cut-request';
    const { username, password, url } = repository.remote;
    const credential = { username, open: async () => new Secret(Buffer.from(password)) };
    const remote = { url: bad.url + url.slice(world.host.url.length), credential };
    const git = new InProcessGit(remote, { allowHttp: true, allowPrivate: true });
    const chain = chainOn(repository, [makeStep([change('a.yaml', 'a: 2\n')])]);
    await expect(git.commit(chain)).rejects.toMatchObject({ code: 'GIT_OUTCOME_UNKNOWN' });
    expect(bad.pushes).toBe(2);
    await expect(git.commit(chain)).rejects.toMatchObject({ code: 'GIT_PUSH_REJECTED' });
  } finally {
    await bad.close();
  }
});

describe('an operation that is cancelled', () => {
  test('ends with its own code before anything is sent', async () => {
    const { remote } = world.create({ files });
    const git = open(remote, AbortSignal.abort());
    await expect(git.head('main')).rejects.toMatchObject({ code: 'GIT_CANCELLED', disposition: 'retry' });
    expect(line.requests).toEqual([]);
  });

  test('in the middle of a push leaves the outcome open, and the same chain settles it', async () => {
    const repository = world.create({ files });
    repository.reference.pauseAt('pre-receive');
    const cancel = new AbortController();
    const chain = chainOn(repository, [makeStep([change('a.yaml', 'a: 2\n')])]);
    const push = open(repository.remote, cancel.signal).commit(chain);
    const failure = push.catch((error: unknown) => error);
    await expect.poll(() => repository.reference.isPaused).toBe(true);
    cancel.abort();
    expect(await failure).toMatchObject({ code: 'GIT_OUTCOME_UNKNOWN' });
    repository.reference.resume();
    expectLanded(repository, chain, await open(repository.remote).commit(chain));
    expect(repository.reference.history('main')).toHaveLength(2);
  });
});
