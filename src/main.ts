// The manager starts here: read the configuration, build, listen, drain.
import './config/process.js';
import 'reflect-metadata';
import { readConfig } from './config/config.js';
import { Failure } from './kernel/failure.js';
import { createLog } from './kernel/log.js';
import { runProcess } from './kernel/run-process.js';
import { startManager } from './manager.js';

await runProcess(async () => {
  const config = readConfig();
  const log = createLog('manager', config.SALLYPORT_LOG_LEVEL);
  if (config.REDIS_URL === undefined)
    log.warn('the queue lives in PostgreSQL, which isolates nothing between delegate groups: set REDIS_URL');
  const manager = await startManager(config, log);
  log.info({ url: manager.url }, 'listening');
  return {
    url: manager.url,
    drain: manager.drain,
    onFault: (error) => log.fatal({ err: error }, Failure.from(error).message),
  };
});
