import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Secret } from '../../src/kernel/secret.js';
import { NativeGit } from '../../workers/native-git/native-git.js';
import { SshWorld } from '../support/ssh-world.js';
import { describeGit } from './git.conformance.js';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-native-'));

describeGit(
  'NativeGit over SSH',
  ({ url, username, password, knownHosts }) => {
    const credential = { username, open: async () => new Secret(Buffer.from(password)) };
    return new NativeGit({ url, credential, knownHosts }, { root, allowHttp: false, allowPrivate: true });
  },
  { open: SshWorld.open, close: async () => fs.rmSync(root, { recursive: true, force: true }) },
);
