// `npm run -s doctor [-- --json]`: looks what is wrong with a manager and with what it depends on.
import './config/process.js';
import 'reflect-metadata';
import { readConfig } from './config/config.js';
import { version } from './config/version.js';
import { Failure } from './kernel/failure.js';
import { doctor } from './operating/doctor.js';

const { stdout, stderr } = process;

try {
  process.exitCode = await doctor({
    arguments: process.argv.slice(2),
    stdout,
    stderr,
    config: readConfig(),
    version,
  });
} catch (error) {
  const failure = Failure.from(error);
  stderr.write(`${failure.code}: ${failure.message}\n${failure.hint}\n`);
  process.exitCode = 1;
}
