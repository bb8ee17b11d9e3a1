// The surroundings of a Git engine under test: a real host, its repositories, and a bad line to it.
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { NewRepository } from '../../src/playground/git-host.js';
import { ReferenceRepository } from './git-reference.js';
import { RepositoryPatterns } from './repository-patterns.js';
import { freePort } from './servers.js';
import { forward } from './worlds/forward.js';
import { gitHost } from './worlds/git-http-backend.js';
import type { Account, GitServer, RunningServer } from './worlds/git-server.js';

/** What an engine is given to work with. */
export interface TestRemote {
  url: string;
  username: string;
  password: string;
  /** Over SSH: the host keys to believe. */
  knownHosts?: string;
}

export interface TestRepository {
  remote: TestRemote;
  /** The repository itself, on the host's disk. */
  reference: ReferenceRepository;
}

const account: Account = { username: 'ada', password: 'p@ss:wörd %41 "quoted" $HOME' };

/** A real host with its repositories, as the suite sees them. */
export interface World {
  /** A repository of its own for one test. */
  create: (options?: NewRepository) => TestRepository;
  /** What is at this address of the host, or behind another line to it. */
  remote: (address: string, base?: string) => TestRemote;
  readonly host: { url: string };
  /** A credential that the host does not know. */
  readonly wrongPassword: string;
  /** What a refusal of it says besides its code. */
  readonly refusal: object;
  /** Where nobody listens. */
  closedUrl: () => Promise<string>;
  openBadLine: () => Promise<Line>;
  close: () => Promise<void>;
}

/** A line to the host that breaks at the push: before it is sent on, or when the host has done it and answers. */
export interface Line {
  readonly url: string;
  /** What happens to the next push. `cut-request`: it never arrives. `cut-answer`: it does, and nobody is told. */
  next: 'whole' | 'cut-request' | 'cut-answer';
  /** Whether, after a cut, nothing gets through any more. */
  staysDead: boolean;
  /** The line works again. */
  mend: () => void | Promise<void>;
  close: () => Promise<void>;
}

/** A server at work, and the folder of bare repositories it serves. */
export class GitWorld implements World {
  readonly wrongPassword = 'not-the-password';
  readonly refusal = { status: 401 };
  readonly #patterns = new RepositoryPatterns();
  #count = 0;

  private constructor(
    readonly root: string,
    readonly server: GitServer,
    /** The server at work. */
    readonly host: RunningServer,
  ) {}

  static async open(server: GitServer = gitHost): Promise<GitWorld> {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-world-'));
    return new GitWorld(root, server, await server.start(root, account));
  }

  async close(): Promise<void> {
    await this.host.close();
    this.#patterns.close();
    fs.rmSync(this.root, { recursive: true, force: true });
  }

  /** A repository of its own for one test. */
  create(options: NewRepository = {}): TestRepository {
    const name = `repository-${this.#count++}`;
    const config = { ...this.server.config, ...options.config };
    const folder = this.#patterns.create(this.root, name, { ...options, config });
    return { remote: this.remote(`/${name}.git`), reference: new ReferenceRepository(folder) };
  }

  remote(address: string, base: string = this.host.url): TestRemote {
    return { url: base + address, ...account };
  }

  async closedUrl(): Promise<string> {
    return `http://127.0.0.1:${await freePort()}`;
  }

  openBadLine(): Promise<Line> {
    return BadLine.open(this.host.url);
  }
}

export class BadLine implements Line {
  next: Line['next'] = 'whole';
  staysDead = false;
  pushes = 0;
  #dead = false;

  private constructor(
    readonly url: string,
    readonly close: () => Promise<void>,
  ) {}

  static async open(hostUrl: string): Promise<BadLine> {
    let line: BadLine;
    const server = http.createServer((request, response) => line.#forward(hostUrl, request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const close = (): Promise<void> =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    line = new BadLine(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, close);
    return line;
  }

  mend(): void {
    this.next = 'whole';
    this.#dead = false;
  }

  #forward(hostUrl: string, request: http.IncomingMessage, response: http.ServerResponse): void {
    if (this.#dead) return void request.socket.destroy();
    const isPush = request.method === 'POST' && (request.url ?? '').endsWith('/git-receive-pack');
    const isProbe = request.headers['content-length'] === '4';
    const fate = isPush && !isProbe ? this.next : 'whole';
    if (isPush && !isProbe) this.pushes++;
    if (fate !== 'whole') {
      this.next = 'whole';
      this.#dead = this.staysDead;
    }
    if (fate === 'cut-request') return void request.socket.destroy();
    forward(hostUrl, request, response, {
      onAnswer: (answer) => {
        if (fate !== 'cut-answer') return false;
        answer.resume().on('end', () => request.socket.destroy());
        return true;
      },
    });
  }
}
