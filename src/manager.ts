// Builds, starts and drains the manager.
import fs from 'node:fs';
import type { Server } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { registerAccess } from './api/access.js';
import { registerActing } from './api/acting.js';
import { registerBodyParsers } from './api/body-parsers.js';
import { httpServer, registerQueryCheck } from './api/http-server.js';
import { buildOpenApi } from './api/openapi.js';
import { registerPage } from './api/page.js';
import { registerRequestRecord } from './api/request-record.js';
import { registerWebhookDoor } from './api/webhook-door.js';
import { Attempts } from './audit/attempts.js';
import type { Config } from './config/config.js';
import { version } from './config/version.js';
import { SealedValuesFlow } from './connectivity/sealed-values.flow.js';
import { SecretAuditFlow } from './connectivity/secret-audit.flow.js';
import { SecretOperationsFlow } from './connectivity/secret-operations.flow.js';
import { DelegatesRepository } from './delegates/delegates.repository.js';
import { DelegatesService } from './delegates/delegates.service.js';
import { Dispatcher } from './delegates/dispatcher.js';
import { GroupRotationFlow } from './delegates/group-rotation.flow.js';
import { DocumentValidator } from './entities/document.js';
import { EventFeed } from './events/event-feed.js';
import { EventRetention } from './events/event-retention.js';
import { allows } from './identity/caller.js';
import { allPermissions } from './identity/permissions.js';
import { SessionsRepository } from './identity/sessions.repository.js';
import { TokensRepository } from './identity/tokens.repository.js';
import { ImportFlow } from './imports/import.flow.js';
import { Failure } from './kernel/failure.js';
import { awaitListening } from './kernel/listening.js';
import type { Log } from './kernel/log.js';
import { managerModule } from './manager.module.js';
import { MoveWaits } from './moves/move-waits.js';
import type { ManagerSigns } from './operating/manager-signs.js';
import { PullRequestsFlow } from './pulls/pull-requests.flow.js';
import { PullWaits } from './pulls/pull-waits.js';
import { JobQueue, JobWorker } from './queue/job-queue.js';
import { TaskQueue } from './queue/task-queue.js';
import { ScopesRepository } from './scopes/scopes.repository.js';
import { MasterKeyBeat } from './secrets/master-key-beat.js';
import { Storage } from './storage/database.js';
import { MANAGER_NAME } from './storage/database-probe.js';
import { DeliveryFlow } from './subscriptions/delivery.flow.js';
import { LaneFlow } from './sync/lane.flow.js';
import { PollFlow } from './sync/poll.flow.js';
import { Sweep } from './sync/sweep.js';
import { Waits } from './sync/waits.js';
import { openTraces } from './telemetry/traces.js';
import { DeliveriesFlow } from './webhooks/deliveries.flow.js';
import { ReceptionFlow } from './webhooks/reception.flow.js';

const ADMIN_TOKEN_DAYS = 365;
/** For what is answered at the end, when nothing is worked on any more. */
const CLOSE_MS = 2_000;

/** Beside the compiled sources: `dist/web`. */
const pageFolder = fileURLToPath(new URL('../web', import.meta.url));

export interface Manager {
  /** `http://host:port` as it listens. */
  url: string;
  /** Stops taking, finishes what runs, and lets go of everything. */
  drain: () => Promise<void>;
}

/** @throws CONFIGURATION_INVALID, KEY_FILE_UNUSABLE, and what the database throws */
export async function startManager(config: Config, log: Log): Promise<Manager> {
  if (config.DATABASE_URL === undefined)
    throw new Failure('CONFIGURATION_INVALID', {
      problems: ['DATABASE_URL is required for the manager alone: set it, or use `npm start`'],
    });
  const closeTraces = await openTraces(config, { name: 'manager', version });
  const storage = new Storage(config.DATABASE_URL, `${MANAGER_NAME}${version}`);
  await storage.migrate();
  const app = await NestFactory.create<NestFastifyApplication>(
    managerModule(config, log, storage),
    new FastifyAdapter({ ...httpServer, trustProxy: trustedBy(config) }),
    { logger: false, bodyParser: false, abortOnError: false },
  );
  const signs = await openSigns(app, config, { storage, log });
  await prepare(app, log);
  await begin(app, config);
  await awaitListening(app.listen(config.SALLYPORT_PORT, config.SALLYPORT_HOST), {
    what: 'The manager',
    address: `${config.SALLYPORT_HOST}:${config.SALLYPORT_PORT}`,
    setting: 'SALLYPORT_PORT',
  });
  return {
    url: await app.getUrl(),
    drain: async () => {
      signs?.drain();
      await drain(app, storage);
      signs?.close();
      await closeTraces();
    },
  };
}

/** Where nobody asks for it, nothing of it is loaded and nothing counted. @throws ADDRESS_IN_USE */
async function openSigns(
  app: NestFastifyApplication,
  { SALLYPORT_HEALTH_PORT: port, SALLYPORT_HEALTH_HOST: host }: Config,
  { storage, log }: { storage: Storage; log: Log },
): Promise<ManagerSigns | undefined> {
  if (port === undefined) return undefined;
  const [{ ManagerSigns: Signs }, { LevelsRepository }] = await Promise.all([
    import('./operating/manager-signs.js'),
    import('./operating/levels.repository.js'),
  ]);
  const levels = new LevelsRepository(storage);
  const parts = {
    pingDatabase: () => storage.ping(),
    readStored: () => levels.read(),
    listDelegates: () => app.get(DelegatesRepository).listAll(),
    queueDepth: () => app.get(JobQueue).depth(),
    pool: () => storage.pool,
    faults: () => [app.get(Sweep).fault, app.get(MasterKeyBeat).fault].filter((fault) => fault !== undefined),
  };
  const signs = new Signs(parts, version);
  await signs.serve({ host, port }, log);
  return signs;
}

/** Whose word for where a request came from is taken. */
function trustedBy({ SALLYPORT_TRUSTED_PROXIES: proxies }: Config): (address: string) => boolean {
  return (address) => proxies?.has(address) === true;
}

async function prepare(app: NestFastifyApplication, log: Log): Promise<void> {
  app.setGlobalPrefix('api/v1');
  const fastify = app.getHttpAdapter().getInstance();
  registerRequestRecord(fastify as never);
  registerBodyParsers(fastify as never);
  registerAccess(
    fastify as never,
    { tokens: app.get(TokensRepository), sessions: app.get(SessionsRepository) },
    log,
  );
  registerQueryCheck(fastify as never);
  registerActing(fastify as never, app.get(Attempts));
  registerWebhookDoor(fastify as never, app.get(ReceptionFlow), log);
  registerPage(fastify as never, pageFolder, log);
  // Made when it is first asked for: nobody should wait for it before the manager listens.
  let document: ReturnType<typeof buildOpenApi> | undefined;
  fastify.get('/api/v1/openapi.json', { config: { needs: 'sign-in' } }, async () => {
    document ??= buildOpenApi(app, version);
    return document.catch((error: unknown) => {
      document = undefined;
      throw error;
    });
  });
  await app.init();
}

async function begin(app: NestFastifyApplication, config: Config): Promise<void> {
  await app.get(MasterKeyBeat).start();
  if (config.SALLYPORT_ACCOUNT !== undefined) await openAccount(app, config, config.SALLYPORT_ACCOUNT);
  const lanes = app.get(LaneFlow);
  // A job only says where to look: it does not stand in the way of the next one while the lane has its turns.
  app.get(JobWorker).start({ 'lane.run': async (due) => lanes.begin(due) }, config.SALLYPORT_LANES_MAX);
  await app.get(DelegatesService).listen(app.get(Dispatcher));
  app.get(Attempts).start();
  app.get(Sweep).start();
  app.get(PollFlow).start();
  app.get(ImportFlow).start();
  app.get(PullRequestsFlow).start();
  app.get(SealedValuesFlow).start();
  app.get(SecretOperationsFlow).start();
  app.get(SecretAuditFlow).start();
  app.get(GroupRotationFlow).start();
  await app.get(EventRetention).start();
  app.get(EventFeed).start();
  app.get(DeliveryFlow).start();
  app.get(DeliveriesFlow).start();
}

/** The first account, and an admin token for it in a file that only this user reads; renewed when it is no longer good. */
async function openAccount(app: NestFastifyApplication, config: Config, name: string): Promise<void> {
  const account = `accounts/${name}`;
  const scopes = app.get(ScopesRepository);
  const tokens = app.get(TokensRepository);
  await scopes.get(account).catch(() => scopes.put(account, name));
  const file = path.join(config.SALLYPORT_DATA_DIR, 'admin-token');
  const present = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim() : '';
  const isGood = await tokens.authenticate(present).then(
    (caller) => allPermissions.every((permission) => allows(caller, permission, account)),
    () => false,
  );
  if (isGood) return;
  fs.mkdirSync(config.SALLYPORT_DATA_DIR, { recursive: true });
  const fresh = `${file}.${process.pid}`;
  const expiresAt = new Date(Date.now() + ADMIN_TOKEN_DAYS * 86_400_000);
  const wish = { scope: account, name: 'admin', role: 'admin', expiresAt, createdBy: null };
  const { text } = await tokens.create(wish);
  fs.writeFileSync(fresh, `${text}\n`, { mode: 0o600 });
  fs.renameSync(fresh, file);
}

async function drain(app: NestFastifyApplication, storage: Storage): Promise<void> {
  app.get(Sweep).stop();
  await app.get(PollFlow).stop();
  await app.get(ImportFlow).stop();
  app.get(PullWaits).release();
  app.get(MoveWaits).release();
  await app.get(PullRequestsFlow).stop();
  await app.get(SealedValuesFlow).stop();
  await app.get(SecretOperationsFlow).stop();
  await app.get(GroupRotationFlow).stop();
  await app.get(DeliveriesFlow).stop();
  app.get(Waits).release();
  app.get(EventFeed).stop();
  await app.get(EventRetention).stop();
  await app.get(DeliveryFlow).stop();
  await app.get(LaneFlow).drain();
  await app.get(JobWorker).stop();
  await app.get(SecretAuditFlow).stop();
  await app.get(DelegatesService).stop();
  await app.get(TaskQueue).close();
  await app.get(MasterKeyBeat).stop();
  await close(app);
  await app.get(ReceptionFlow).stop();
  await app.get(Attempts).stop();
  await app.get(DocumentValidator).close();
  await storage.close();
}

/** Node waits for connections on which no request came yet, such as browsers open in advance, without end. */
async function close(app: NestFastifyApplication): Promise<void> {
  const server = app.getHttpServer() as Server;
  const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
  await app.close().finally(() => clearTimeout(timer));
}
