// Checks a key and reads a value as the built product does, from the settings on standard input; what it prints is the value, or
// the code of what went wrong.
import { Secret } from '../../dist/src/kernel/secret.js';
import { GcpKms } from '../../dist/workers/secret-managers/gcp-kms.js';
import { GcpSecretManager } from '../../dist/workers/secret-managers/gcp-secret-manager.js';

let text = '';
for await (const chunk of process.stdin) text += chunk;
const { settings, key, credential, surroundings } = JSON.parse(text);
const setup = {
  keeper: { manager: 'unit', scope: 'accounts/acme' },
  settings: { ...settings, key },
  credential: credential === null ? null : new Secret(Buffer.from(JSON.stringify(credential))),
  deadlineMs: 3_000,
  proxy: undefined,
};
const kms = new GcpKms(setup, surroundings);
const store = new GcpSecretManager(setup, surroundings);
try {
  await kms.check();
  const { value } = await store.read({ path: 'db', field: null, version: null });
  value.use((bytes) => process.stdout.write(bytes));
} catch (error) {
  process.stdout.write(String(error.code));
}
await kms.close();
await store.close();
