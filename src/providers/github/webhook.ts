// GitHub and GitHub Enterprise Server.
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
  readJson,
  refsEvent,
  repoKey,
} from '../hook-body.js';
import { deliveryIdOf, headerOf, mediaTypeOf } from '../hook-headers.js';
import { hmacProof } from '../hook-proof.js';
import { type HookCodec, type HookEvent, type HookHeaders, MalformedHook, type RepoKey } from '../webhook.js';

export const githubCodec: HookCodec = {
  // Its settings offer a form first.
  accepts: (headers) => mediaTypeOf(headers) !== 'other',

  // `X-Hub-Signature`, SHA-1, comes beside it and proves nothing.
  prove: (headers, secrets) => hmacProof(headerOf(headers, 'x-hub-signature-256'), 'sha256=', secrets),

  deliveryId: (headers, raw) => deliveryIdOf(headers, ['x-github-delivery'], raw),

  parse(raw, headers) {
    const body = readBody(raw, headers);
    const repo = readRepository(body);
    const event = headerOf(headers, 'x-github-event');
    switch (event) {
      case 'ping':
        return { kind: 'ping', repo };
      case 'push':
        return parsePush(repo, body);
      case 'pull_request':
        return parsePull(repo, body);
      case 'create':
      case 'delete':
        return ignored(repo, 'the push of the same ref says it too, by its full name');
      default:
        return ignoredEvent(repo, event);
    }
  },
};

function readBody(raw: Buffer, headers: HookHeaders): object {
  const type = mediaTypeOf(headers);
  if (type === 'other') throw new MalformedHook('media-type', 'The body is neither JSON nor a form');
  return readJson((type === 'form' ? payloadOf(raw) : raw).toString());
}

const PAYLOAD = 'payload=';
const [PERCENT, PLUS, SPACE] = [0x25, 0x2b, 0x20];

/** The field `payload` of a form. Only that one is taken out, however many others there are. */
function payloadOf(form: Buffer): Buffer {
  const isFirst = form.subarray(0, PAYLOAD.length).toString() === PAYLOAD;
  const start = isFirst ? 0 : form.indexOf(`&${PAYLOAD}`) + 1;
  if (!isFirst && start === 0) throw new MalformedHook('body', 'The form has no field payload');
  const end = form.indexOf('&', start);
  return decodeField(form.subarray(start + PAYLOAD.length, end === -1 ? undefined : end));
}

/** 'a+%22b%22' → 'a "b"' */
function decodeField(encoded: Buffer): Buffer {
  const decoded = Buffer.alloc(encoded.length);
  let length = 0;
  for (let at = 0; at < encoded.length; at += 1) {
    let byte = encoded[at] ?? 0;
    if (byte === PLUS) byte = SPACE;
    if (byte === PERCENT) {
      byte = hexAt(encoded, at + 1) * 16 + hexAt(encoded, at + 2);
      at += 2;
    }
    decoded[length] = byte;
    length += 1;
  }
  return decoded.subarray(0, length);
}

function hexAt(bytes: Buffer, at: number): number {
  const digit = Number.parseInt(String.fromCharCode(bytes[at] ?? 0), 16);
  if (Number.isNaN(digit))
    throw new MalformedHook('body', 'The field payload is not encoded as one of a form');
  return digit;
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

const Push = z.object({
  ref: z.string(),
  before: z.string(),
  after: z.string(),
  forced: lenient(z.boolean()),
});

function parsePush(repo: RepoKey, body: object): HookEvent {
  return refsEvent(repo, [pick(Push, body)]);
}

const Branch = z.object({ ref: z.string() });
const PullRequest = z.object({
  pull_request: z.object({
    number: PullNumber,
    state: z.enum(['open', 'closed']),
    merged: lenient(z.boolean()),
    // Of an open one, the commit of a trial.
    merge_commit_sha: lenient(z.string().nullable()),
    head: Branch,
    base: Branch,
  }),
});

function parsePull(repo: RepoKey, body: object): HookEvent {
  const { number, state, merged, merge_commit_sha, head, base } = pick(PullRequest, body).pull_request;
  return pullEvent(repo, {
    number,
    state: merged === true ? 'merged' : state,
    head: head.ref,
    base: base.ref,
    mergeSha: merge_commit_sha,
  });
}
