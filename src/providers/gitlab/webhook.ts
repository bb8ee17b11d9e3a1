// GitLab: hooks of projects and groups, and system hooks of a whole server.
import { z } from 'zod';
import {
  CloneUrl,
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
} from '../hook-body.js';
import { deliveryIdOf, headerOf, isJson } from '../hook-headers.js';
import { checkShared, settledProof, standardWebhookProof } from '../hook-proof.js';
import { type HookCodec, type HookEvent, type HookHeaders, MalformedHook, type RepoKey } from '../webhook.js';

export const gitlabCodec: HookCodec = {
  accepts: isJson,

  // A hook may have both. Where it signs, the signature alone counts: whoever has seen the token could send it with anything.
  prove: (headers, secrets) =>
    standardWebhookProof(headers, secrets) ??
    settledProof(checkShared(headerOf(headers, 'x-gitlab-token'), secrets)),

  // Not X-Gitlab-Event-UUID, which hooks that caused each other share. The last one is new at every attempt: a repetition is then
  // taken for another delivery, which does no harm, while two pushes with the same body are never taken for one.
  deliveryId: (headers, raw) =>
    deliveryIdOf(headers, ['idempotency-key', 'webhook-id', 'x-gitlab-webhook-uuid'], raw),

  parse(raw, headers) {
    try {
      return parseBody(readJsonBody(raw, headers), headers);
    } catch (error) {
      if (!(error instanceof MalformedHook)) throw error;
      throw new MalformedHook(
        error.reason,
        `${error.message}; a custom webhook template in GitLab changes what is sent, and has to be removed`,
      );
    }
  },
};

function parseBody(body: object, headers: HookHeaders): HookEvent {
  const repo = readRepository(body);
  const event = headerOf(headers, 'x-gitlab-event');
  switch (kindOf(event, body)) {
    case 'push':
    case 'tag_push':
      return refsEvent(repo, [pick(Push, body)]);
    case 'repository_update':
      return refsEvent(repo, pick(RepositoryUpdate, body).changes);
    case 'merge_request':
      return parseMergeRequest(repo, body);
    default:
      return ignoredEvent(repo, event);
  }
}

const kinds = new Map([
  ['Push Hook', 'push'],
  ['Tag Push Hook', 'tag_push'],
  ['Merge Request Hook', 'merge_request'],
]);
const Named = z
  .object({ object_kind: lenient(z.string()), event_name: lenient(z.string()) })
  .refine(({ object_kind, event_name }) => (object_kind ?? event_name) !== undefined, {
    message: 'neither object_kind nor event_name says what happened',
  });

/** All events of a server come as `System Hook`; the body says which. */
function kindOf(event: string | undefined, body: object): string | undefined {
  if (event !== undefined && event !== 'System Hook') return kinds.get(event);
  const { object_kind, event_name } = pick(Named, body);
  return object_kind ?? event_name;
}

const Project = z.object({
  id: HostRepoId,
  path_with_namespace: FullName,
  git_http_url: CloneUrl,
  git_ssh_url: CloneUrl,
});
const OfProject = z.object({ project: lenient(Project), project_id: HostRepoId });

function readRepository(body: object): RepoKey {
  const { project, project_id } = pick(OfProject, body);
  return repoKey({
    id: project?.id ?? project_id,
    fullName: project?.path_with_namespace,
    cloneUrls: [project?.git_http_url, project?.git_ssh_url],
  });
}

const Push = z.object({ ref: z.string(), before: z.string(), after: z.string() });
const RepositoryUpdate = z.object({ changes: changeList(Push) });

const MergeRequest = z.object({
  object_attributes: z.object({
    iid: PullNumber,
    // `locked`: being merged just now.
    state: z.enum(['opened', 'locked', 'closed', 'merged']),
    action: lenient(z.string()),
    source_branch: z.string(),
    target_branch: z.string(),
    merge_commit_sha: lenient(z.string().nullable()),
    squash_commit_sha: lenient(z.string().nullable()),
  }),
});
const states = { opened: 'open', locked: 'open', closed: 'closed', merged: 'merged' } as const;

function parseMergeRequest(repo: RepoKey, body: object): HookEvent {
  const { object_attributes: found } = pick(MergeRequest, body);
  return pullEvent(repo, {
    number: found.iid,
    state: found.action === 'merge' ? 'merged' : states[found.state],
    head: found.source_branch,
    base: found.target_branch,
    // Without a merge commit, the squashed one is what arrived on the branch.
    mergeSha: found.merge_commit_sha ?? found.squash_commit_sha,
  });
}
