// Which engine a delegate uses, and how it opens the credential of a task.
import path from 'node:path';
import type { Config } from '../../src/config/config.js';
import { ReauthorisingGit } from '../../src/credentials/reauthorising-git.js';
import type { Git, Remote } from '../../src/git/git.js';
import { InProcessGit } from '../../src/git/in-process-git.js';
import { ObjectCache } from '../../src/git/object-cache.js';
import { isSshUrl } from '../../src/git/remote-url.js';
import { NativeGit } from '../native-git/native-git.js';
import type { DelegateAccess } from './access.js';
import type { OpenRemote } from './handlers.js';
import type { DelegatePolicy } from './policy.js';

const MIB = 1024 * 1024;

export function openRemotes(config: Config, policy: DelegatePolicy, access: DelegateAccess): OpenRemote {
  const cache = new ObjectCache(policy.atMost('gitCacheMib', config.SALLYPORT_GIT_CACHE_MIB) * MIB);
  const options = {
    allowHttp: config.SALLYPORT_GIT_ALLOW_HTTP,
    allowPrivate: config.SALLYPORT_GIT_ALLOW_PRIVATE,
    deadlineMs: policy.atMost('gitDeadlineSeconds', config.SALLYPORT_GIT_DEADLINE_SECONDS) * 1_000,
  };
  const disk = {
    root: path.join(config.SALLYPORT_DATA_DIR, 'native-git'),
    diskBytesMax: policy.atMost('gitDiskMib', config.SALLYPORT_GIT_DISK_MIB) * MIB,
  };
  return async (carried, task): Promise<Git> => {
    const { url, knownHosts, credential } = carried;
    policy.assertGitAllowed(url);
    let isAtHand = false;
    const opened = access.credentialOf(carried, task, ({ isFresh }) => {
      isAtHand = !isFresh;
    });
    const remote: Remote = { url, knownHosts, credential: opened };
    const own = { ...options, network: await access.networkOf(carried.trust, task) };
    // Only the system git speaks SSH.
    const isNative = config.SALLYPORT_DELEGATE_GIT_ENGINE === 'native' || isSshUrl(url);
    const git = isNative
      ? new NativeGit(remote, { ...own, ...disk })
      : new InProcessGit(remote, { ...own, cache });
    return new ReauthorisingGit(git, {
      forget: () => {
        if (isAtHand) access.forget(credential);
        return isAtHand;
      },
    });
  };
}
