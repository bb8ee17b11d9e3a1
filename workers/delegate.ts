// The delegate starts here: composed by hand, since it is one loop. Without arguments it runs; `secret put` seals a secret.
import '../src/config/process.js';
import { readConfig } from '../src/config/config.js';
import { Failure } from '../src/kernel/failure.js';
import { createLog } from '../src/kernel/log.js';
import { runProcess } from '../src/kernel/run-process.js';
import { putSecret } from './commands/secret-put.js';
import { startDelegate } from './runtime/delegate-runtime.js';

const [command = 'run', subcommand, ...rest] = process.argv.slice(2);
const USAGE = `Usage: npm run -s delegate [-- run]
       npm run -s delegate -- secret put --scope SCOPE --id SECRET [--deployment ID] [--data-dir DIR] < value
`;

if (command === 'run') await run();
else if (command === 'secret' && subcommand === 'put') process.exitCode = await seal(rest);
else {
  process.stderr.write(USAGE);
  process.exitCode = 2;
}

async function run(): Promise<void> {
  await runProcess(async () => {
    const config = readConfig();
    const log = createLog('delegate', config.SALLYPORT_LOG_LEVEL);
    const delegate = await startDelegate(config, log);
    return {
      drain: delegate.drain,
      onFault: (error) => log.fatal({ err: error }, Failure.from(error).message),
    };
  });
}

async function seal(args: string[]): Promise<number> {
  const { stdin, stdout, stderr } = process;
  try {
    return await putSecret({
      arguments: args,
      stdin,
      stdout,
      stderr,
      dataDir: readConfig().SALLYPORT_DATA_DIR,
    });
  } catch (error) {
    const failure = Failure.from(error);
    stderr.write(`${failure.code}: ${failure.message}\n${failure.hint}\n`);
    return 1;
  }
}
