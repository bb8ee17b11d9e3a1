// The playground's Git host tells Sallyport of pushes as any plain Git server would: by the script that is meant for those.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { configureRepository } from './git-host.js';
import { type Playground, request } from './seed.js';

const SCRIPT = fileURLToPath(new URL('../../../deploy/webhooks/post-receive', import.meta.url));
const CONNECTORS = ['direct', 'delegated'];

/** Two connectors lead to the one repository, so the script runs once for each. Values come by the repository's configuration. */
const HOOK = `#!/bin/sh
script=$(git config sallyport.script)
moved=$(cat)
for connector in ${CONNECTORS.join(' ')}; do
  url=$(git config "sallyport.$connector.url")
  secret=$(git config "sallyport.$connector.secretFile")
  printf '%s\\n' "$moved" | GIT_CONFIG_COUNT=3 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*' \\
    GIT_CONFIG_KEY_1=sallyport.url GIT_CONFIG_VALUE_1="$url" \\
    GIT_CONFIG_KEY_2=sallyport.secretFile GIT_CONFIG_VALUE_2="$secret" sh "$script"
done
`;

/** Has every push into the repository told to the webhooks of both connectors, which get one where they have none. */
export async function tellOfPushes(
  playground: Pick<Playground, 'manager' | 'token' | 'repository'>,
  folder: string,
  secrets: string,
): Promise<void> {
  const settings: Record<string, string> = {
    'sallyport.script': SCRIPT,
    'sallyport.repository': playground.repository,
  };
  fs.mkdirSync(secrets, { recursive: true });
  for (const connector of CONNECTORS) {
    const secretFile = path.join(secrets, `${connector}-webhook`);
    const address = await makeWebhook(playground, connector, secretFile);
    settings[`sallyport.${connector}.url`] = `${playground.manager}${address}`;
    settings[`sallyport.${connector}.secretFile`] = secretFile;
  }
  configureRepository(folder, settings);
  fs.mkdirSync(path.join(folder, 'hooks'), { recursive: true });
  fs.writeFileSync(path.join(folder, 'hooks', 'post-receive'), HOOK, { mode: 0o755 });
}

/** Its path. The secret is told once: where it was not kept, the webhook is made anew. */
async function makeWebhook(
  playground: Pick<Playground, 'manager' | 'token'>,
  connector: string,
  secretFile: string,
): Promise<string> {
  const address = `accounts/demo/connectors/${connector}/webhook`;
  const put = async () => JSON.parse(await request(playground, 'PUT', address, {})) as Answer;
  let answer = await put();
  if (answer.toPaste.secret.value === null && !fs.existsSync(secretFile)) {
    await request(playground, 'DELETE', address);
    answer = await put();
  }
  const { value } = answer.toPaste.secret;
  if (value !== null) fs.writeFileSync(secretFile, `${value}\n`, { mode: 0o600 });
  return answer.path;
}

interface Answer {
  path: string;
  toPaste: { secret: { value: string | null } };
}
