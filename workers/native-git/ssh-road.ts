// The way over SSH: the system's ssh, which dials the address that was checked, believes only the connector's host keys, and
// asks a private agent to sign. Nothing of the machine's or the user's SSH configuration has a say.
import fs from 'node:fs';
import path from 'node:path';
import type { Credential } from '../../src/git/git.js';
import { isSshUser, parseSshUrl, SSH_PORT, type SshAddress } from '../../src/git/remote-url.js';
import { Failure } from '../../src/kernel/failure.js';
import { findListening, resolveNamed } from './addresses.js';
import type { Journey, Road, RoadOptions } from './road.js';
import { SshAgent } from './ssh-agent.js';

/** Seconds a host may take to answer at all. */
const CONNECT_SECONDS_MAX = 20;

export class SshRoad implements Road {
  readonly host: string;
  readonly repository: string;
  readonly #address: SshAddress;
  readonly #user: string;
  readonly #options: RoadOptions;
  #agent: Promise<SshAgent> | null = null;
  #hasKey = false;
  #dialled: string | undefined;

  /** @throws Failure CONNECTOR_DENIED */
  constructor(options: RoadOptions) {
    const address = parseSshUrl(options.remote.url);
    this.#options = options;
    this.#address = address;
    this.host = address.port === SSH_PORT ? address.name : `${address.name}:${address.port}`;
    this.#user = chooseUser(address, options.remote.credential, this.host);
    if ((options.remote.knownHosts ?? '').trim() === '') throw deny(this.host, 'it has no known hosts');
    this.repository = this.#url();
  }

  async prepare(command: { anonymous: boolean; secondsLeft: number }): Promise<Journey> {
    this.#dialled ??= await findListening(await this.#resolve(), this.#address.port);
    const agent = await this.#openAgent(command.secondsLeft);
    if (!command.anonymous) await this.#addKey(agent, command.secondsLeft);
    const connectSeconds = Math.max(1, Math.min(CONNECT_SECONDS_MAX, Math.floor(command.secondsLeft)));
    return {
      protocols: 'ssh',
      config: [['remote.origin.url', this.#url()]],
      environment: {
        GIT_SSH: this.#options.scripts.ssh,
        GIT_SSH_VARIANT: 'ssh',
        SALLYPORT_SSH_ADDRESS: this.#dialled,
        SALLYPORT_SSH_NAME: this.#nameOfHostKey(),
        SALLYPORT_SSH_KNOWN_HOSTS: path.join(agent.folder, 'known_hosts'),
        SALLYPORT_SSH_AGENT: command.anonymous ? 'none' : agent.socket,
        SALLYPORT_SSH_CONNECT_SECONDS: String(connectSeconds),
      },
    };
  }

  async confirmEmpty(): Promise<void> {
    // Over SSH git speaks with git alone, or fails.
  }

  rest(): void {
    // The agent keeps the key until the operation ends.
  }

  async close(): Promise<void> {
    const agent = await this.#agent?.catch(() => null);
    await agent?.close();
  }

  async #openAgent(secondsMax: number): Promise<SshAgent> {
    this.#agent ??= SshAgent.start(this.#options.scripts, secondsMax);
    const agent = await this.#agent;
    fs.writeFileSync(path.join(agent.folder, 'known_hosts'), `${this.#options.remote.knownHosts}\n`, {
      mode: 0o600,
    });
    return agent;
  }

  async #addKey(agent: SshAgent, secondsMax: number): Promise<void> {
    const { credential } = this.#options.remote;
    if (this.#hasKey || credential === undefined) return;
    await agent.add(await credential.open(), secondsMax, await credential.openPassphrase?.());
    this.#hasKey = true;
  }

  #resolve() {
    return resolveNamed(this.host, this.#address.name, this.#options.network);
  }

  /** The address with its user, as git takes it. */
  #url(): string {
    const { name, port, path: file, isScpLike } = this.#address;
    const literal = name.includes(':') ? `[${name}]` : name;
    const host = `${this.#user}@${literal}`;
    return isScpLike ? `${host}:${file}` : `ssh://${host}:${port}${file}`;
  }

  /** As known_hosts lists it: 'git.example', '[git.example]:2222' */
  #nameOfHostKey(): string {
    const { name, port } = this.#address;
    return port === SSH_PORT ? name : `[${name}]:${port}`;
  }
}

function chooseUser({ user }: SshAddress, credential: Credential | undefined, host: string): string {
  const chosen = user ?? credential?.username ?? '';
  if (!isSshUser(chosen)) throw deny(host, 'its user name is not plain');
  if (credential !== undefined && credential.username !== chosen)
    throw deny(host, 'its user is not the one of the credential');
  return chosen;
}

function deny(url: string, reason: string): Failure {
  return new Failure('CONNECTOR_DENIED', { url, reason }) as Failure;
}
