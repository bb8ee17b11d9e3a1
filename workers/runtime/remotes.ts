// Which engine a delegate uses, and how it opens the credential of a task.
import path from 'node:path';
import type { Config } from '../../src/config/config.js';
import type { CarriedRemote, CarriedSecret } from '../../src/contract/remote.js';
import type { Git, Remote } from '../../src/git/git.js';
import { InProcessGit } from '../../src/git/in-process-git.js';
import { openNetwork } from '../../src/git/network.js';
import { ObjectCache } from '../../src/git/object-cache.js';
import { isSshUrl } from '../../src/git/remote-url.js';
import { Secret } from '../../src/kernel/secret.js';
import { step } from '../../src/kernel/step.js';
import type { TaskContext } from '../../src/queue/task-worker.js';
import { NativeGit } from '../native-git/native-git.js';
import type { Keyring } from '../secret-managers/keyring.js';
import type { SecretManagerRegistry } from '../secret-managers/registry.js';
import type { OpenRemote } from './handlers.js';
import type { DelegatePolicy } from './policy.js';
import { auditSubject, type SecretAudit, wipe } from './secret-audit.js';

const MIB = 1024 * 1024;

/** What opens secrets here, and keeps the record of it. */
export interface Openers {
  keyring: Keyring;
  managers: SecretManagerRegistry;
  audit: SecretAudit;
}

export function openRemotes(config: Config, policy: DelegatePolicy, openers: Openers): OpenRemote {
  const cache = new ObjectCache(policy.atMost('gitCacheMib', config.SALLYPORT_GIT_CACHE_MIB) * MIB);
  const network = {
    allowHttp: config.SALLYPORT_GIT_ALLOW_HTTP,
    allowPrivate: config.SALLYPORT_GIT_ALLOW_PRIVATE,
    network: openNetwork(config),
    deadlineMs: policy.atMost('gitDeadlineSeconds', config.SALLYPORT_GIT_DEADLINE_SECONDS) * 1_000,
  };
  const native = {
    ...network,
    root: path.join(config.SALLYPORT_DATA_DIR, 'native-git'),
    diskBytesMax: policy.atMost('gitDiskMib', config.SALLYPORT_GIT_DISK_MIB) * MIB,
  };
  return (sealed, task): Git => {
    policy.assertGitAllowed(sealed.url);
    const remote = unseal(sealed, task, openers);
    // Only the system git speaks SSH.
    const isNative = config.SALLYPORT_DELEGATE_GIT_ENGINE === 'native' || isSshUrl(remote.url);
    if (isNative) return new NativeGit(remote, native);
    return new InProcessGit(remote, { ...network, cache });
  };
}

function unseal({ url, knownHosts, credential }: CarriedRemote, task: TaskContext, openers: Openers): Remote {
  if (credential === undefined) return { url, knownHosts };
  const { username, secret } = credential;
  const open = (): Promise<Secret> => step('delegate.open-secret', () => openSecret(secret, task, openers));
  return { url, knownHosts, credential: { username, open } };
}

async function openSecret(
  secret: CarriedSecret,
  task: TaskContext,
  { keyring, managers, audit }: Openers,
): Promise<Secret> {
  // The manager opened it, and has that on record.
  if (secret.manager === 'builtin') return new Secret(Buffer.from(secret.value, 'base64'));
  const place = { scope: secret.scope, secret: secret.id };
  if (secret.manager === 'keyring') {
    const { envelope } = secret;
    const open = () => keyring.open(envelope, place);
    return audit.open(auditSubject(place, envelope, null), task, { open, wipe });
  }
  const { stored, keptBy } = secret;
  const open = () => managers.use(keptBy, (manager) => manager.open(stored, place));
  return audit.open(auditSubject(place, stored, keptBy), task, { open, wipe });
}
