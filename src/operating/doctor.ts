// `doctor`: looks at everything a manager depends on, in turn, changes nothing, and says what to mend.
import type { Writable } from 'node:stream';
import type { Config } from '../config/config.js';
import { databaseUrl, masterKeyFile } from '../config/data-folder.js';
import { registerSecret } from '../kernel/redact.js';
import { probeRedisServer } from '../queue/redis-probe.js';
import { probeDatabase } from '../storage/database-probe.js';
import { examine, readDoctorArguments } from '../telemetry/examination.js';
import { databaseChecks } from './checks/database.js';
import { deploymentChecks } from './checks/deployment.js';
import { machineChecks } from './checks/machine.js';
import type { ManagerCheck, Patient } from './checks/patient.js';
import { redisChecks } from './checks/redis.js';

export interface DoctorCommand {
  arguments: string[];
  stdout: Writable;
  stderr: Writable;
  config: Config;
  /** Of the manager whose doctor this is. */
  version: string;
}

/** In this order. */
const checks: readonly ManagerCheck[] = [
  ...machineChecks,
  ...databaseChecks,
  ...redisChecks,
  ...deploymentChecks,
];

/** The command's exit code: 1 where anything is wrong. @throws CONFIGURATION_INVALID where no database is set */
export async function doctor({ arguments: args, stdout, stderr, ...one }: DoctorCommand): Promise<number> {
  const asJson = readDoctorArguments(args, stderr);
  if (asJson === undefined) return 2;
  const url = databaseUrl(one.config);
  const forget = [url, one.config.REDIS_URL].map((secret) => registerSecret(passwordOf(secret)));
  try {
    return await examine(checks, await look(one, url), { asJson, stdout });
  } finally {
    for (const one of forget) one();
  }
}

async function look(
  { config, version }: Pick<DoctorCommand, 'config' | 'version'>,
  url: string,
): Promise<Patient> {
  const { REDIS_URL: redisUrl } = config;
  const [database, redis] = await Promise.all([
    probeDatabase(url),
    redisUrl === undefined ? undefined : probeRedisServer(redisUrl, config),
  ]);
  const masterKeys = typeof database === 'string' ? undefined : database.masterKeys;
  return { config, version, keyFile: masterKeyFile(config), masterKeys, database, redis };
}

function passwordOf(url: string | undefined): string {
  try {
    return decodeURIComponent(new URL(url ?? '').password);
  } catch {
    return '';
  }
}
