// `pack FILE`: reads a pack from the disk as the engine reads one from a host.
import fs from 'node:fs';
import { refuseExcess } from '../../src/git/host-answer.js';
import { inspectPack, type PackContents } from '../../src/git/inspect-pack.js';
import { defaultLimits } from '../../src/git/limits.js';
import { explainFault, refuse } from './arguments.js';

/** @throws Failure COMMAND_INVALID for a file that cannot be read, and as inspectPack does */
export async function examinePack(file: string): Promise<PackContents> {
  const { answerBytes } = defaultLimits;
  try {
    if (fs.statSync(file).size > answerBytes)
      throw refuseExcess('the pack', 'bytes of one answer', answerBytes);
    return await inspectPack(fs.createReadStream(file), defaultLimits);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw refuse('pack', `The file ${explainFault(error)}`);
  }
}
