// The keys of a manager and of one delegate that know each other, as after an enrolment.
import { randomBytes } from 'node:crypto';
import { type EnrolmentRequest, proofText } from '../../src/contract/enrolment.js';
import { answerInfo, taskInfo } from '../../src/contract/messages.js';
import { contractOldest, contractVersion } from '../../src/contract/version.js';
import type { Addressee, ManagerSeal } from '../../src/queue/task-queue.js';
import type { DelegateSeal } from '../../src/queue/task-worker.js';
import { makeSealingPair, Opener } from '../../src/sealing/hpke.js';
import { Identity } from '../../src/sealing/identity.js';
import { makeKeys } from '../../workers/runtime/delegate-files.js';

export interface Seals {
  managerSeal: ManagerSeal;
  delegateSeal: DelegateSeal;
  addressee: Addressee;
}

export async function makeSeals(): Promise<Seals> {
  const deployment = 'test';
  const group = `g${randomBytes(8).toString('hex')}`;
  const delegate = `d${randomBytes(8).toString('hex')}`;
  const [ofManager, ofGroup] = await Promise.all([makeSealingPair(), makeSealingPair()]);
  const managerIdentity = new Identity(Identity.make());
  const identity = new Identity(Identity.make());
  return {
    managerSeal: {
      deployment,
      identity: managerIdentity,
      opener: new Opener(ofManager, answerInfo(deployment)),
    },
    delegateSeal: {
      deployment,
      group,
      delegate,
      identity,
      opener: new Opener(ofGroup, taskInfo(deployment, group)),
      managerIdentityKey: managerIdentity.publicKey,
      managerSealingKey: ofManager.publicKey,
    },
    addressee: { delegate, group, sealingKey: ofGroup.publicKey, identityKey: identity.publicKey },
  };
}

/** What a delegate of this name would send with the token to enrol. */
export async function enrolmentRequest(token: string, name: string): Promise<EnrolmentRequest> {
  const [own, group] = [await makeKeys(), await makeKeys()];
  const identity = new Identity(own.identity);
  const groupIdentity = new Identity(group.identity);
  const keys = { identityKey: identity.publicKey, sealingKey: own.sealing.publicKey };
  return {
    self: {
      name,
      version: '0.1.0',
      contract: contractVersion,
      contractOldest,
      tags: [],
      tasksMax: 1,
      capabilities: { nativeGit: false, gitAllowed: null },
    },
    ...keys,
    group: {
      identityKey: groupIdentity.publicKey,
      sealingKey: group.sealing.publicKey,
      signature: groupIdentity.sign('sealing-key', group.sealing.publicKey),
    },
    proof: identity.sign('enrolment', proofText(token, keys)),
  };
}
