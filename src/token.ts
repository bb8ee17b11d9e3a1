// `npm run token -- --account a [--scope s] [--role r] [--name n] [--days d]`: makes an API token and, if need be, its account.
import './config/process.js';
import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { readConfig } from './config/config.js';
import { databaseUrl } from './config/data-folder.js';
import { RolesRepository } from './identity/roles.repository.js';
import { TokensRepository } from './identity/tokens.repository.js';
import { Failure } from './kernel/failure.js';
import { Identifier } from './policy/identifiers.js';
import { TokenName } from './policy/text.js';
import { isWithin, type Scope } from './scopes/scope.js';
import { ScopesRepository } from './scopes/scopes.repository.js';
import { Storage } from './storage/database.js';

const USAGE = `Usage: npm run -s token -- --account ACCOUNT [--scope SCOPE] [--role ROLE] [--name NAME] [--days 1..3650]
SCOPE is the account (accounts/a) or in it: accounts/a/orgs/o/projects/p; ROLE is admin, editor, viewer or one of the account
NAME has 1 to 128 characters and none of them is a control character`;

try {
  const { values } = parseArgs({
    options: {
      account: { type: 'string' },
      name: { type: 'string' },
      days: { type: 'string' },
      scope: { type: 'string' },
      role: { type: 'string' },
    },
  });
  const days = Number(values.days ?? '90');
  const { account, name = 'token', role = 'admin', scope = `accounts/${account}` } = values;
  if (
    account === undefined ||
    !Identifier.safeParse(account).success ||
    !TokenName.safeParse(name).success ||
    !(days >= 1 && days <= 3650) ||
    !isWithin(`accounts/${account}`, scope)
  )
    throw new Error(USAGE);
  process.stdout.write(`${await makeToken(account, { scope, name, role, days })}\n`);
} catch (error) {
  const hint = error instanceof Failure ? `\n${error.hint}` : '';
  process.stderr.write(`${(error as Error).message}${hint}\n`);
  process.exitCode = 1;
}

interface Wanted {
  scope: Scope;
  name: string;
  role: string;
  days: number;
}

async function makeToken(account: string, { days, ...wanted }: Wanted): Promise<string> {
  const storage = new Storage(databaseUrl(readConfig()));
  try {
    await storage.migrate();
    const scopes = new ScopesRepository(storage);
    await scopes.get(`accounts/${account}`).catch(() => scopes.put(`accounts/${account}`, account));
    const expiresAt = new Date(Date.now() + days * 86_400_000);
    const tokens = new TokensRepository(storage, new RolesRepository(storage));
    return (await tokens.create({ ...wanted, expiresAt, createdBy: null })).text;
  } finally {
    await storage.close();
  }
}
