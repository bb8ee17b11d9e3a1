// One POST to an address that a user named: over the network’s own dialler, without redirects, within a deadline. Of the answer
// nothing is told but its status and when to come back, so that nobody reads through us what only we can reach.
import { Failure } from '../kernel/failure.js';
import { codeOf, faults, parseRetryAfter } from './http-transport.js';
import type { Network } from './network.js';
import { ProxyRefused } from './network-proxy.js';

/** What became of it. `status` is null where there was no answer. */
export type Outcome = { status: number; retryAfterSeconds?: number } | { status: null; reason: string };

export interface Post {
  headers: Record<string, string>;
  body: Buffer;
  deadlineMs: number;
  /** Gives it up. */
  signal?: AbortSignal | undefined;
}

/** What is read of an answer so that the connection can serve again. */
const ANSWER_BYTES_MAX = 16 * 1024;

export async function postOnce(network: Network, address: string, post: Post): Promise<Outcome> {
  const url = new URL(address);
  const deadline = AbortSignal.timeout(post.deadlineMs);
  const signal = AbortSignal.any([deadline, post.signal ?? []].flat());
  try {
    const answer = await network.agentFor(post.body.length).request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: 'POST',
      headers: post.headers,
      body: post.body,
      signal,
    });
    await answer.body.dump({ limit: ANSWER_BYTES_MAX, signal }).catch(() => undefined);
    return { status: answer.statusCode, ...parseRetryAfter(answer.headers['retry-after']) };
  } catch (error) {
    if (deadline.aborted) return { status: null, reason: `no answer within ${post.deadlineMs / 1_000} s` };
    return { status: null, reason: describe(error) };
  }
}

function describe(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof ProxyRefused) return at.message;
    if (at instanceof Failure) return 'its address is not allowed';
  }
  const code = codeOf(error) ?? '';
  return faults[code] ?? 'it does not speak HTTP';
}
