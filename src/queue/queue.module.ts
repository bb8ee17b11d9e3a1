// BullMQ's place in the manager. Everything that knows of BullMQ or Redis is in this folder.
import { BullModule } from '@nestjs/bullmq';
import { Module } from '@nestjs/common';
import { Config } from '../config/config.js';
import { managerPrefix, openQueueBackend, type QueueBackend } from './backend.js';
import { JOBS, JobQueue, JobWorker } from './job-queue.js';
import { QueueAccess } from './queue-access.js';

/** The chosen backend, as a value that can be injected. */
export abstract class Backend implements QueueBackend {
  abstract kind: QueueBackend['kind'];
  abstract producer: QueueBackend['producer'];
  abstract worker: QueueBackend['worker'];
  abstract events: QueueBackend['events'];
}

@Module({
  providers: [
    {
      provide: Backend,
      inject: [Config],
      useFactory: (config: Config) =>
        openQueueBackend({ redisUrl: config.REDIS_URL, databaseUrl: config.DATABASE_URL }, config),
    },
  ],
  exports: [Backend],
})
class BackendModule {}

@Module({
  imports: [
    BackendModule,
    BullModule.forRootAsync({
      imports: [BackendModule],
      inject: [Backend],
      // The worker shares this connection's settings and must not give up while Redis is away.
      useFactory: (backend: Backend) => ({ connection: backend.worker.connection, prefix: managerPrefix }),
    }),
    BullModule.registerQueue({ name: JOBS }),
  ],
  providers: [
    JobQueue,
    JobWorker,
    {
      provide: QueueAccess,
      inject: [Config, Backend],
      useFactory: (config: Config, backend: Backend) =>
        new QueueAccess(backend, config.SALLYPORT_REDIS_ADMIN_URL ?? config.REDIS_URL, config),
    },
  ],
  exports: [BackendModule, JobQueue, JobWorker, QueueAccess],
})
export class QueueModule {}
