import { Controller, Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { version } from '../config/version.js';
import { contractOldest, contractVersion } from '../contract/version.js';
import { DelegatesRepository } from '../delegates/delegates.repository.js';
import { JobQueue } from '../queue/job-queue.js';
import { Backend } from '../queue/queue.module.js';
import { accountOf } from '../scopes/scope.js';
import { Deployment } from '../secrets/deployment.js';
import { MasterKeyBeat } from '../secrets/master-key-beat.js';
import { Storage } from '../storage/database.js';
import { Sweep } from '../sync/sweep.js';
import { Answers } from './answers.js';

const Part = z.strictObject({ up: z.boolean(), why: z.string() });

export const HealthAnswer = z
  .strictObject({
    up: z.boolean(),
    deployment: z.string().optional(),
    version: z.string().optional().meta({ description: 'Of this Sallyport' }),
    contract: z.int().optional(),
    contractOldest: z.int().optional(),
    database: Part.optional(),
    queue: Part.optional(),
    sweep: Part.optional(),
    masterKeys: Part.optional(),
    delegates: z
      .array(
        z.strictObject({
          name: z.string(),
          group: z.string(),
          version: z.string(),
          alive: z.boolean(),
          lastSeenAt: z.iso.datetime().nullable(),
        }),
      )
      .optional(),
  })
  .meta({ id: 'Health' });

const PROBE_MS = 2_000;

@Controller('health')
export class HealthController {
  constructor(
    private readonly storage: Storage,
    private readonly jobs: JobQueue,
    private readonly backend: Backend,
    private readonly sweep: Sweep,
    private readonly masterKeys: MasterKeyBeat,
    private readonly delegates: DelegatesRepository,
    private readonly deployment: Deployment,
  ) {}

  /** Up means that saves are acknowledged: the database answers. Work that waits for the queue is not lost. */
  @Get()
  @Answers({
    needs: 'sign-in if shown',
    summary: 'Whether Sallyport is up, and which contract it speaks; with a token, every dependency and why',
    200: HealthAnswer,
    503: HealthAnswer,
  })
  async get(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const database = await probe('PostgreSQL answers', () => this.storage.ping());
    if (!database.up) reply.status(503);
    if (request.caller === undefined) return withoutToken(database.up, request);
    const queue = await probe(
      `${this.backend.kind === 'redis' ? 'Redis' : 'the queue in PostgreSQL'} answers`,
      () => this.jobs.ping(),
    );
    const fault = this.sweep.fault;
    const keyFault = this.masterKeys.fault;
    return {
      up: database.up,
      deployment: this.deployment.id,
      version,
      contract: contractVersion,
      contractOldest,
      database,
      queue,
      sweep: { up: fault === undefined, why: fault ?? 'unfinished operations are looked for every second' },
      masterKeys: { up: keyFault === undefined, why: keyFault ?? 'the key file has every master key' },
      delegates: database.up ? await this.#delegatesOf(request.caller.account) : [],
    };
  }

  async #delegatesOf(account: string) {
    const all = (await this.delegates.listAll()).filter(({ scope }) => accountOf(scope) === account);
    return all.map(({ name, group, version, alive, lastSeenAt }) => ({
      name,
      group,
      version,
      alive,
      lastSeenAt: lastSeenAt?.toISOString() ?? null,
    }));
  }
}

/** Up or not, and what is spoken; to a token that the silent database kept from being checked, also why. */
function withoutToken(up: boolean, { headers }: FastifyRequest): z.infer<typeof HealthAnswer> {
  const spoken = { contract: contractVersion, contractOldest };
  if (up || headers.authorization === undefined) return { up, ...spoken };
  return {
    up,
    ...spoken,
    database: { up, why: 'PostgreSQL does not answer, so the token cannot be checked' },
  };
}

async function probe(why: string, ask: () => Promise<void>): Promise<z.infer<typeof Part>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PROBE_MS / 1000} s`)), PROBE_MS);
  });
  try {
    await Promise.race([ask(), late]);
    return { up: true, why };
  } catch (error) {
    return { up: false, why: (error as Error).message };
  } finally {
    clearTimeout(timer);
  }
}
