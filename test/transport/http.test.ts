// The in-process engine's HTTP over TLS, in both versions: connections that are kept, answers that are compressed, slow, cut
// or made to harm, and what happens to neighbours.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { constants, createGzip, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AddressRanges } from '../../src/git/address-policy.js';
import type { Network } from '../../src/git/network.js';
import { type Certificates, makeCertificates } from '../support/certificates.js';
import { type EngineSettings, Engines, networkOf, resolverOf } from '../support/engines.js';
import { chainOn, change, expectLanded, makeStep } from '../support/git-suite.js';
import { GitWorld, type TestRepository } from '../support/git-world.js';
import { TcpLine } from '../support/tcp-line.js';
import { type FrontOptions, type Request, type Response, TlsFront } from '../support/tls-front.js';

let world: GitWorld;
let certificates: Certificates;
const engines = new Engines();
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  world = await GitWorld.open();
  certificates = makeCertificates();
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
afterAll(async () => {
  certificates.remove();
  await world.close();
  engines.close();
});

const seed = { 'a.yaml': 'a: 1\n', 'd/b.yaml': 'b: 1\n' };
const pathOf = ({ remote }: TestRepository): string => new URL(remote.url).pathname;
const advertisement = 'application/x-git-upload-pack-advertisement';
/** An answer that is of the right kind, with this body. */
const give = (response: Response, body: Buffer, headers: Record<string, string> = {}): true => {
  (response as http.ServerResponse).writeHead(200, { 'content-type': advertisement, ...headers }).end(body);
  return true;
};

describe.each([
  ['HTTP/1.1', false],
  ['HTTP/2', true],
])('over %s', (_, http2) => {
  const network = (more: Parameters<typeof networkOf>[0] = {}): Network =>
    networkOf({ ca: fs.readFileSync(certificates.authorityFile, 'utf8'), http2, ...more });
  const openFront = async (options: Partial<FrontOptions> = {}): Promise<TlsFront> => {
    const front = await TlsFront.open(world.host.url, { pair: certificates.server, http2, ...options });
    closers.push(front.close);
    return front;
  };
  const headAt = (
    front: TlsFront,
    repository: TestRepository,
    settings: EngineSettings & { network?: Network; base?: string } = {},
  ): Promise<string | null> => {
    const { network: own = network(), base = front.url, ...rest } = settings;
    const remote = world.remote(pathOf(repository), base);
    return engines.open('in-process', remote, own, { deadlineMs: 20_000, ...rest }).head('main');
  };
  /** What became of an operation whose every request is answered so. */
  const failureOf = async (
    answer: (request: Request, response: Response) => boolean,
    settings: EngineSettings = {},
  ): Promise<unknown> => {
    const front = await openFront({ answer });
    return headAt(front, world.create(), settings).then(
      () => 'nothing',
      (error: unknown) => error,
    );
  };

  it('twenty operations need hardly more than one connection', async () => {
    const front = await openFront();
    const repository = world.create({ files: seed });
    const shared = network();
    for (let count = 0; count < 20; count++)
      expect(await headAt(front, repository, { network: shared })).toBe(repository.reference.head('main'));
    expect(front.requests.length).toBeGreaterThanOrEqual(20);
    expect(front.connections).toBeLessThanOrEqual(3);
  });

  it('operations at the same time all get their own answers', async () => {
    const front = await openFront();
    const repositories = Array.from({ length: 8 }, (_each, at) =>
      world.create({ files: { 'a.yaml': `${at}\n` } }),
    );
    const shared = network();
    const heads = await Promise.all(repositories.map((one) => headAt(front, one, { network: shared })));
    expect(heads).toEqual(repositories.map(({ reference }) => reference.head('main')));
    expect(front.connections).toBeLessThanOrEqual(http2 ? 4 : 16);
  });

  it('networks share no connection', async () => {
    const front = await openFront();
    const repository = world.create({ files: seed });
    await headAt(front, repository);
    const seen = front.connections;
    await headAt(front, repository);
    expect(front.connections).toBeGreaterThan(seen);
  });

  it('a push of 6 MiB arrives whole, and is read back', async () => {
    const front = await openFront();
    const repository = world.create({ files: seed });
    const content = randomBytes(6 * 1024 * 1024);
    const git = engines.open('in-process', world.remote(pathOf(repository), front.url), network());
    const chain = chainOn(repository, [makeStep([change('big.bin', content)])]);
    const result = await git.commit(chain);
    expectLanded(repository, chain, result);
    const fresh = engines.open('in-process', world.remote(pathOf(repository), front.url), network());
    const [file] = await fresh.read(repository.reference.head('main') as string, ['big.bin']);
    expect(Buffer.from(file?.content ?? []).equals(content)).toBe(true);
  });

  it('an answer that is refused before the request was read leaves the connection usable', async () => {
    let refusals = 0;
    const front = await openFront({
      answer: (request, response) => {
        if (request.method !== 'POST' || !(request.url ?? '').endsWith('/git-receive-pack')) return false;
        refusals++;
        (response as http.ServerResponse).writeHead(403).end('no');
        return true;
      },
    });
    const repository = world.create({ files: seed });
    const shared = network();
    const git = engines.open('in-process', world.remote(pathOf(repository), front.url), shared);
    const chain = chainOn(repository, [makeStep([change('big.bin', randomBytes(2 * 1024 * 1024))])]);
    const failure = await git.commit(chain).catch((error: unknown) => error);
    expect((failure as { code: string }).code).toMatch(/^GIT_(AUTH_REJECTED|OUTCOME_UNKNOWN|UNREACHABLE)$/);
    expect(refusals).toBeGreaterThan(0);
    expect(await headAt(front, repository, { network: shared })).toBe(chain.base);
  });

  describe('compression', () => {
    const zipped = (request: Request, response: Response): boolean => {
      expect(request.headers['accept-encoding']).toBe('gzip');
      const upstream = http.request(world.host.url + request.url, {
        method: request.method,
        headers: Object.fromEntries(
          ['authorization', 'content-type', 'content-length', 'git-protocol']
            .map((name) => [name, request.headers[name]] as const)
            .filter(([, value]) => value !== undefined),
        ) as http.OutgoingHttpHeaders,
      });
      upstream.on('response', (answer) => {
        const { 'content-type': type } = answer.headers;
        const headers = { 'content-type': type ?? '', 'content-encoding': 'gzip' };
        (response as http.ServerResponse).writeHead(answer.statusCode ?? 502, headers);
        answer.pipe(createGzip()).pipe(response as http.ServerResponse);
      });
      request.pipe(upstream);
      return true;
    };

    it('is taken for every answer', async () => {
      const front = await openFront({ answer: zipped });
      const repository = world.create({ files: seed });
      const git = engines.open('in-process', world.remote(pathOf(repository), front.url), network());
      const [file] = await git.read(repository.reference.head('main') as string, ['d/b.yaml']);
      expect(Buffer.from(file?.content ?? []).toString()).toBe('b: 1\n');
      const chain = chainOn(repository, [makeStep([change('a.yaml', 'a: 2\n')])]);
      expectLanded(repository, chain, await git.commit(chain));
    });

    it.each(['gzip, gzip', 'deflate', 'br', 'gzip,identity', 'x-gzip'])(
      'is refused as %s',
      async (encoding) => {
        const body = encoding === 'deflate' ? deflateSync('0000') : gzipSync('0000');
        const failure = await failureOf((_request, response) =>
          give(response, body, { 'content-encoding': encoding }),
        );
        expect(failure).toMatchObject({
          code: 'GIT_ANSWER_INVALID',
          data: { reason: `content encoding ${encoding}, which was not asked for` },
        });
      },
    );

    it.each([
      ['broken', Buffer.concat([gzipSync('000').subarray(0, 12), Buffer.from('nonsense')])],
      ['no gzip at all', Buffer.from('001e# service=git-upload-pack\n')],
      ['cut short', gzipSync(randomBytes(5_000), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, 30)],
    ])('that is %s is nonsense', async (_name, body) => {
      const failure = await failureOf((_request, response) =>
        give(response, body, { 'content-encoding': 'gzip' }),
      );
      expect(failure).toMatchObject({ code: 'GIT_ANSWER_INVALID' });
    });
  });

  describe('time', () => {
    /** One byte now and then, for ever. */
    const drip = (_request: Request, response: Response): true => {
      const answer = response as http.ServerResponse;
      answer.writeHead(200, { 'content-type': advertisement });
      const timer = setInterval(() => answer.write('1'), 50);
      answer.on('close', () => clearInterval(timer));
      return true;
    };
    const silence = (): true => true;

    it.each([
      ['drips', drip],
      [
        'drips compressed',
        (_request: Request, response: Response): true => {
          const answer = response as http.ServerResponse;
          answer.writeHead(200, { 'content-type': advertisement, 'content-encoding': 'gzip' });
          const zip = createGzip();
          zip.pipe(answer);
          const timer = setInterval(() => {
            zip.write('1');
            zip.flush();
          }, 50);
          answer.on('close', () => clearInterval(timer));
          return true;
        },
      ],
      ['says nothing', silence],
    ])('of a host that %s is up at the deadline', async (_name, answer) => {
      const front = await openFront({ answer });
      const repository = world.create();
      const begun = performance.now();
      const failure = await headAt(front, repository, { deadlineMs: 1_000 }).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'GIT_TIMEOUT', data: { seconds: 1 } });
      expect(performance.now() - begun).toBeLessThan(3_000);
    });

    it('is over at once for who cancels, and neighbours on the connection go on', async () => {
      const repository = world.create({ files: seed });
      const slow = world.create();
      let isStopped = false;
      let seen: () => void = () => undefined;
      const reached = new Promise<void>((resolve) => (seen = resolve));
      const front = await openFront({
        answer: (request, response) => {
          if (!(request.url ?? '').startsWith(pathOf(slow))) return false;
          response.on('close', () => (isStopped = true));
          seen();
          return drip(request, response);
        },
      });
      const shared = network();
      const cancel = new AbortController();
      const waiting = headAt(front, slow, { network: shared, signal: cancel.signal }).catch(
        (error: unknown) => error,
      );
      await reached;
      const neighbour = headAt(front, repository, { network: shared });
      cancel.abort();
      expect(await waiting).toMatchObject({ code: 'GIT_CANCELLED' });
      expect(await neighbour).toBe(repository.reference.head('main'));
      expect(await headAt(front, repository, { network: shared })).toBe(repository.reference.head('main'));
      await expect.poll(() => isStopped).toBe(true);
    });
  });

  describe('a host that', () => {
    it('redirects is not followed, and nobody else sees the credential', async () => {
      const elsewhere: http.IncomingHttpHeaders[] = [];
      const other = http.createServer((request, response) => {
        elsewhere.push(request.headers);
        response.end();
      });
      other.listen(0, '127.0.0.1');
      await once(other, 'listening');
      closers.push(async () => void other.close());
      const target = `http://127.0.0.1:${(other.address() as AddressInfo).port}/x`;
      for (const status of [301, 302, 303, 307, 308]) {
        const failure = await failureOf((_request, response) => {
          (response as http.ServerResponse).writeHead(status, { location: target }).end();
          return true;
        });
        expect(failure).toMatchObject({ code: 'GIT_ANSWER_INVALID' });
        expect((failure as Error).message).toContain('redirects are not followed');
      }
      expect(elsewhere).toEqual([]);
    });

    const hour = 3_600_000;
    it.each([
      [429, '7', 7],
      [403, '7', 7],
      [503, '7', 7],
      [503, new Date(Date.now() + hour).toUTCString(), 900],
      [503, new Date(Date.now() - hour).toUTCString(), undefined],
      [429, '99999999', 900],
      [429, '0', undefined],
      [429, '-5', undefined],
      [429, '1e3', undefined],
      [429, 'soon', undefined],
      [409, '3', 3],
      [408, undefined, undefined],
      [425, undefined, undefined],
      [500, undefined, undefined],
    ])('answers %i and "Retry-After: %s" is heard: %s', async (status, header, seconds) => {
      const failure = await failureOf((_request, response) => {
        const headers = header === undefined ? {} : { 'retry-after': header };
        (response as http.ServerResponse).writeHead(status, headers).end();
        return true;
      });
      expect(failure).toMatchObject({ code: 'GIT_HOST_ERROR', disposition: 'retry' });
      expect((failure as { data: object }).data).toEqual({
        host: expect.any(String),
        status,
        ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }),
      });
    });
    it.each(['0 300', '0 -5', '9 300'])('answers 403, left and seconds until more: %s', async (row) => {
      const reset = Math.ceil(Date.now() / 1_000) + Number(row.slice(2));
      const failure = await failureOf((_, response) => {
        const headers = { 'x-ratelimit-remaining': row.charAt(0), 'x-ratelimit-reset': reset };
        (response as http.ServerResponse).writeHead(403, headers).end();
        return true;
      });
      expect(failure).toMatchObject({ code: row === '0 300' ? 'GIT_HOST_ERROR' : 'GIT_AUTH_REJECTED' });
    });
    it('sends more header than anybody needs is refused', async () => {
      const long = 'x'.repeat(http2 ? 40_000 : 20_000);
      const failure = await failureOf((_request, response) =>
        give(response, Buffer.from('0000'), { 'x-one': long, 'x-two': long }),
      );
      expect(failure).toMatchObject({ code: http2 ? 'GIT_UNREACHABLE' : 'GIT_ANSWER_INVALID' });
    });

    it('breaks off in an answer is found out, and the next operation goes on', async () => {
      const repository = world.create({ files: seed });
      let breaks = 1;
      const front = await openFront({
        answer: (_request, response) => {
          if (breaks-- <= 0) return false;
          const answer = response as http.ServerResponse;
          answer.writeHead(200, { 'content-type': advertisement });
          answer.write('001e# service=git-up', () => front.cut());
          return true;
        },
      });
      const shared = network();
      await expect(headAt(front, repository, { network: shared })).rejects.toMatchObject({
        code: 'GIT_UNREACHABLE',
        data: { reason: 'the connection broke' },
      });
      expect(await headAt(front, repository, { network: shared })).toBe(repository.reference.head('main'));
    });

    it('closes idle connections is reached over new ones', async () => {
      const front = await openFront();
      const repository = world.create({ files: seed });
      const shared = network();
      for (let count = 1; count <= 3; count++) {
        expect(await headAt(front, repository, { network: shared })).toBe(repository.reference.head('main'));
        expect(front.connections).toBeGreaterThanOrEqual(count);
        front.cut();
        await expect.poll(() => front.open).toBe(0);
      }
    });

    it('moves to an address that is not allowed is not followed there', async () => {
      const names = { 'a.git.test': ['127.0.0.1'] };
      const front = await openFront();
      const repository = world.create({ files: seed });
      const shared = network({
        addresses: { allowPrivate: false, allowed: AddressRanges.parse('127.0.0.1') ?? undefined },
        resolve: resolverOf(names),
      });
      const base = `https://a.git.test:${front.port}`;
      expect(await headAt(front, repository, { network: shared, base })).toBe(
        repository.reference.head('main'),
      );
      front.cut();
      await expect.poll(() => front.open).toBe(0);
      const seen = front.connections;
      names['a.git.test'] = ['127.0.0.2'];
      await expect(headAt(front, repository, { network: shared, base })).rejects.toMatchObject({
        code: 'GIT_ADDRESS_DENIED',
        data: { host: 'a.git.test', address: '127.0.0.2' },
      });
      expect(front.connections).toBe(seen);
    });

    it('falls silent on an open connection is reached over another one', async () => {
      const front = await openFront();
      const line = await TcpLine.open(`http://127.0.0.1:${front.port}`);
      closers.push(() => line.cut());
      const repository = world.create({ files: seed });
      const shared = network();
      const base = `https://127.0.0.1:${line.port}`;
      expect(await headAt(front, repository, { network: shared, base })).toBe(
        repository.reference.head('main'),
      );
      const ask = (deadlineMs: number): Promise<unknown> =>
        headAt(front, repository, { network: shared, base, deadlineMs }).catch((error: unknown) => error);
      // Where the end of the last answer had not come over it yet, another one is opened instead.
      const askInSilence = (): Promise<unknown> => {
        line.freeze();
        return ask(1_000);
      };
      await expect.poll(askInSilence).toMatchObject({ code: 'GIT_TIMEOUT' });
      await expect.poll(() => ask(2_000)).toBe(repository.reference.head('main'));
    });
  });
});
