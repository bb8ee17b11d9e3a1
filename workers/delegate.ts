// The delegate starts here: composed by hand, since it is one loop. Without arguments it runs; `enrol` joins a
// group, `doctor` looks what is wrong, `secret put` seals a secret, `keyring make` replaces a
// keyring that is gone, `group-keys` wraps the group's private keys by a KMS. Each loads what it needs and no more: who seals a
// value does not wait for a queue's client.
import '../src/config/process.js';
import { type Config, readConfig } from '../src/config/config.js';
import { Failure } from '../src/kernel/failure.js';
import { runProcess } from '../src/kernel/run-process.js';

const [command = 'run', ...args] = process.argv.slice(2);
const { stdin, stdout, stderr } = process;
/** What a drain takes beside the tasks it waits for. */
const FAREWELL_MS = 10_000;
const USAGE = `Usage: npm run -s delegate [-- run]
       npm run -s delegate -- enrol --manager URL --token-file FILE [--name NAME] [--replace]
       npm run -s delegate -- doctor [--json]
       npm run -s delegate -- keyring make
       npm run -s delegate -- group-keys (wrap | unwrap)
       npm run -s delegate -- secret put --scope SCOPE --id SECRET [--deployment ID] [--data-dir DIR] < value
`;

if (command === 'run') await run();
else if (command === 'enrol')
  process.exitCode = await finish(async () => {
    const { enrol } = await import('./commands/enrol.js');
    return enrol({ arguments: args, stdin, stdout, stderr, config: readSettings() });
  });
else if (command === 'doctor')
  process.exitCode = await finish(async () => {
    const { doctor } = await import('./commands/doctor.js');
    return doctor({ arguments: args, stdout, stderr, config: readSettings() });
  });
else if (command === 'keyring' && args[0] === 'make')
  process.exitCode = await finish(async () => {
    const { makeKeyring } = await import('./commands/keyring-make.js');
    const dataDir = readSettings().SALLYPORT_DATA_DIR;
    return makeKeyring({ arguments: args.slice(1), stdout, stderr, dataDir });
  });
else if (command === 'group-keys')
  process.exitCode = await finish(async () => {
    const { changeGroupKeys } = await import('./commands/group-keys.js');
    return changeGroupKeys({ arguments: args, stdout, stderr, config: readSettings() });
  });
else if (command === 'secret' && args[0] === 'put')
  process.exitCode = await finish(async () => {
    const { putSecret } = await import('./commands/secret-put.js');
    const dataDir = readSettings().SALLYPORT_DATA_DIR;
    return putSecret({ arguments: args.slice(1), stdin, stdout, stderr, dataDir });
  });
else {
  process.stderr.write(USAGE);
  process.exitCode = 2;
}

/** Where the queue is, the delegate learned when it enrolled. */
function readSettings(): Config {
  return readConfig(undefined, {}, { needsQueue: false });
}

async function run(): Promise<void> {
  const { createLog } = await import('../src/kernel/log.js');
  const { startDelegate } = await import('./runtime/delegate-runtime.js');
  await runProcess(async () => {
    const config = readSettings();
    const log = createLog('delegate', config.SALLYPORT_LOG_LEVEL);
    const delegate = await startDelegate(config, log);
    return {
      ...(delegate.url === undefined ? {} : { url: delegate.url }),
      drain: delegate.drain,
      drainMsMax: config.SALLYPORT_DELEGATE_GRACE_SECONDS * 1_000 + FAREWELL_MS,
      onFault: (error) => log.fatal({ err: error }, Failure.from(error).message),
    };
  });
}

/** The exit code of a command; a failure is told with what to do about it. */
async function finish(work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    const failure = Failure.from(error);
    stderr.write(`${failure.code}: ${failure.message}\n${failure.hint}\n`);
    return 1;
  }
}
