// What a doctor finds of the folder that a process keeps its keys in.
import fs from 'node:fs';
import path from 'node:path';
import { type Finding, note, ok, wrong } from './examination.js';

const MIB = 1024 * 1024;

/** `who` is the process that needs it, in words; `mend` what helps where there is none. */
export function lookAtFolder(folder: string, who: string, mend: string): Finding {
  const stat = fs.statSync(folder, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isDirectory()) return wrong(`${folder} is no folder`, mend);
  const user = process.getuid?.() ?? stat.uid;
  if (stat.uid !== user)
    return wrong(
      `${folder} belongs to user ${stat.uid}, and this is user ${user}`,
      `Run the doctor as the ${who}’s user, or give that user the folder`,
    );
  if ((stat.mode & 0o022) !== 0) return wrong(`others may write to ${folder}`, `chmod 700 ${folder}`);
  try {
    fs.accessSync(folder, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
  } catch {
    return wrong(`${folder} cannot be written`, `Mount it so that the ${who}’s user may write to it`);
  }
  if ((stat.mode & 0o077) !== 0) return note(`others may look into ${folder}`, `chmod 700 ${folder}`);
  return ok(folder);
}

/** Mebibytes that are free where the folder is, and a text that says so. */
export function freeSpace(folder: string): { freeMib: number; found: string } {
  const place = fs.existsSync(folder) ? folder : path.dirname(folder);
  const { bavail, bsize } = fs.statfsSync(place);
  const freeMib = Math.floor((bavail * bsize) / MIB);
  return { freeMib, found: `${freeMib} MiB free below ${place}` };
}
