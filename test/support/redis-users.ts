// A Redis as it is shipped, with delegates admitted to it, and somebody who may do everything.
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { type Admitted, makePassword, QueueAccess, userOf } from '../../src/queue/queue-access.js';
import { type RunningRedis, startRedis } from './servers.js';

export interface Member extends Admitted {
  user: string;
  /** With its user name and password. */
  url: string;
}

export class RedisWithUsers {
  readonly #clients: Redis[] = [];
  #rootUrl = '';

  private constructor(
    public redis: RunningRedis,
    readonly access: QueueAccess,
  ) {}

  static async start(): Promise<RedisWithUsers> {
    const redis = await startRedis(undefined, { users: true });
    const made = new RedisWithUsers(
      redis,
      new QueueAccess({ kind: 'redis' }, redis.adminUrl, { inspectionMs: 0 }),
    );
    await made.makeRoot();
    return made;
  }

  /** A user that no configuration of ours has. */
  async makeRoot(): Promise<Redis> {
    const { password, passwordHash } = makePassword();
    const admin = this.connect(this.redis.adminUrl);
    await admin.call('ACL', 'SETUSER', 'root', 'reset', 'on', `#${passwordHash}`, '~*', '&*', '+@all');
    await admin.call('ACL', 'SAVE');
    this.#rootUrl = this.urlOf('root', password);
    return this.connect(this.#rootUrl);
  }

  /** Of a user that may do everything. */
  get rootUrl(): string {
    return this.#rootUrl;
  }

  async admit({ group = newId('g'), delegate = newId('d') }: Partial<Admitted> = {}): Promise<Member> {
    const { password, passwordHash } = makePassword();
    await this.access.admit({ delegate, group, passwordHash });
    const user = userOf(delegate);
    return { delegate, group, passwordHash, user, url: this.urlOf(user, password) };
  }

  urlOf(user: string, password: string): string {
    return this.redis.endpoint.replace('://', `://${user}:${password}@`);
  }

  connect(url: string): Redis {
    const client = new Redis(url, {
      maxRetriesPerRequest: 1,
      disableClientInfo: true,
      retryStrategy: () => null,
    });
    client.on('error', () => undefined);
    this.#clients.push(client);
    return client;
  }

  /** Kills Redis and starts it again with what is on its disk. */
  async restart(): Promise<void> {
    await this.redis.kill();
    this.redis = await startRedis(this.redis.directory);
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.disconnect();
    await this.access.close();
    await this.redis.stop();
  }
}

export const newId = (kind: 'd' | 'g'): string => `${kind}${randomBytes(8).toString('hex')}`;
