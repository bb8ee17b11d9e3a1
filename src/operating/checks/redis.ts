// Twelve things that a Redis has to be so that delegates are kept apart and no task is thrown away.
import type { RedisFacts } from '../../queue/redis-probe.js';
import { type Finding, note, ok, skipped, wrong } from '../../telemetry/examination.js';
import type { ManagerCheck } from './patient.js';

const DEPLOYED = 'as deploy/redis does';

const about = (name: string, look: (facts: RedisFacts) => Finding): ManagerCheck => ({
  name: `Redis ${name}`,
  look: ({ redis }) => {
    if (redis === undefined) return [];
    return typeof redis === 'string' ? skipped('not looked at: Redis does not answer') : look(redis);
  },
});

export const redisChecks: ManagerCheck[] = [
  {
    name: 'queue',
    look: ({ redis }) => {
      if (redis === undefined)
        return note(
          'the queue is in PostgreSQL, which keeps delegate groups apart from nobody',
          'Set REDIS_URL where more than one machine, or anybody else’s delegates, take part',
        );
      if (typeof redis === 'string')
        return wrong(
          `Redis does not answer: ${redis}`,
          'Set REDIS_URL as the managers have it, or open the way',
        );
      return ok('Redis answers');
    },
  },
  about('version', ({ product, version }) => judgeRedis(product, version)),
  about('user', ({ user }) =>
    user === 'default'
      ? wrong(
          'managers are its default user, who may do anything',
          `Make users, ${DEPLOYED}, and name one in REDIS_URL`,
        )
      : ok(`managers are ${user}`),
  ),
  about('encryption', ({ isEncrypted }) =>
    isEncrypted
      ? ok('the connection is encrypted')
      : wrong(
          'the connection is not encrypted: the password passes in the clear',
          `Let Redis listen by TLS alone, ${DEPLOYED}, and use rediss: in REDIS_URL`,
        ),
  ),
  about('addresses', ({ addresses }) => judgeAddresses(addresses)),
  about('strangers', ({ isOpen }) =>
    isOpen
      ? wrong(
          'it obeys whoever reaches it without a name and a password, so that protected mode is all that is left',
          `Turn its default user off (ACL SETUSER default off), ${DEPLOYED}`,
        )
      : ok('it obeys nobody who does not say who it is'),
  ),
  about('eviction', ({ policy }) =>
    policy === 'noeviction'
      ? ok('nothing is thrown away')
      : wrong(
          `maxmemory-policy is ${policy}: tasks are thrown away when memory is short`,
          'Set maxmemory-policy noeviction',
        ),
  ),
  about('memory', ({ memoryMax }) =>
    memoryMax > 0
      ? ok(`it takes ${Math.round(memoryMax / 1024 / 1024)} MiB at most`)
      : wrong('it may take all the memory of its machine', `Set maxmemory, ${DEPLOYED}`),
  ),
  about('file of writes', ({ hasAppendFile }) =>
    hasAppendFile
      ? ok('every write is on its disk')
      : wrong(
          'it keeps no file of writes: after a restart all that waits is sent again, and its users are gone',
          'Set appendonly yes',
        ),
  ),
  about('disk', ({ diskFaults }) =>
    diskFaults.length === 0
      ? ok('what it wrote is on its disk')
      : wrong(diskFaults.join('; '), 'Look at its log, and at the room and the rights on its disk'),
  ),
  about('commands', ({ commands, user }) =>
    commands.length === 0
      ? ok(`${user} may run nothing that it does not need`)
      : wrong(
          `${user} may run ${commands.join(', ')}`,
          `Give it the commands it needs and no other, ${DEPLOYED}`,
        ),
  ),
  about('keys', ({ hasAllKeys, user }) =>
    hasAllKeys
      ? wrong(
          `${user} may use keys that are not Sallyport’s`,
          `Give it the keys of Sallyport alone, ${DEPLOYED}`,
        )
      : ok('its keys are Sallyport’s alone'),
  ),
  about('replicas', ({ replicas, heedsReplicas }) => {
    if (replicas === 0) return ok('it has none');
    if (heedsReplicas) return ok(`${replicas}, and it takes no writes when none follows closely`);
    return note(
      `${replicas}, and it goes on when none of them follows: a failover may bring back an older state`,
      'Set min-replicas-to-write 1 and min-replicas-max-lag 10',
    );
  }),
];

/** By branch, the version with the last fixes that matter. */
const FLOORS = {
  redis: { '7.2': 11, '7.4': 6, '8.0': 4, '8.2': 2 },
  valkey: { '7.2': 11, '8.0': 6, '8.1': 4 },
} as const;
/** What distributions keep mending under this number. */
const DISTRIBUTED = '7.0.15';

export function judgeRedis(product: 'redis' | 'valkey', version: string): Finding {
  const name = product === 'redis' ? 'Redis' : 'Valkey';
  const found = `${name} ${version}`;
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  if (product === 'redis' && version === DISTRIBUTED)
    return note(
      `${found}, which is whole only with a distribution’s fixes`,
      'On Debian 12 that is 7.0.15-1~deb12u10 or later',
    );
  const floors: Record<string, number> = FLOORS[product];
  const floor = floors[`${major}.${minor}`];
  const branches = Object.keys(floors).map(Number);
  const isNewer = major + minor / 10 > Math.max(...branches);
  if (floor === undefined && isNewer) return ok(found);
  if (floor !== undefined && patch >= floor) return ok(found);
  const least =
    floor === undefined
      ? `${branches[0]?.toFixed(1)}.${floors[String(branches[0]?.toFixed(1))]}`
      : `${major}.${minor}.${floor}`;
  return wrong(`${found} lacks fixes`, `Upgrade it to ${least} at least`);
}

/** Redis says so from 7.2 on. */
export function judgeAddresses(addresses: string[]): Finding {
  const open = addresses.filter(
    (address) => /^-?(\*|0\.0\.0\.0|::|::\*|-::\*)$/.test(address) || address === '',
  );
  if (open.length === 0 && addresses.length > 0) return ok(`it listens on ${addresses.join(', ')}`);
  if (addresses.length === 0)
    return note('it does not say where it listens', 'Look at bind in its configuration');
  return wrong(
    'it listens on every address of its machine',
    `Set bind to those that managers and delegates dial, ${DEPLOYED}`,
  );
}
