// `npm run -s git -- …`: the Git engines on the command line, for diagnosis. Prints one JSON object.
import '../src/config/process.js';
import { readConfig } from '../src/config/config.js';
import { runGitCommand } from './git-command/run.js';

// A person at a terminal reaches whatever this machine reaches; settings may narrow it.
const defaults = { SALLYPORT_GIT_ALLOW_HTTP: 'true', SALLYPORT_GIT_ALLOW_PRIVATE: 'true' };

// A terminal's Ctrl-C arrives twice: from the terminal, and from npm, which passes it on.
const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ending.abort());

const { exitCode, report } = await runGitCommand({
  arguments: process.argv.slice(2),
  stdin: process.stdin,
  config: () => readConfig(undefined, defaults),
  signal: ending.signal,
});
process.exitCode = exitCode;
process.stdout.write(`${JSON.stringify(report)}\n`);
