// `npm run -s master-key -- status|stage|promote|rewrap|retire KEY_ID`: rotates the master key of the builtin secret manager.
import './config/process.js';
import 'reflect-metadata';
import { readConfig } from './config/config.js';
import { databaseUrl, masterKeyFile } from './config/data-folder.js';
import { LiveKeyRing } from './envelope/live-key-ring.js';
import { Failure } from './kernel/failure.js';
import { BuiltInSecrets } from './secrets/built-in.js';
import { openDeployment } from './secrets/deployment.js';
import { MasterKeyRewrap } from './secrets/master-key-rewrap.flow.js';
import { countOf, inWords, MasterKeyRotation } from './secrets/master-key-rotation.flow.js';
import { MasterKeys } from './secrets/master-keys.js';
import { MasterKeysRepository } from './secrets/master-keys.repository.js';
import { SecretsRepository } from './secrets/secrets.repository.js';
import { Storage } from './storage/database.js';

const USAGE = 'npm run -s master-key -- status | stage | promote | rewrap | retire KEY_ID';

interface Parts {
  storage: Storage;
  ring: LiveKeyRing;
  repository: MasterKeysRepository;
  rotation: MasterKeyRotation;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const commands: Record<string, (parts: Parts, id: string) => Promise<void>> = {
  status: showStatus,
  stage: async ({ rotation, ring }) => {
    const { id, isNew } = await rotation.stage();
    say(isNew ? `Staged ${id}. Nothing is sealed with it yet.` : `${id} is staged already.`);
    say(`Now copy ${ring.file} to every other manager, and then run promote.`);
  },
  promote: async ({ rotation }) => {
    say(
      `${await rotation.promote()} is the active key. Managers rewrap what the one before it wrapped; rewrap waits for it.`,
    );
  },
  rewrap: rewrapAll,
  retire: async ({ rotation, ring }, id) => {
    await rotation.retire(id);
    say(`Retired ${id}. Now copy ${ring.file} to every other manager.`);
  },
};

try {
  const [name = '', id = '', ...more] = process.argv.slice(2);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  const isWhole = (name === 'retire') === (id !== '') && more.length === 0;
  if (command === undefined || !isWhole)
    throw new Failure('COMMAND_INVALID', { problem: 'The command is not one of these', usage: USAGE });
  const config = readConfig();
  const ring = new LiveKeyRing(masterKeyFile(config), { createIfMissing: false });
  const storage = new Storage(databaseUrl(config));
  try {
    await storage.migrate();
    const repository = new MasterKeysRepository(storage);
    await command({ storage, ring, repository, rotation: new MasterKeyRotation(repository, ring) }, id);
  } finally {
    await storage.close();
  }
} catch (error) {
  const hint = error instanceof Failure ? `\n${error.hint}` : '';
  process.stderr.write(`${(error as Error).message}${hint}\n`);
  process.exitCode = 1;
}

async function showStatus({ rotation }: Parts): Promise<void> {
  const { keys, managers } = await rotation.status();
  for (const { id, state, since, dependants, isFiled } of keys) {
    const needed = countOf(dependants) === 0 ? 'nothing depends on it' : `needed by ${inWords(dependants)}`;
    const filed = isFiled ? '' : '; NOT in this key file';
    say(`${id}  ${state.padEnd(8)}  since ${since.toISOString()}  ${needed}${filed}`);
  }
  for (const { name, keys: held, isAlive, seenAt } of managers) {
    const lacking = keys
      .filter(({ id, state }) => state !== 'retired' && !held.includes(id))
      .map(({ id }) => id);
    const how = lacking.length === 0 ? 'has them all' : `LACKS ${lacking.join(', ')}`;
    say(`manager ${name}  ${isAlive ? 'runs' : `not seen since ${seenAt.toISOString()}`}  ${how}`);
  }
}

async function rewrapAll({ storage, ring, repository }: Parts): Promise<void> {
  await repository.active();
  const { id } = await openDeployment(storage, ring);
  const builtIn = new BuiltInSecrets(new MasterKeys(ring, repository), id);
  const { failed } = await new MasterKeyRewrap(
    storage,
    repository,
    new SecretsRepository(storage),
    builtIn,
  ).run(({ done, total, failed: left }) =>
    say(`${done} of ${total} rewrapped${left.length === 0 ? '' : `, ${left.length} not`}`),
  );
  for (const { place, failure } of failed) process.stderr.write(`${place}: ${failure.message}\n`);
  if (failed.length > 0) process.exitCode = 1;
}
