// What a delegate does with its group's keys is on record: who got them, and when they changed.
import { type GroupEdition, idOfEdition } from '../../src/contract/group-keys.js';
import type { TaskInput } from '../../src/contract/tasks.js';
import { Failure } from '../../src/kernel/failure.js';
import type { Log } from '../../src/kernel/log.js';
import type { Sealed } from '../../src/sealing/hpke.js';
import { fingerprintOf } from '../../src/sealing/identity.js';
import type { GroupFile } from './group-file.js';
import { handOver } from './group-keys.js';
import type { ChangeKeys } from './handlers.js';
import type { LiveGroupKeys } from './live-group-keys.js';
import type { DelegatePolicy } from './policy.js';

interface Holder {
  groupFile: GroupFile;
  policy: DelegatePolicy;
  who: { delegate: string; group: string };
}

/** Whoever got the keys of the group, or was refused them, is on record. */
export async function handOverAudibly(
  { groupFile, policy, who }: Holder,
  newcomer: TaskInput<'group.handOver'>,
  log: Log,
): Promise<Sealed> {
  const about = {
    audit: true,
    ...who,
    to: newcomer.delegate,
    fingerprint: fingerprintOf(newcomer.identityKey),
  };
  try {
    const sealed = await handOver(groupFile, policy, newcomer);
    log.info(about, 'group keys handed over');
    return sealed;
  } catch (error) {
    log.warn({ ...about, code: Failure.from(error).code }, 'group keys not handed over');
    throw error;
  }
}

/** Every change of the group's keys is on record. */
export function changeAudibly({ who }: Pick<Holder, 'who'>, groupKeys: LiveGroupKeys, log: Log): ChangeKeys {
  const record = (edition: GroupEdition, what: string): void =>
    log.info({ audit: true, ...who, rotation: edition.rotation, edition: idOfEdition(edition) }, what);
  return {
    wish: () => groupKeys.wish(),
    stage: async (input) => {
      const edition = await groupKeys.stage(input);
      record(edition, 'group keys made, to be used later');
      return { edition, state: groupKeys.state };
    },
    adopt: async (sealed) => {
      await groupKeys.adopt(sealed);
      log.info({ audit: true, ...who }, 'group keys received');
      return { state: groupKeys.state };
    },
    promote: async (input) => {
      await groupKeys.promote(input);
      record(input.edition, 'group keys taken into use');
      return { state: groupKeys.state };
    },
  };
}
