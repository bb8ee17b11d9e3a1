// A manager in an office, and Git hosts in private networks that the office cannot reach: each in a network of its own, with the
// delegates beside the hosts. As operators would, the office shows TLS alone: Redis by itself, the manager behind nginx.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { inject } from 'vitest';
import { createRepository } from '../../src/playground/git-host.js';
import { Api, type Json } from './api.js';
import { type Certificates, makeCertificates } from './certificates.js';
import { OwnNetwork } from './network-namespaces.js';
import { type RunningProcess, runCommand, startDelegate, startManager } from './processes.js';
import { endProcess, findProgram, type RunningRedis, reachable, startRedis, within } from './servers.js';
import { createDatabase } from './stack.js';
import type { RunningServer } from './worlds/git-server.js';
import { startNginx } from './worlds/nginx.js';

const OFFICE = '10.90.0.1';
const HTTPS = 443;

/** Where private things are: a Git host with one repository, and room for delegates. */
export interface Side {
  /** Of its group and its repository. */
  name: string;
  scope: string;
  network: OwnNetwork;
  /** Its end of the line to the office. */
  lineEnd: string;
  host: RunningServer;
  account: { username: string; password: string };
}

export class WalledStack {
  readonly home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-walls-'));
  office!: OwnNetwork;
  redis!: RunningRedis;
  manager!: RunningProcess;
  api!: Api;
  #certificates!: Certificates;
  /** Stops what was started, in turn. */
  readonly #ends: (() => Promise<void> | void)[] = [() => fs.rmSync(this.home, { recursive: true })];

  static async start(): Promise<WalledStack> {
    const stack = new WalledStack();
    try {
      await stack.#begin();
    } catch (error) {
      await stack.stop();
      throw error;
    }
    return stack;
  }

  async #begin(): Promise<void> {
    this.office = this.#keep(await OwnNetwork.open(OFFICE), (one) => one.close());
    this.#certificates = this.#keep(makeCertificates(OFFICE), (one) => one.remove());
    const options = { users: true, tls: this.#certificates, network: this.office };
    this.redis = this.#keep(await startRedis(undefined, options), (one) => one.stop());
    const database = this.#keep(await createDatabase(inject('realPostgres')), (one) => one.drop());
    const env = {
      ...this.#settings(),
      REDIS_URL: this.redis.url,
      SALLYPORT_REDIS_ADMIN_URL: this.redis.adminUrl,
      // By its socket in the file system, which no network has to be crossed for.
      DATABASE_URL: `${database.url}?host=${path.dirname(inject('realPostgresFolder'))}`,
      SALLYPORT_PORT: '0',
      SALLYPORT_ACCOUNT: 'demo',
      SALLYPORT_LEASE_SECONDS: '2',
      SALLYPORT_DATA_DIR: path.join(this.home, 'manager'),
    };
    const network = this.office;
    this.manager = this.#keep(await startManager({ env, network }), (one) => one.kill());
    const door = await this.#openOffice();
    const token = fs.readFileSync(path.join(this.home, 'manager', 'admin-token'), 'utf8').trim();
    this.api = new Api(await this.#leadTo(door), token);
  }

  /** A private network with a Git host, joined to the office. */
  async addSide(name: string, scope: string, address: string): Promise<Side> {
    const network = this.#keep(await OwnNetwork.open(address, this.office), (one) => one.close());
    const { ownEnd: lineEnd } = network.joinTo(this.office);
    const root = path.join(this.home, `repositories-${name}`);
    fs.mkdirSync(root);
    createRepository(root, name, { files: { 'README.md': `${name}\n` } });
    const account = { username: `git-${name}`, password: randomBytes(18).toString('base64url') };
    const host = this.#keep(await startNginx(root, account, network), (one) => one.close());
    return { name, scope, network, lineEnd, host, account };
  }

  /** By the delegate's own commands; enrolled where it has not been. */
  async startDelegate(side: Side, name: string, crashAt?: string): Promise<RunningProcess> {
    const { name: group, scope, network } = side;
    const env = this.delegateEnvironment(name);
    if (!fs.existsSync(env.SALLYPORT_DATA_DIR)) {
      const { token } = await this.api.ok('POST', `${scope}/delegate-tokens`, { group });
      const args = ['enrol', '--manager', `https://${OFFICE}`, '--token', '-', '--name', name];
      await this.#command(args, { env, input: token, network });
    }
    const options = { env, network, ...(crashAt === undefined ? {} : { crashAt }) };
    return this.#keep(await startDelegate(options), (one) => one.kill());
  }

  delegateEnvironment(name: string) {
    return {
      ...this.#settings(),
      NODE_EXTRA_CA_CERTS: this.#certificates.authorityFile,
      SALLYPORT_DELEGATE_HEALTH_PORT: '0',
      SALLYPORT_DATA_DIR: path.join(this.home, name),
    };
  }

  /** Another manager of the office, with its queue in PostgreSQL; `url` is its own, as the private sides see it. */
  async startEmbeddedManager(): Promise<{ api: Api; url: string }> {
    const network = this.office;
    const database = this.#keep(await createDatabase(inject('realPostgres')), (one) => one.drop());
    const folder = path.join(this.home, 'embedded');
    const env = {
      DATABASE_URL: `${database.url}?host=${path.dirname(inject('realPostgresFolder'))}`,
      SALLYPORT_HOST: OFFICE,
      SALLYPORT_PORT: '0',
      SALLYPORT_ACCOUNT: 'demo',
      SALLYPORT_DATA_DIR: folder,
    };
    const { url } = this.#keep(await startManager({ env, network }), (one) => one.kill());
    const door = path.join(folder, 'door');
    this.#keep(await openDoor(network, door, url), (one) => endProcess(one, 'SIGTERM'));
    const token = fs.readFileSync(path.join(folder, 'admin-token'), 'utf8').trim();
    return { api: new Api(await this.#leadTo(door), token), url };
  }

  /** The body that puts a value into the keyring of that delegate. */
  async seal({ scope, network }: Side, delegate: string, id: string, value: string): Promise<Json> {
    const env = this.delegateEnvironment(delegate);
    const args = ['secret', 'put', '--scope', scope, '--id', id];
    return JSON.parse(await this.#command(args, { env, input: value, network }));
  }

  /** A clone, made on that side by the system's git. */
  async clone({ name, network, host, account }: Side): Promise<string> {
    const folder = fs.mkdtempSync(path.join(this.home, 'clone-'));
    const { username, password } = account;
    const url = `${host.url}/${name}.git`.replace('://', `://${username}:${password}@`);
    await network.run('git', 'clone', '--quiet', url, folder);
    return folder;
  }

  async stop(): Promise<void> {
    for (const end of this.#ends.toReversed()) await end();
  }

  #keep<T>(one: T, end: (one: T) => Promise<void> | void): T {
    this.#ends.push(() => end(one));
    return one;
  }

  /** Git hosts may be anywhere, as far as either side's settings go. */
  #settings() {
    const { authorityFile, client } = this.#certificates;
    return {
      SALLYPORT_GIT_ALLOW_HTTP: 'true',
      SALLYPORT_GIT_ALLOW_PRIVATE: 'true',
      SALLYPORT_REDIS_CA_FILE: authorityFile,
      SALLYPORT_REDIS_CLIENT_CERTIFICATE_FILE: client.certificateFile,
      SALLYPORT_REDIS_CLIENT_KEY_FILE: client.keyFile,
    };
  }

  async #command(args: string[], options: Parameters<typeof runCommand>[2]): Promise<string> {
    const { code, stdout, stderr } = await runCommand('workers/delegate.js', args, options);
    if (code !== 0) throw new Error(stderr);
    return stdout;
  }

  /** nginx before the manager: by TLS for the private sides, and by a socket in the file system for the test itself. */
  async #openOffice(): Promise<string> {
    const home = path.join(this.home, 'nginx');
    const door = path.join(home, 'door');
    fs.mkdirSync(home);
    fs.writeFileSync(path.join(home, 'nginx.conf'), this.#describeFront(home, door));
    const nginx = findProgram('nginx', 'nginx-light', () => ['/usr/sbin']);
    const command = within(this.office, nginx, ['-p', home, '-c', 'nginx.conf', '-e', 'error.log']);
    const front: ChildProcess = spawn(...command, { stdio: 'ignore' });
    this.#keep(front, (one) => endProcess(one, 'SIGTERM'));
    await reachable(HTTPS, front, 'nginx', this.office);
    return door;
  }

  #describeFront(home: string, door: string): string {
    const { certificateFile, keyFile } = this.#certificates.server;
    const folders = ['client_body', 'fastcgi', 'proxy', 'scgi', 'uwsgi'];
    return [
      // Heeded only where it is run by root.
      'user root;',
      'daemon off;',
      'pid nginx.pid;',
      'events {}',
      'http {',
      'access_log off;',
      ...folders.map((folder) => `${folder}_temp_path ${path.join(home, folder)};`),
      'server {',
      `listen ${OFFICE}:${HTTPS} ssl;`,
      `listen unix:${door};`,
      `ssl_certificate ${certificateFile};`,
      `ssl_certificate_key ${keyFile};`,
      `location / { proxy_pass ${this.manager.url}; proxy_read_timeout 120s; }`,
      '}}',
    ].join('\n');
  }

  /** A URL in the test's own network that leads to the socket. */
  async #leadTo(door: string): Promise<string> {
    const server = net.createServer((near) => {
      const far = net.connect(door);
      near.pipe(far).pipe(near);
      near.on('error', () => far.destroy());
      far.on('error', () => near.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#keep(server, (one) => void one.close());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
}

/** Leads from a socket in the file system to an address in that network. */
async function openDoor(network: OwnNetwork, door: string, url: string): Promise<ChildProcess> {
  const { hostname, port } = new URL(url);
  const script = `
    const net = require('node:net');
    const [door, host, port] = process.argv.slice(1);
    net.createServer((near) => {
      const far = net.connect(port, host);
      near.pipe(far).pipe(near);
      near.on('error', () => far.destroy());
      far.on('error', () => near.destroy());
    }).listen(door, () => console.log('open'));`;
  const child = spawn(...within(network, process.execPath, ['-e', script, door, hostname, port]), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
  return child;
}
