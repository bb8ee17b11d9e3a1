// Azure DevOps, services and server. It signs nothing: the proof is what its subscription was told to send along.
import { z } from 'zod';
import {
  CloneUrl,
  changeList,
  FullName,
  HostRepoId,
  ignored,
  ignoredEvent,
  lenient,
  PullNumber,
  pick,
  pullEvent,
  readJson,
  readJsonBody,
  refsEvent,
  repoKey,
} from '../hook-body.js';
import { digestOf, headerOf, isDeliveryId, isJson } from '../hook-headers.js';
import { checkShared, settledProof } from '../hook-proof.js';
import { type HookCodec, type HookEvent, type HookHeaders, type RepoKey } from '../webhook.js';

/** A larger one is known by its digest. */
const ID_BODY_BYTES_MAX = 256 * 1024;

export const azureCodec: HookCodec = {
  accepts: isJson,

  // Either is enough, and none of them may be wrong.
  prove(headers, secrets) {
    const given = [passwordOf(headers), headerOf(headers, 'x-sallyport-secret')];
    const verdicts = given.map((one) => checkShared(one, secrets)).filter((one) => one !== 'missing');
    if (verdicts.length === 0) return settledProof('missing');
    return settledProof(verdicts.every((one) => one === 'ok') ? 'ok' : 'bad');
  },

  // No header has one.
  deliveryId(_headers, raw) {
    // Nothing large is parsed before it is stored.
    if (raw.length > ID_BODY_BYTES_MAX) return digestOf(raw);
    try {
      const { id, notificationId, subscriptionId } = pick(Delivery, readJson(raw.toString()));
      const parts = [id, notificationId, subscriptionId].filter((part) => part !== undefined);
      return isDeliveryId(parts.join(':')) ? parts.join(':') : digestOf(raw);
    } catch {
      return digestOf(raw);
    }
  },

  parse(raw, headers) {
    const body = readJsonBody(raw, headers);
    const repo = readRepository(body);
    const { eventType } = pick(Named, body);
    switch (eventType) {
      case 'git.push':
        return refsEvent(repo, readUpdates(body));
      case 'git.pullrequest.created':
      case 'git.pullrequest.updated':
      case 'git.pullrequest.merged':
        return parsePull(repo, body);
      default:
        return ignoredEvent(repo, eventType);
    }
  },
};

/** 'Basic dXNlcjpzZWNyZXQ=' → 'secret', whoever the user is. Of another scheme the whole, which no secret equals. */
function passwordOf(headers: HookHeaders): string | undefined {
  const authorization = headerOf(headers, 'authorization');
  const [, base64] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization ?? '') ?? [];
  if (base64 === undefined) return authorization;
  const pair = Buffer.from(base64, 'base64').toString();
  return pair.slice(pair.indexOf(':') + 1);
}

const Delivery = z.object({ id: HostRepoId, notificationId: HostRepoId, subscriptionId: HostRepoId });
const Named = z.object({ eventType: z.string() });

const Repository = z.object({
  id: HostRepoId,
  name: FullName,
  project: lenient(z.object({ name: FullName })),
  remoteUrl: CloneUrl,
  sshUrl: CloneUrl,
});
const OfRepository = z.object({ resource: lenient(z.object({ repository: lenient(Repository) })) });

function readRepository(body: object): RepoKey {
  const { id, name, project, remoteUrl, sshUrl } = pick(OfRepository, body).resource?.repository ?? {};
  const isNamed = project?.name !== undefined && name !== undefined;
  return repoKey({
    id,
    fullName: isNamed ? `${project.name}/${name}` : undefined,
    cloneUrls: [remoteUrl, sshUrl],
  });
}

const RefUpdate = z.object({ name: z.string(), oldObjectId: z.string(), newObjectId: z.string() });
// A subscription may be set to send little of the resource, or nothing.
const Push = z.object({
  resource: z.object({ refUpdates: changeList(RefUpdate) }).nullish(),
});

function readUpdates(body: object) {
  return pick(Push, body).resource?.refUpdates?.map(({ name, oldObjectId, newObjectId }) => ({
    ref: name,
    before: oldObjectId,
    after: newObjectId,
  }));
}

const PullRequest = z.object({
  pullRequestId: PullNumber,
  status: z.enum(['notSet', 'active', 'abandoned', 'completed']),
  mergeStatus: lenient(z.string()),
  sourceRefName: z.string(),
  targetRefName: z.string(),
  lastMergeCommit: lenient(z.object({ commitId: z.string() }).nullable()),
});
const Reported = z.object({
  resource: z.object({ sourceRefName: z.unknown().optional() }).nullish(),
});

function parsePull(repo: RepoKey, body: object): HookEvent {
  const { resource } = pick(Reported, body);
  if (resource?.sourceRefName === undefined)
    return ignored(repo, 'the subscription does not send the details of a pull request');
  const { pullRequestId, sourceRefName, targetRefName, lastMergeCommit, ...found } = pick(
    z.object({ resource: PullRequest }),
    body,
  ).resource;
  return pullEvent(repo, {
    number: pullRequestId,
    state: stateOf(found),
    head: sourceRefName,
    base: targetRefName,
    mergeSha: lastMergeCommit?.commitId,
  });
}

/** `git.pullrequest.merged` tells of every attempt to merge, of trials too: it is merged once it is completed and that succeeded. */
function stateOf({ status, mergeStatus }: Pick<z.infer<typeof PullRequest>, 'status' | 'mergeStatus'>) {
  if (status === 'abandoned') return 'closed';
  return status === 'completed' && mergeStatus === 'succeeded' ? 'merged' : 'open';
}
