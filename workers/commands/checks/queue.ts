// Whether the delegate reaches its queue, and whether the queue shows it its own tasks and nobody else's.
import type { Config } from '../../../src/config/config.js';
import type { QueueBackend } from '../../../src/queue/backend.js';
import {
  isOpenToAnybody,
  probePostgres,
  probeRedis,
  type QueueProbe,
  type QueueReach,
} from '../../../src/queue/queue-probe.js';
import { type Finding, note, ok, reasonOf, skipped, wrong } from '../../../src/telemetry/examination.js';
import type { EnrolmentFile } from '../../runtime/delegate-files.js';
import { openBackend } from '../../runtime/delegate-runtime.js';
import { type DelegateCheck, NOT_ENROLLED } from './check.js';

const mends: Record<Extract<QueueProbe, { reached: false }>['because'], string> = {
  unreachable:
    'Open the way to it; where the address is wrong, set the manager’s SALLYPORT_REDIS_DELEGATE_URL and enrol again',
  encryption: 'Name the authority of its certificate in SALLYPORT_REDIS_CA_FILE',
  user: 'The manager makes a user that Redis lost again within seconds; if this stays, the delegate was revoked: enrol it again',
};

export const queueCheck: DelegateCheck = {
  name: 'queue',
  look: async ({ config, enrolment }) => {
    if (enrolment === undefined) return [skipped(NOT_ENROLLED)];
    return enrolment.queue.kind === 'redis' ? lookAtRedis(config, enrolment) : [await lookAtPostgres(config)];
  },
};

async function lookAtRedis(config: Config, enrolment: EnrolmentFile): Promise<Finding[]> {
  const { queue, group, delegate } = enrolment;
  const backend = await openBackend(config, enrolment);
  const probe = await probeRedis(backend, { group: group.id, delegate });
  const where = `Redis at ${queue.kind === 'redis' ? new URL(queue.url).host : ''}`;
  const name = 'queue access';
  if (!probe.reached)
    return [
      wrong(`${where}: ${probe.reason}`, mends[probe.because]),
      { name, ...skipped('not looked at: the queue has to be reached first') },
    ];
  const manner = probe.encrypted ? 'over TLS' : 'without TLS';
  return [
    ok(`${where} answers ${manner}`),
    { name, ...judgeReach(probe.access) },
    { name: 'default user', ...(await lookAtDefault(backend)) },
  ];
}

export function judgeReach({ own, others }: QueueReach): Finding {
  const mend =
    'Remove its user from Redis (ACL DELUSER): the manager makes it again, with the rules it should have';
  if (own !== null) return wrong(`its own queue is shut to it: ${own}`, mend);
  if (others.length > 0) return wrong(`it may also read ${others.join(', ')}`, mend);
  return ok('its own queue is open to it, and all others are shut');
}

/** Whoever has no name may meet another fault than whoever has one: Redis may be full by now, or shut. */
export async function lookAtDefault(backend: QueueBackend): Promise<Finding> {
  let isOpen: boolean;
  try {
    isOpen = await isOpenToAnybody(backend);
  } catch (error) {
    return note(`whether Redis obeys somebody without a name is not known: ${reasonOf(error)}`, 'Ask again');
  }
  if (!isOpen) return ok('Redis obeys nobody who does not say who it is');
  return wrong(
    'Redis answered PING to somebody without a name and a password: what that user may do, anybody may',
    'Have the operators of Redis turn it off (ACL SETUSER default off), as deploy/redis does',
  );
}

async function lookAtPostgres({ DATABASE_URL: url }: Config): Promise<Finding> {
  if (url === undefined)
    return wrong(
      'it is in the manager’s database, and DATABASE_URL is not set',
      'Set DATABASE_URL as the manager has it',
    );
  const reason = await probePostgres(url);
  if (reason !== null)
    return wrong(`PostgreSQL does not answer: ${reason}`, 'Set DATABASE_URL as the manager has it');
  return ok('PostgreSQL answers; it keeps no groups apart, and is for one machine alone');
}
