// What a delegate tells of itself.
import { spawnSync } from 'node:child_process';
import os from 'node:os';
import type { Config } from '../../src/config/config.js';
import { version } from '../../src/config/version.js';
import type { SelfDescription } from '../../src/contract/presence.js';
import { contractOldest, contractVersion } from '../../src/contract/version.js';
import type { DelegatePolicy } from './policy.js';

/** `name`: the one it enrolled under, if it has. */
export function describeSelf(config: Config, policy: DelegatePolicy, name?: string): SelfDescription {
  return {
    name: name ?? config.SALLYPORT_DELEGATE_NAME ?? os.hostname().replace(/[^A-Za-z0-9_.-]/g, '-'),
    version,
    contract: contractVersion,
    contractOldest,
    tags: config.SALLYPORT_DELEGATE_TAGS ?? [],
    tasksMax: policy.tasksMax(config.SALLYPORT_DELEGATE_TASKS_MAX),
    capabilities: { nativeGit: hasNativeGit(), gitAllowed: policy.gitAllowed },
  };
}

const hasNativeGit = (): boolean =>
  spawnSync('git', ['--version'], { stdio: 'ignore', timeout: 5_000 }).status === 0;
