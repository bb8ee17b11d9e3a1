// One command from its arguments to the object that is printed and the code the process ends with.
import fs from 'node:fs';
import { addAbortSignal, type Readable } from 'node:stream';
import type { Config } from '../../src/config/config.js';
import type { Remote } from '../../src/git/git.js';
import { openNetwork } from '../../src/git/network.js';
import { Failure } from '../../src/kernel/failure.js';
import { Secret } from '../../src/kernel/secret.js';
import { explainFault, parseCommand, type RemoteCommand, refuse, type SecretFile } from './arguments.js';
import { type EnginePolicy, type MeasuredEngine, openInProcess, openNative } from './engine.js';
import { examinePack } from './pack.js';
import { describeFailure, doWork, type Findings, type Surroundings } from './remote-work.js';
import { readSecret } from './secret-file.js';

export interface Invocation {
  arguments: string[];
  stdin: Readable;
  /** Reads the settings. @throws Failure CONFIGURATION_INVALID */
  config: () => Config;
  /** Ends what runs. */
  signal: AbortSignal;
}

export interface Outcome {
  exitCode: 0 | 1 | 2;
  report: object;
}

/** Runs the command. Never fails: what fails is in the report. */
export async function runGitCommand(invocation: Invocation): Promise<Outcome> {
  try {
    const command = parseCommand(invocation.arguments);
    return command.name === 'pack' ? await runPack(command.file) : await runRemote(command, invocation);
  } catch (error) {
    return conclude({ failure: Failure.from(error, 'this command') }, {});
  }
}

/** Its numbers stand in the report itself; of a pack that cannot be read there are none. */
async function runPack(file: string): Promise<Outcome> {
  const since = performance.now();
  try {
    const contents = await examinePack(file);
    return { exitCode: 0, report: { ok: true, ...contents, code: null, ms: elapsed(since) } };
  } catch (error) {
    return conclude({ failure: Failure.from(error, 'this command') }, { objects: null, ms: elapsed(since) });
  }
}

async function runRemote(command: RemoteCommand, invocation: Invocation): Promise<Outcome> {
  const config = invocation.config();
  const policy: EnginePolicy = {
    allowHttp: config.SALLYPORT_GIT_ALLOW_HTTP,
    allowPrivate: config.SALLYPORT_GIT_ALLOW_PRIVATE,
    network: openNetwork(config),
    deadlineMs: config.SALLYPORT_GIT_DEADLINE_SECONDS * 1_000,
    signal: invocation.signal,
  };
  const content =
    command.name === 'commit' && command.file !== null ? readOption('--file', command.file) : null;
  const knownHosts =
    command.knownHosts === undefined ? undefined : readOption('--known-hosts', command.knownHosts).toString();
  const committer = { name: config.SALLYPORT_COMMITTER_NAME, email: config.SALLYPORT_COMMITTER_EMAIL };
  const secret = command.login === undefined ? null : await openSecret(command.login.secret, invocation);
  const remote = { ...describeRemote(command, secret), knownHosts };
  const engine = command.isNative ? openNative(remote, policy) : openInProcess(remote, policy);
  try {
    return await measure(command, engine, { git: engine.git, url: command.url, committer, content });
  } finally {
    engine.close();
    secret?.fill(0);
  }
}

async function measure(
  command: RemoteCommand,
  engine: MeasuredEngine,
  around: Surroundings,
): Promise<Outcome> {
  const since = performance.now();
  const findings = await doWork(command, around).catch((error: unknown) => ({
    failure: Failure.from(error, 'this command'),
  }));
  const ms = elapsed(since);
  const { traffic, host } = await engine.measure();
  const name = command.isNative ? 'native' : 'in-process';
  return conclude(findings, { engine: name, ...traffic, ms, host });
}

/** Milliseconds, to a tenth. */
function elapsed(since: number): number {
  return Math.round((performance.now() - since) * 10) / 10;
}

/** The failure first, then what was found, then what is said in every case. */
function conclude({ result, failure }: Findings, about: object): Outcome {
  const found = result === undefined ? {} : { result };
  if (failure === undefined) return { exitCode: 0, report: { ok: true, ...found, ...about } };
  const exitCode = failure.code === 'COMMAND_INVALID' ? 2 : 1;
  return { exitCode, report: { ok: false, ...describeFailure(failure), ...found, ...about } };
}

async function openSecret(secret: SecretFile, { stdin, signal }: Invocation): Promise<Buffer> {
  return readSecret(secret, addAbortSignal(signal, stdin)).catch((error: unknown) => {
    throw refuse(undefined, `${secret.option} ${explainFault(error)}`);
  });
}

/** The engine opens the secret as often as it needs it, and wipes what it was given. */
function describeRemote({ url, login }: RemoteCommand, secret: Buffer | null): Remote {
  if (login === undefined || secret === null) return { url };
  const open = async (): Promise<Secret> => new Secret(Buffer.from(secret));
  return { url, credential: { username: login.user, open } };
}

function readOption(option: string, file: string): Buffer {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    throw refuse(undefined, `${option} ${explainFault(error)}`);
  }
}
