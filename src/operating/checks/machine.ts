// What a manager has on its own machine: Node, its folder, its disk, its master keys.
import fs from 'node:fs';
import { readKeyFile } from '../../envelope/key-file.js';
import { freeSpace, lookAtFolder } from '../../telemetry/data-folder-findings.js';
import { type Finding, note, ok, skipped, wrong } from '../../telemetry/examination.js';
import type { KnownKeys, ManagerCheck } from './patient.js';

/** With the last fixes that matter to a server. */
const NODE_FLOOR = [24, 14, 1] as const;
/** Below this the log and the key file are in danger; the embedded database is, much sooner. */
const FREE_MIB_MIN = 512;
const FREE_MIB_EMBEDDED_MIN = 2_048;

export const machineChecks: ManagerCheck[] = [
  { name: 'Node', look: () => judgeNode(process.versions.node) },
  {
    name: 'data folder',
    look: ({ config }) =>
      lookAtFolder(
        config.SALLYPORT_DATA_DIR,
        'manager',
        'Set SALLYPORT_DATA_DIR to where the manager keeps its keys, or start it once',
      ),
  },
  { name: 'master key file', look: ({ keyFile }) => lookAtKeyFile(keyFile) },
  { name: 'master keys', look: ({ keyFile, masterKeys }) => compareKeys(keyFile, masterKeys) },
  {
    name: 'disk space',
    look: ({ config, redis }) => {
      const { freeMib, found } = freeSpace(config.SALLYPORT_DATA_DIR);
      const isEmbedded = redis === undefined && config.DATABASE_URL === undefined;
      const least = isEmbedded ? FREE_MIB_EMBEDDED_MIN : FREE_MIB_MIN;
      return freeMib < least
        ? wrong(found, `Make room: a manager needs ${least} MiB here at least`)
        : ok(found);
    },
  },
];

export function judgeNode(version: string): Finding {
  const parts = version.split('.').map(Number);
  const at = NODE_FLOOR.findIndex((floor, index) => parts[index] !== floor);
  const isOld = at >= 0 && (parts[at] ?? 0) < (NODE_FLOOR[at] ?? 0);
  if (!isOld) return ok(version);
  return wrong(
    `${version} lacks fixes`,
    `Run it with Node ${NODE_FLOOR.join('.')} at least: npm run brings one (npm run -s doctor)`,
  );
}

function lookAtKeyFile(file: string): Finding {
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  if (stat === undefined)
    return wrong(
      `there is no ${file}`,
      'Set SALLYPORT_MASTER_KEY_FILE as the managers have it, or copy theirs; the first manager of a database makes it',
    );
  const user = process.getuid?.() ?? stat.uid;
  if (!stat.isFile() || stat.uid !== user || (stat.mode & 0o077) !== 0)
    return wrong(
      `${file} is not a file of this user alone`,
      `Give it to the manager’s user and chmod 600 ${file}`,
    );
  return ok(`${file}, for this user alone; keep a copy of it elsewhere`);
}

/** The database says which keys are needed; the file has to have them. @throws KEY_FILE_UNUSABLE */
function compareKeys(file: string, known: KnownKeys | undefined): Finding {
  if (known === undefined) return skipped('not looked at: the database does not say which keys it needs');
  if (!fs.existsSync(file)) return skipped('not looked at: there is no key file');
  const filed = readKeyFile(file).keys;
  const ids = new Set(filed.map(({ id }) => id));
  const missing = [known.active, ...known.retained].filter((id) => !ids.has(id));
  if (missing.length > 0)
    return wrong(
      `${file} lacks ${missing.join(' and ')}, with which secrets of this database are sealed`,
      'Copy the key file of a manager that has it, or restore its copy: what it sealed opens with nothing else',
    );
  if (known.retained.length > 0)
    return note(
      `${known.active} is active, and ${known.retained.join(', ')} not retired yet`,
      'Wait for the rewrapping (npm run -s master-key -- rewrap), then retire it',
    );
  const staged = filed.find(({ state }) => state === 'staged');
  if (staged !== undefined)
    return note(
      `${known.active} is active, and ${staged.id} staged`,
      'Copy the key file to every manager, then npm run -s master-key -- promote',
    );
  return ok(`${known.active} is active, and no other is needed`);
}
