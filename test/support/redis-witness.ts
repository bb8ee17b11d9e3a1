// All that somebody sees who may do everything in a Redis: its files, its keys, and every command while it runs.
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { Redis } from 'ioredis';
import { eventually } from './api.js';
import type { LeakSearch } from './leaks.js';

/** What is seen, by where: `snapshot`, `log of writes`, `keys`, `commands`. */
export type Sight = Record<'snapshot' | 'log of writes' | 'keys' | 'commands', Buffer>;

/** Where something was seen that must not be. */
export const leaksOf = (what: LeakSearch, sight: Sight): string[] =>
  Object.entries(sight).flatMap(([where, bytes]) => (what.holds(bytes) ? [where] : []));

export class RedisWitness {
  readonly #redis: Redis;
  readonly #commands: Buffer[] = [];
  readonly #monitor: net.Socket;

  private constructor(
    url: string,
    private readonly directory: string,
  ) {
    this.#redis = new Redis(url);
    const { hostname, port } = new URL(url);
    this.#monitor = net.connect(Number(port), hostname);
    this.#monitor.on('data', (chunk: Buffer) => this.#commands.push(chunk)).write('MONITOR\r\n');
  }

  /** @param url of one that needs no password */
  static async of({ url, directory }: { url: string; directory: string }): Promise<RedisWitness> {
    const witness = new RedisWitness(url, directory);
    // What is packed cannot be searched.
    await witness.#redis.config('SET', 'rdbcompression', 'no');
    await witness.#redis.set('witness', 'begins');
    await eventually(async () => witness.commands.includes('begins'), 'the stream of commands to begin');
    return witness;
  }

  /** As Redis writes them, and as they were before it quoted them. */
  get commands(): Buffer {
    const quoted = Buffer.concat(this.#commands);
    const plain = quoted
      .toString('latin1')
      .replaceAll(/\\(?:x([0-9a-f]{2})|(.))/g, (_, code: string | undefined, letter: string) =>
        code === undefined ? letter : String.fromCharCode(Number.parseInt(code, 16)),
      );
    return Buffer.concat([quoted, Buffer.from(plain, 'latin1')]);
  }

  async see(): Promise<Sight> {
    return {
      snapshot: await this.#snapshot(),
      'log of writes': this.#logOfWrites(),
      keys: await this.#keys(),
      commands: this.commands,
    };
  }

  /** Names of keys. */
  async find(pattern: string): Promise<string[]> {
    const found = new Set<string>();
    for (let cursor = '0'; ; ) {
      const [next, keys] = await this.#redis.scan(cursor, 'MATCH', pattern, 'COUNT', 1_000);
      for (const key of keys) found.add(key);
      if (next === '0') return [...found];
      cursor = next;
    }
  }

  async put(key: string, value: string): Promise<void> {
    await this.#redis.set(key, value);
    await eventually(async () => this.commands.includes(key), 'the stream of commands to come so far');
  }

  stop(): void {
    this.#monitor.destroy();
    this.#redis.disconnect();
  }

  async #snapshot(): Promise<Buffer> {
    const file = path.join(this.directory, 'dump.rdb');
    fs.rmSync(file, { force: true });
    await this.#redis.bgsave();
    await eventually(async () => {
      const state = await this.#redis.info('persistence');
      return state.includes('rdb_bgsave_in_progress:0') && fs.existsSync(file);
    }, 'the snapshot to be written');
    return fs.readFileSync(file);
  }

  #logOfWrites(): Buffer {
    const folder = path.join(this.directory, 'appendonlydir');
    return Buffer.concat(fs.readdirSync(folder).map((name) => fs.readFileSync(path.join(folder, name))));
  }

  /** Each key's name and its value as it is kept; one that has gone meanwhile has none. */
  async #keys(): Promise<Buffer> {
    const keys = await this.find('*');
    const values = await Promise.all(keys.map((key) => this.#redis.dumpBuffer(key)));
    return Buffer.concat(keys.flatMap((key, at) => [Buffer.from(`${key}\n`), values[at] ?? Buffer.alloc(0)]));
  }
}
