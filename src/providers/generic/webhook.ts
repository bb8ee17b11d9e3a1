// Plain Git: what deploy/webhooks/post-receive sends, or whoever writes the same (docs/reference/webhooks.md). The signature is
// GitHub's, which many senders have.
import { z } from 'zod';
import {
  CloneUrl,
  changeList,
  FullName,
  HostRepoId,
  ignoredEvent,
  lenient,
  linkList,
  pick,
  readJsonBody,
  refsEvent,
  repoKey,
} from '../hook-body.js';
import { deliveryIdOf, headerOf, isJson } from '../hook-headers.js';
import { hmacProof } from '../hook-proof.js';
import type { HookCodec, RepoKey } from '../webhook.js';

export const genericCodec: HookCodec = {
  accepts: isJson,

  prove: (headers, secrets) => hmacProof(headerOf(headers, 'x-hub-signature-256'), 'sha256=', secrets),

  deliveryId: (headers, raw) => deliveryIdOf(headers, ['x-sallyport-delivery'], raw),

  parse(raw, headers) {
    const body = readJsonBody(raw, headers);
    const repo = readRepository(body);
    const { event } = pick(Named, body);
    if (event === 'ping') return { kind: 'ping', repo };
    if (event !== undefined && event !== 'push') return ignoredEvent(repo, event);
    const { changes, ref } = pick(Push, body);
    if (!('changes' in body) && ref !== undefined) return refsEvent(repo, [pick(Change, body)]);
    return refsEvent(repo, changes === 'unknown' ? undefined : changes);
  },
};

const Named = z.object({ event: z.string().optional() });

const Repository = z.object({
  id: HostRepoId,
  fullName: FullName,
  urls: linkList(CloneUrl),
});
const OfRepository = z.object({ repository: lenient(Repository) });

function readRepository(body: object): RepoKey {
  const { repository } = pick(OfRepository, body);
  return repoKey({
    id: repository?.id,
    fullName: repository?.fullName,
    cloneUrls: repository?.urls ?? [],
  });
}

const Change = z.object({
  ref: z.string(),
  before: z.string().nullable(),
  after: z.string().nullable(),
  forced: lenient(z.boolean()),
});
// Without either of them, the body says no more than that something moved, which is enough.
const Push = z.object({
  changes: z.union([z.literal('unknown'), changeList(Change)]),
  ref: z.string().optional(),
});
