// A directory of many files: what a save into it sends, and that the host makes of it what plain git would.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Step } from '../../src/git/git.js';
import { InProcessGit } from '../../src/git/in-process-git.js';
import { ObjectCache } from '../../src/git/object-cache.js';
import { Secret } from '../../src/kernel/secret.js';
import { chainOn, change, expectLanded, makeStep } from '../support/git-suite.js';
import { GitWorld, type TestRepository } from '../support/git-world.js';

const FILES = 10_000;
const fileOf = (n: number, directory = 'd'): string => `${directory}/file-${n}.yaml`;
const save = (n: number, content: string, directory?: string): Step =>
  makeStep([change(fileOf(n, directory), content)]);

/** A line to the host that counts what is sent through it. */
class Scale {
  pushedBytes = 0;
  readonly #server: http.Server;

  constructor(hostUrl: string) {
    this.#server = http.createServer((request, response) => {
      const { method, headers, url = '' } = request;
      const upstream = http.request(hostUrl + url, { method, headers, agent: false }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      request.on('data', ({ length }: Buffer) => {
        if (url.endsWith('/git-receive-pack')) this.pushedBytes += length;
      });
      upstream.on('error', () => response.destroy());
      request.pipe(upstream);
    });
    // While a test waits for git, no connection may grow old.
    this.#server.keepAliveTimeout = 0;
  }

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

describe('a directory of 10,000 files', () => {
  let world: GitWorld;
  let scale: Scale;
  let base: string;
  beforeAll(async () => {
    world = await GitWorld.open();
    scale = new Scale(world.host.url);
    base = await scale.open();
  });
  afterAll(async () => {
    scale.close();
    await world.close();
  });

  /** Two directories of the same files, which are one tree. */
  function createLarge(): { repository: TestRepository; git: InProcessGit } {
    const repository = world.create();
    const { reference, remote } = repository;
    const blob = reference.git(['hash-object', '-w', '--stdin'], { input: 'a: 1\n' });
    const lines = ['d', 'e'].flatMap((directory) =>
      Array.from({ length: FILES }, (_, n) => `100644 blob ${blob}\t${fileOf(n, directory)}`),
    );
    const inner = lines.slice(0, FILES).map((line) => line.replace('d/', ''));
    const tree = reference.git(['mktree'], { input: inner.join('\n') });
    const root = reference.git(['mktree'], { input: `040000 tree ${tree}\td\n040000 tree ${tree}\te` });
    reference.point('main', reference.git(['commit-tree', root, '-m', 'First']));
    const { username, password } = remote;
    const credential = { username, open: async () => new Secret(Buffer.from(password)) };
    const url = base + new URL(remote.url).pathname;
    const cache = new ObjectCache(8 * 1024 * 1024);
    return {
      repository,
      git: new InProcessGit({ url, credential }, { allowHttp: true, allowPrivate: true, cache }),
    };
  }

  it('takes about a kilobyte for a save, not the directory', async () => {
    const { repository, git } = createLarge();
    for (const n of [0, 5_000, FILES]) {
      const chain = chainOn(repository, [save(n, `n: ${n}\n`)]);
      scale.pushedBytes = 0;
      const result = await git.commit(chain);
      expect(scale.pushedBytes).toBeLessThan(1_024);
      expectLanded(repository, chain, result);
    }
  });

  it('takes some hundred bytes a step for a chain, longer than a chain of deltas may be', async () => {
    const { repository, git } = createLarge();
    const steps = Array.from({ length: 60 }, (_, n) => save(n * 31, `n: ${n}\n`));
    const chain = chainOn(repository, steps);
    scale.pushedBytes = 0;
    const result = await git.commit(chain);
    expect(scale.pushedBytes).toBeLessThan(60 * 400);
    expectLanded(repository, chain, result);
  });

  it('may be the same as another, change like it, part from it and come back', async () => {
    const { repository, git } = createLarge();
    const chain = chainOn(repository, [
      save(1, 'a: 2\n'),
      save(1, 'a: 2\n', 'e'),
      save(2, 'a: 2\n'),
      save(2, 'a: 3\n'),
      save(2, 'a: 2\n', 'e'),
      save(1, 'a: 1\n'),
      save(2, 'a: 1\n'),
      save(3, 'a: 2\n', 'e'),
      save(3, 'a: 2\n'),
    ]);
    expectLanded(repository, chain, await git.commit(chain));
    const next = chainOn(repository, [save(4, 'a: 2\n'), save(4, 'a: 2\n', 'e')]);
    expectLanded(repository, next, await git.commit(next));
  });
});
