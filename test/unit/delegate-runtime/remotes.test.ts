// What the policy file limits holds for the engines, whatever the settings say.
import fs from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readConfig } from '../../../src/config/config.js';
import { openKeyFile } from '../../../src/envelope/key-file.js';
import { openNetwork } from '../../../src/git/network.js';
import { DelegateAccess } from '../../../workers/runtime/access.js';
import { AuditFile } from '../../../workers/runtime/audit-file.js';
import { DelegatePolicy } from '../../../workers/runtime/policy.js';
import { openRemotes } from '../../../workers/runtime/remotes.js';
import { SecretAudit } from '../../../workers/runtime/secret-audit.js';
import { Keyring } from '../../../workers/secret-managers/keyring.js';
import { SecretManagerRegistry } from '../../../workers/secret-managers/registry.js';
import { failureFrom } from '../support/refusals.js';

const home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-remotes-'));
const sockets = new Set<net.Socket>();
/** Takes every call and never answers. */
const silent = net.createServer((socket) => void sockets.add(socket));
beforeAll(() => new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve)));
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => silent.close(resolve));
  fs.rmSync(home, { recursive: true });
});

it.each(['in-process', 'native'])(
  'a deadline of the policy ends the work of the %s engine',
  async (engine) => {
    const config = readConfig({
      SALLYPORT_DATA_DIR: home,
      SALLYPORT_GIT_ALLOW_HTTP: 'true',
      SALLYPORT_GIT_ALLOW_PRIVATE: 'true',
      SALLYPORT_GIT_DEADLINE_SECONDS: '3600',
      SALLYPORT_DELEGATE_GIT_ENGINE: engine,
    });
    const keyring = new Keyring(
      openKeyFile(path.join(home, 'keyring.json'), { createIfMissing: true }),
      'test',
    );
    const managers = new SecretManagerRegistry({
      deployment: 'test',
      keyring,
      deadlineMs: 1_000,
      dataKeyMsMax: 0,
      proxy: undefined,
      environment: {},
      assertAllowed: () => undefined,
      assertPathAllowed: () => undefined,
    });
    const policy = new DelegatePolicy({ limits: { gitDeadlineSeconds: 1 } });
    const { port } = silent.address() as AddressInfo;
    const audit = new SecretAudit(new AuditFile(home));
    const remote = { url: `http://127.0.0.1:${port}/a.git` };
    const task = { id: 't', name: 'git.head', purpose: null };
    const access = new DelegateAccess(openNetwork(config), policy, { keyring, managers, audit });
    const git = await openRemotes(config, policy, access)(remote, task);
    expect(await failureFrom(git.head('main'))).toMatchObject({ code: 'GIT_TIMEOUT', data: { seconds: 1 } });
  },
);
