// The ends of audits that this command line has seen, as known_hosts has keys of hosts: a trail that lacks one of them has lost
// something. One file beside the profiles.
import fs from 'node:fs';
import path from 'node:path';
import { type Head, readHead, writeHead } from '../trail/link.js';
import { profilesFile } from './profiles.js';
import { UsageError } from './usage-error.js';

/** `position:hash` by manager and account. */
type Known = Record<string, Record<string, string>>;

const knownFile = (): string => path.join(path.dirname(profilesFile()), 'known-audit-heads.json');

/** @throws UsageError */
function readKnown(): Known {
  const file = knownFile();
  if (!fs.existsSync(file)) return {};
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')) as Known;
  } catch {
    throw new UsageError(
      `${file} is no list of heads`,
      'Remove it, and what was seen is forgotten: name a head you know with --head',
    );
  }
}

/** What was seen last. @throws UsageError */
export function knownHead(server: string, account: string): Head | undefined {
  const text = readKnown()[server]?.[account];
  return text === undefined ? undefined : readHead(text);
}

export function rememberHead(server: string, account: string, head: Head): void {
  const known = readKnown();
  const file = knownFile();
  const fresh = `${file}.${process.pid}`;
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const next = { ...known, [server]: { ...known[server], [account]: writeHead(head) } };
  fs.writeFileSync(fresh, `${JSON.stringify(next, null, 2)}\n`, { mode: 0o600 });
  fs.renameSync(fresh, file);
}
