// What every command works with: the manager that was chosen, and how to say what came.
import type { Command } from 'commander';
import { type Api, connect } from '../client/client.js';
import { exitCodes, Printer } from './printer.js';
import { type Choice, chosen, type Profile } from './profiles.js';

export interface Session {
  api: Api;
  profile: Profile;
  printer: Printer;
}

export interface CommonOptions extends Choice {
  json?: boolean;
}

/** A command’s action: opened for the chosen manager, its exit code the process’s, its failure told. */
export function withSession<Args extends unknown[]>(
  work: (session: Session, ...args: Args) => Promise<number | undefined>,
): (...args: [...Args, unknown, Command]) => Promise<void> {
  return (...all) => {
    const options = (all.at(-1) as Command).optsWithGlobals<CommonOptions>();
    return told(options, async (printer) => {
      const profile = chosen(options);
      const args = all.slice(0, -1) as unknown as Args;
      return work({ api: connect(profile), profile, printer }, ...args);
    });
  };
}

/** Of a command that needs no manager, or finds its own. */
export async function told(
  { json = false }: CommonOptions,
  work: (printer: Printer) => Promise<number | undefined>,
): Promise<void> {
  const printer = new Printer(json);
  process.once('SIGINT', endInterrupted);
  try {
    process.exitCode = (await work(printer)) ?? exitCodes.done;
  } catch (error) {
    process.exitCode = printer.fail(error);
  }
}

/** Nothing is undone: what was accepted goes on. */
export function endInterrupted(): void {
  if (process.stderr.isTTY) process.stderr.write('\n');
  process.exit(exitCodes.interrupted);
}
