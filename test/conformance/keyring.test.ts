import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { openKeyFile } from '../../src/envelope/key-file.js';
import { Keyring } from '../../workers/secret-managers/keyring.js';
import { describeSecretManager } from './secret-manager.conformance.js';

describeSecretManager('The keyring', 'ciphertext', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-keyring-'));
  const file = path.join(folder, 'keyring.json');
  return {
    make: () => new Keyring(openKeyFile(file, { createIfMissing: true }), 'deployment'),
    state: () => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : ''),
    suffer: () => undefined,
    heal: () => undefined,
    close: async () => fs.rmSync(folder, { recursive: true }),
  };
});
