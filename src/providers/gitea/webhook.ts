// Gitea, Forgejo and Gogs, which are one family with headers of their own names. Each also sends those of its ancestors, and
// GitHub's; only its own are read.
import { z } from 'zod';
import {
  CloneUrl,
  FullName,
  HostRepoId,
  ignored,
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
import { hmacProof } from '../hook-proof.js';
import { type HookCodec, type HookEvent, type RepoKey } from '../webhook.js';

export const giteaCodec = familyCodec('gitea');
export const forgejoCodec = familyCodec('forgejo');
export const gogsCodec = familyCodec('gogs');

function familyCodec(name: 'gitea' | 'forgejo' | 'gogs'): HookCodec {
  return {
    // As a form they sign the JSON inside it, which could be checked only after parsing.
    accepts: isJson,

    prove: (headers, secrets) => hmacProof(headerOf(headers, `x-${name}-signature`), '', secrets),

    deliveryId: (headers, raw) => deliveryIdOf(headers, [`x-${name}-delivery`], raw),

    parse(raw, headers) {
      const body = readJsonBody(raw, headers);
      const repo = readRepository(body);
      const event = headerOf(headers, `x-${name}-event`);
      switch (event) {
        case 'push':
          return refsEvent(repo, [pick(Push, body)]);
        case 'delete':
          return parseDelete(repo, body);
        case 'create':
          return ignored(repo, 'the push of the same ref says it too, by its full name');
        case 'pull_request':
          return parsePull(repo, body);
        default:
          return ignoredEvent(repo, event);
      }
    },
  };
}

const Repository = z.object({ id: HostRepoId, full_name: FullName, clone_url: CloneUrl, ssh_url: CloneUrl });
const OfRepository = z.object({ repository: lenient(Repository) });

function readRepository(body: object): RepoKey {
  const { repository } = pick(OfRepository, body);
  return repoKey({
    id: repository?.id,
    fullName: repository?.full_name,
    cloneUrls: [repository?.clone_url, repository?.ssh_url],
  });
}

const Push = z.object({ ref: z.string(), before: z.string(), after: z.string() });

const Delete = z.object({ ref: z.string(), ref_type: z.enum(['branch', 'tag']) });

/** The only sign of a deleted branch; there is no push. It has the short name, and does not say where the branch was. */
function parseDelete(repo: RepoKey, body: object): HookEvent {
  const { ref, ref_type } = pick(Delete, body);
  const folder = ref_type === 'branch' ? 'refs/heads/' : 'refs/tags/';
  return refsEvent(repo, [{ ref: `${folder}${ref}`, before: null, after: null }]);
}

const Side = lenient(z.object({ ref: z.string() }));
const PullRequest = z.object({
  pull_request: z
    .object({
      number: PullNumber,
      state: z.enum(['open', 'closed']),
      merged: lenient(z.boolean()),
      merge_commit_sha: lenient(z.string().nullable()),
      head: Side,
      base: Side,
      // Gogs has these in their place.
      head_branch: lenient(z.string()),
      base_branch: lenient(z.string()),
    })
    .transform(({ head, base, head_branch, base_branch, ...rest }) => ({
      ...rest,
      head: head?.ref ?? head_branch ?? '',
      base: base?.ref ?? base_branch ?? '',
    })),
});

function parsePull(repo: RepoKey, body: object): HookEvent {
  const { number, state, merged, merge_commit_sha, head, base } = pick(PullRequest, body).pull_request;
  return pullEvent(repo, {
    number,
    state: merged === true ? 'merged' : state,
    head,
    base,
    mergeSha: merge_commit_sha,
  });
}
