// Rotating the master key of a stack: its operator's command, the key files, and what the database says of them.
import fs from 'node:fs';
import path from 'node:path';
import type { Envelope } from '../../src/envelope/envelope.js';
import { LiveKeyRing } from '../../src/envelope/live-key-ring.js';
import { BuiltInSecrets } from '../../src/secrets/built-in.js';
import { MasterKeys } from '../../src/secrets/master-keys.js';
import { MasterKeysRepository } from '../../src/secrets/master-keys.repository.js';
import { Storage } from '../../src/storage/database.js';
import { type Answer, Api, eventually } from './api.js';
import { sql } from './database.js';
import { type RunningProcess, runCommand, startManager } from './processes.js';
import type { Stack } from './stack.js';

export interface FiledKey {
  id: string;
  state: string;
}

export const keyFileOf = (stack: Stack): string => path.join(stack.home, 'manager', 'master-key.json');

export const keysOf = (file: string): FiledKey[] =>
  (JSON.parse(fs.readFileSync(file, 'utf8')) as { keys: FiledKey[] }).keys;

/** `npm run -s master-key -- …`, as somebody beside the first manager runs it. */
export const masterKey = (stack: Stack, args: string[], more: { file?: string; crashAt?: string } = {}) =>
  runCommand('src/master-key.js', args, {
    env: {
      ...stack.managerEnvironment(),
      ...(more.file === undefined ? {} : { SALLYPORT_MASTER_KEY_FILE: more.file }),
    },
    ...(more.crashAt === undefined ? {} : { crashAt: more.crashAt }),
  });

/** As `masterKey`, and nothing but success will do. */
export async function did(
  stack: Stack,
  args: string[],
  more: { file?: string; crashAt?: string } = {},
): Promise<string> {
  const { code, stdout, stderr } = await masterKey(stack, args, more);
  if (code !== 0) throw new Error(`${args.join(' ')}: ${code} ${stderr}`);
  return stdout;
}

/** Stages a key and makes it active, once a manager that was killed counts as gone. @returns its id */
export async function rotate(stack: Stack): Promise<string> {
  await did(stack, ['stage']);
  const staged = keysOf(keyFileOf(stack)).find(({ state }) => state === 'staged');
  await eventually(async () => (await masterKey(stack, ['promote'])).code === 0, 'the key to be promoted');
  return staged?.id ?? '';
}

export const activeKey = async (stack: Stack): Promise<string> =>
  (await sql<{ id: string }>(stack.databaseUrl, 'select master_key_id as id from deployment'))[0]?.id ?? '';

/** How many rows each key wrapped: all versions of all builtin secrets, and the managers' own keys. */
export async function wrappedBy(stack: Stack): Promise<Record<string, number>> {
  const rows = await sql<{ id: string; rows: string }>(
    stack.databaseUrl,
    `select id, count(*) as rows from (
       select master_key_id as id from secret_version where manager_id is null
       union all select private_keys_key_id from deployment) wrapped
     group by id`,
  );
  return Object.fromEntries(rows.map(({ id, rows: count }) => [id, Number(count)]));
}

/** What is stored of every builtin secret version, without what a rewrap may change. */
export const payloads = (stack: Stack) =>
  sql(
    stack.databaseUrl,
    `select scope, secret_id, id, stored - 'keyId' - 'wrap' as kept from secret_version
     where manager_id is null order by scope, secret_id, id`,
  );

/** What the current versions of all builtin secrets hold, opened with the key file beside the first manager. */
export async function openAll(stack: Stack): Promise<Record<string, string>> {
  const storage = new Storage(stack.databaseUrl);
  const ring = new LiveKeyRing(keyFileOf(stack), { createIfMissing: false });
  const [deployment] = await sql<{ id: string }>(stack.databaseUrl, 'select id from deployment');
  const keys = new MasterKeys(ring, new MasterKeysRepository(storage));
  const builtIn = new BuiltInSecrets(keys, deployment?.id ?? '');
  const rows = await sql<{ scope: string; id: string; stored: Envelope }>(
    stack.databaseUrl,
    `select s.scope, s.id, v.stored from secret s
     join secret_version v on v.scope = s.scope and v.secret_id = s.id and v.id = s.version
     where s.manager_id is null`,
  );
  const values: Record<string, string> = {};
  try {
    for (const { scope, id, stored } of rows)
      values[id] = (await builtIn.open(stored, { scope, secret: id })).use((bytes) => bytes.toString('utf8'));
  } finally {
    await storage.close();
  }
  return values;
}

/** As if a day went by. */
export const forgetSupersededWraps = (stack: Stack) => sql(stack.databaseUrl, 'delete from superseded_wrap');

/** Secrets whose current version is not exactly one row. */
export const doubtfulHeads = (stack: Stack) =>
  sql(
    stack.databaseUrl,
    `select s.scope, s.id from secret s join secret_version v on v.scope = s.scope and v.secret_id = s.id
     group by s.scope, s.id, s.version
     having count(*) filter (where v.superseded_at is null) <> 1
       or count(*) filter (where v.superseded_at is null and v.id = s.version) <> 1`,
  );

/** A second manager over the same database, with a copy of the key file of its own. */
export class OtherManager {
  readonly file: string;
  process!: RunningProcess;

  constructor(readonly stack: Stack) {
    const folder = path.join(stack.home, 'other-manager');
    fs.mkdirSync(folder, { recursive: true });
    this.file = path.join(folder, 'master-key.json');
    this.copy();
  }

  /** As an operator brings a file to another machine: whole, under its name in one step. */
  copy(): void {
    const fresh = `${this.file}.copy`;
    fs.copyFileSync(keyFileOf(this.stack), fresh);
    fs.chmodSync(fresh, 0o600);
    fs.renameSync(fresh, this.file);
  }

  async start(crashAt?: string): Promise<void> {
    const env = { ...this.stack.managerEnvironment(), SALLYPORT_MASTER_KEY_FILE: this.file };
    this.process = await startManager({ env, ...(crashAt === undefined ? {} : { crashAt }) });
  }

  get api(): Api {
    return new Api(this.process.url, this.stack.token);
  }
}

/** Saves by the manager's road, through one API after the other, until it is told to stop. */
export function keepSaving(apis: Api[]): { stop: () => Promise<Answer[]> } {
  const answers: Answer[] = [];
  let isStopping = false;
  const going = (async () => {
    for (let n = 0; !isStopping; n++)
      answers.push(
        await (apis[n % apis.length] as Api).save(`steady-${n}`, `name: steady ${n}\n`, {
          connector: 'direct',
          branch: 'main',
        }),
      );
  })();
  return {
    stop: async () => {
      isStopping = true;
      await going;
      return answers;
    },
  };
}
