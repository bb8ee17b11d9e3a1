// Bitbucket Cloud. It names refs by short name and type, and has no ping.
import { z } from 'zod';
import {
  changeList,
  FullName,
  HostRepoId,
  ignoredEvent,
  lenient,
  PullNumber,
  pick,
  pullEvent,
  readJsonBody,
  refsEvent,
  repoKey,
  type WrittenChange,
} from '../hook-body.js';
import { deliveryIdOf, headerOf, isJson } from '../hook-headers.js';
import { hmacProof } from '../hook-proof.js';
import { type HookCodec, type HookEvent, type RepoKey } from '../webhook.js';

export const bitbucketCloudCodec: HookCodec = {
  accepts: isJson,

  // GitHub's name of the SHA-1 header, with SHA-256 in it. X-Hook-UUID is an identifier that anybody may know.
  prove: (headers, secrets) => hmacProof(headerOf(headers, 'x-hub-signature'), 'sha256=', secrets),

  deliveryId: (headers, raw) => deliveryIdOf(headers, ['x-request-uuid'], raw),

  parse(raw, headers) {
    const body = readJsonBody(raw, headers);
    const repo = readRepository(body);
    const event = headerOf(headers, 'x-event-key');
    switch (event) {
      case 'repo:push':
        return refsEvent(repo, pick(Push, body).push.changes?.map(readChange));
      case 'pullrequest:created':
      case 'pullrequest:updated':
      case 'pullrequest:fulfilled':
      case 'pullrequest:rejected':
        return parsePull(repo, body);
      default:
        return ignoredEvent(repo, event);
    }
  },
};

const OfRepository = z.object({
  repository: lenient(z.object({ uuid: HostRepoId, full_name: FullName })),
});

function readRepository(body: object): RepoKey {
  const { repository } = pick(OfRepository, body);
  return repoKey({ id: repository?.uuid, fullName: repository?.full_name });
}

const Ref = z.object({
  type: z.string(),
  name: z.string(),
  target: z.object({ hash: z.string() }),
});
const Change = z.object({
  old: Ref.nullish(),
  new: Ref.nullish(),
  forced: lenient(z.boolean()),
});
const Push = z.object({ push: z.object({ changes: changeList(Change) }) });

const folders = new Map([
  ['branch', 'refs/heads/'],
  ['tag', 'refs/tags/'],
]);

/** Undefined where it does not say which ref it means. */
function readChange({ old, new: now, forced }: z.infer<typeof Change>): WrittenChange | undefined {
  const named = now ?? old;
  const folder = folders.get(named?.type ?? '');
  if (named === undefined || named === null || folder === undefined) return undefined;
  return {
    ref: `${folder}${named.name}`,
    before: old?.target.hash ?? null,
    after: now?.target.hash ?? null,
    forced,
  };
}

const Side = z.object({ branch: z.object({ name: z.string() }) });
const PullRequest = z.object({
  pullrequest: z.object({
    id: PullNumber,
    state: z.enum(['OPEN', 'MERGED', 'DECLINED', 'SUPERSEDED']),
    source: Side,
    destination: Side,
    merge_commit: lenient(z.object({ hash: z.string() }).nullable()),
  }),
});
const states = {
  OPEN: 'open',
  MERGED: 'merged',
  DECLINED: 'closed',
  SUPERSEDED: 'closed',
} as const;

function parsePull(repo: RepoKey, body: object): HookEvent {
  const { id, state, source, destination, merge_commit } = pick(PullRequest, body).pullrequest;
  return pullEvent(repo, {
    number: id,
    state: states[state],
    head: source.branch.name,
    base: destination.branch.name,
    mergeSha: merge_commit?.hash,
  });
}
