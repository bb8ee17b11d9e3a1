// Bitbucket Data Center.
import { z } from 'zod';
import {
  CloneUrl,
  changeList,
  FullName,
  HostRepoId,
  ignoredEvent,
  lenient,
  linkList,
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

export const bitbucketDcCodec: HookCodec = {
  accepts: isJson,

  prove: (headers, secrets) => hmacProof(headerOf(headers, 'x-hub-signature'), 'sha256=', secrets),

  deliveryId: (headers, raw) => deliveryIdOf(headers, ['x-request-id'], raw),

  parse(raw, headers) {
    const body = readJsonBody(raw, headers);
    const repo = readRepository(body);
    const event = headerOf(headers, 'x-event-key');
    switch (event) {
      case 'diagnostics:ping':
        return { kind: 'ping', repo };
      case 'repo:refs_changed':
        return refsEvent(repo, pick(RefsChanged, body).changes?.map(readChange));
      case 'pr:opened':
      case 'pr:modified':
      case 'pr:from_ref_updated':
      case 'pr:to_ref_updated':
      case 'pr:merged':
      case 'pr:declined':
      case 'pr:deleted':
        return parsePull(repo, event, body);
      default:
        return ignoredEvent(repo, event);
    }
  },
};

const Link = lenient(z.object({ href: CloneUrl }));
const Repository = z.object({
  id: HostRepoId,
  slug: FullName,
  project: lenient(z.object({ key: FullName })),
  // In newer versions alone.
  links: lenient(z.object({ clone: linkList(Link) })),
});
const OfRepository = z.object({
  repository: lenient(Repository),
  // Where it is about a pull request, the repository that this is to be merged into is the one it is about.
  pullRequest: lenient(z.object({ toRef: lenient(z.object({ repository: lenient(Repository) })) })),
});

function readRepository(body: object): RepoKey {
  const { repository, pullRequest } = pick(OfRepository, body);
  const { id, slug, project, links } = repository ?? pullRequest?.toRef?.repository ?? {};
  const isNamed = project?.key !== undefined && slug !== undefined;
  return repoKey({
    id,
    fullName: isNamed ? `${project.key}/${slug}` : undefined,
    cloneUrls: links?.clone?.map((link) => link?.href) ?? [],
  });
}

const Change = z.object({
  ref: z.object({ id: z.string() }),
  type: z.enum(['ADD', 'UPDATE', 'DELETE']),
  fromHash: z.string(),
  toHash: z.string(),
});
const RefsChanged = z.object({ changes: changeList(Change) });

function readChange({ ref, type, fromHash, toHash }: z.infer<typeof Change>): WrittenChange {
  return {
    ref: ref.id,
    before: type === 'ADD' ? null : fromHash,
    after: type === 'DELETE' ? null : toHash,
  };
}

const Side = z.object({ id: z.string() });
const PullRequest = z.object({
  pullRequest: z.object({
    id: PullNumber,
    state: z.enum(['OPEN', 'MERGED', 'DECLINED']),
    fromRef: Side,
    toRef: Side,
    properties: lenient(z.object({ mergeCommit: lenient(z.object({ id: z.string() })) })),
  }),
});
const states = { OPEN: 'open', MERGED: 'merged', DECLINED: 'closed' } as const;

function parsePull(repo: RepoKey, event: string, body: object): HookEvent {
  const { id, state, fromRef, toRef, properties } = pick(PullRequest, body).pullRequest;
  return pullEvent(repo, {
    number: id,
    // What is deleted is still called open.
    state: event === 'pr:deleted' ? 'closed' : states[state],
    head: fromRef.id,
    base: toRef.id,
    mergeSha: properties?.mergeCommit?.id,
  });
}
