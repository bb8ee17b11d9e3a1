// Which commands each user of a Redis runs: its own and those inside its scripts.
import { Redis } from 'ioredis';

export interface Watch {
  /** Names of commands by user, `client|setname` where there is a subcommand. */
  used: (user: string) => string[];
  stop: () => void;
}

/** Commands that are nothing without the next word. */
const CONTAINERS = new Set(['client', 'acl', 'xinfo', 'config', 'script', 'object', 'memory']);

/** @param url of a user that may do everything */
export async function watchRedis(url: string): Promise<Watch> {
  const root = new Redis(url);
  const monitor = await root.monitor();
  const users = new Map<string, Promise<string>>();
  const used = new Map<string, Set<string>>();
  let caller = '';
  const userAt = async (address: string): Promise<string> => {
    const list = (await root.client('LIST')) as string;
    const line = list.split('\n').find((one) => one.includes(` addr=${address} `));
    return /user=(\S+)/.exec(line ?? '')?.[1] ?? 'gone';
  };
  monitor.on('monitor', (_time: string, args: string[], source: string) => {
    // What a script runs follows the call of the script.
    if (source !== 'lua') caller = source;
    const from = caller;
    if (!users.has(from)) users.set(from, userAt(from));
    const [first = '', second = ''] = args.map((word) => word.toLowerCase());
    const name = CONTAINERS.has(first) ? `${first}|${second}` : first;
    void users.get(from)?.then((user) => used.set(user, (used.get(user) ?? new Set()).add(name)));
  });
  return {
    used: (user) => [...(used.get(user) ?? [])].toSorted(),
    stop: () => {
      monitor.disconnect();
      root.disconnect();
    },
  };
}
