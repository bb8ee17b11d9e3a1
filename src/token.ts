// `npm run token -- --account a [--name n] [--days d] [--right force]`: makes an API token and, if need be, its account.
import './config/process.js';
import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { readConfig } from './config/config.js';
import { databaseUrl } from './config/data-folder.js';
import { Failure } from './kernel/failure.js';
import { ScopesRepository } from './scopes/scopes.repository.js';
import { type Right, rights, TokensRepository } from './scopes/tokens.repository.js';
import { Storage } from './storage/database.js';

const USAGE = `Usage: npm run -s token -- --account ACCOUNT [--name NAME] [--days 1..3650] [--right force]
NAME has 1 to 128 characters and none of them is a control character`;

/** Records of opened secrets name tokens. */
const NAME = /^[^\u0000-\u001f\u007f-\u009f]{1,128}$/;

try {
  const { values } = parseArgs({
    options: {
      account: { type: 'string' },
      name: { type: 'string' },
      days: { type: 'string' },
      right: { type: 'string', multiple: true, default: [] },
    },
  });
  const days = Number(values.days ?? '90');
  const { account, name = 'token' } = values;
  if (
    account === undefined ||
    !/^[A-Za-z_][A-Za-z0-9_$-]{0,127}$/.test(account) ||
    !NAME.test(name) ||
    !(days >= 1 && days <= 3650) ||
    !values.right.every(isRight)
  )
    throw new Error(USAGE);
  process.stdout.write(`${await makeToken({ account, name, days, rights: [...new Set(values.right)] })}\n`);
} catch (error) {
  const hint = error instanceof Failure ? `\n${error.hint}` : '';
  process.stderr.write(`${(error as Error).message}${hint}\n`);
  process.exitCode = 1;
}

function isRight(name: string): name is Right {
  return (rights as readonly string[]).includes(name);
}

interface Wanted {
  account: string;
  name: string;
  days: number;
  rights: Right[];
}

async function makeToken({ account, name, days, rights: granted }: Wanted): Promise<string> {
  const storage = new Storage(databaseUrl(readConfig()));
  try {
    await storage.migrate();
    const scopes = new ScopesRepository(storage);
    await scopes.get(`accounts/${account}`).catch(() => scopes.put(`accounts/${account}`, account));
    return await new TokensRepository(storage).create(`accounts/${account}`, name, days, granted);
  } finally {
    await storage.close();
  }
}
