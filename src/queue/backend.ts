// Where BullMQ keeps its queues: Redis, or the database when there is no Redis. Chosen once per process.

import type { QueueEventsOptions, QueueOptions, WorkerOptions } from 'bullmq';
import { createPostgresBackend, runMigrations, setDefaultBackendFactory } from 'bullmq';
import pg from 'pg';
import { Failure } from '../kernel/failure.js';
import { boundedConnector, REPLY_BYTES_MAX } from './bounded-replies.js';
import { type RedisFiles, redisEndpoint } from './redis-endpoint.js';

/** How long a worker's claim on a job lasts without renewal, and how often dead claims are looked for. */
const LOCK_MS = 10_000;
const STALLED_MS = 5_000;
/** How often a job may lose its worker before it counts as failed. */
const STALLED_MAX = 5;
const POSTGRES_POOL_MAX = 4;

export interface QueueBackend {
  kind: 'redis' | 'postgres';
  /** Fails fast: a request must not hang because Redis is away. */
  producer: QueueOptions;
  /** Waits: a worker has nothing better to do. */
  worker: Pick<
    WorkerOptions,
    'connection' | 'prefix' | 'lockDuration' | 'stalledInterval' | 'maxStalledCount' | 'blockingConnection'
  >;
  events: QueueEventsOptions;
}

type Connection = QueueOptions['connection'];

/**
 * Chooses Redis when there is a URL for it, else PostgreSQL, whose queue tables it brings up to date.
 * Must be called before any queue of the process is made.
 * @throws CONFIGURATION_INVALID
 */
export async function openQueueBackend(
  urls: { redisUrl: string | undefined; databaseUrl: string | undefined },
  files: RedisFiles = {},
): Promise<QueueBackend> {
  if (urls.redisUrl !== undefined) return redisBackend(urls.redisUrl, files);
  if (urls.databaseUrl === undefined)
    throw new Failure('CONFIGURATION_INVALID', {
      problems: ['REDIS_URL or DATABASE_URL is required for the queue'],
    });
  await migrate(urls.databaseUrl);
  setDefaultBackendFactory(createPostgresBackend as never);
  const connection = { connectionString: urls.databaseUrl, max: POSTGRES_POOL_MAX } as unknown as Connection;
  return backend('postgres', connection, connection);
}

function redisBackend(url: string, files: RedisFiles): QueueBackend {
  const endpoint = { ...redisEndpoint(url, files), Connector: boundedConnector(REPLY_BYTES_MAX) };
  const producer = {
    ...endpoint,
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    connectTimeout: 5_000,
  };
  return backend('redis', producer, { ...endpoint, maxRetriesPerRequest: null });
}

function backend(kind: QueueBackend['kind'], producer: Connection, waiting: Connection): QueueBackend {
  return {
    kind,
    producer: { connection: producer },
    worker: {
      connection: waiting,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_MS,
      maxStalledCount: STALLED_MAX,
    },
    // Short reads, since the PostgreSQL backend can miss the wake-up of an event.
    events: { connection: waiting, blockingTimeout: 500 },
  };
}

async function migrate(connectionString: string): Promise<void> {
  const pool = new pg.Pool({ connectionString, max: 1 });
  pool.on('error', () => undefined);
  const client = await pool.connect();
  try {
    await runMigrations(client);
  } finally {
    client.release();
    await pool.end();
  }
}

/** Each group's keys begin with its own prefix: one access pattern, and one cluster slot, per group. */
export const groupPrefix = (group: string): string => `{sallyport:${group}}`;
export const managerPrefix = '{sallyport}';
/** Every delegate takes from a queue of its own. PostgreSQL knows no prefixes, so names are unique by themselves. */
export const taskQueueName = (delegate: string): string => `tasks-${delegate}`;
export const presenceQueueName = (group: string): string => `presence-${group}`;
