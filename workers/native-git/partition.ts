// Keeps what one credential fetched from any other: each has folders of its own, called by a keyed hash of it.
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { Credential, Remote } from '../../src/git/git.js';
import { Failure } from '../../src/kernel/failure.js';
import type { Secret } from '../../src/kernel/secret.js';

/** A credential that is opened once for an operation, however often it is asked for. */
export class OpenedOnce implements Credential {
  readonly username: string;
  readonly scheme: Credential['scheme'];
  readonly usernameFor: Credential['usernameFor'];
  readonly open: () => Promise<Secret>;
  readonly openPassphrase: Credential['openPassphrase'];
  #secret: Promise<Secret> | null = null;
  #passphrase: Promise<Secret> | null = null;

  constructor(credential: Credential) {
    const { openPassphrase } = credential;
    this.username = credential.username;
    this.scheme = credential.scheme;
    this.usernameFor = credential.usernameFor;
    this.openPassphrase =
      openPassphrase &&
      (() => {
        this.#passphrase ??= openPassphrase();
        return this.#passphrase;
      });
    this.open = () => {
      this.#secret ??= credential.open();
      return this.#secret;
    };
  }

  async wipe(): Promise<void> {
    for (const opening of [this.#secret, this.#passphrase]) {
      const secret = await opening?.catch(() => null);
      secret?.wipe();
    }
  }
}

/** Name of the repository's folder under this credential, without anybody else's being guessable. */
export async function nameOfFolder(
  root: string,
  repository: string,
  credential: Remote['credential'],
): Promise<string> {
  const hmac = createHmac('sha256', readKey(root)).update(`${repository}\0`);
  if (credential === undefined) return hmac.digest('hex');
  hmac.update(`${credential.username}\0`);
  try {
    const secret = await credential.open();
    secret.use((bytes) => hmac.update(bytes));
  } catch (error) {
    // The command that needs it will fail with it; what does not need it finds an empty folder.
    if (!(error instanceof Failure)) throw error;
    hmac.update('not opened');
  }
  return hmac.digest('hex');
}

/** The key of this engine's folder, made by whichever process comes first. */
function readKey(root: string): Buffer {
  const file = path.join(root, 'folder-names.key');
  if (!fs.existsSync(file)) {
    const fresh = path.join(root, `key-${randomUUID()}`);
    fs.writeFileSync(fresh, randomBytes(32), { mode: 0o600 });
    try {
      fs.linkSync(fresh, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      fs.rmSync(fresh);
    }
  }
  return fs.readFileSync(file);
}
