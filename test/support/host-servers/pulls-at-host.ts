// What a test does at a host about requests: has it refuse to open them, counts who asked, and has it tell of one.
import { randomUUID } from 'node:crypto';
import { hmacHex } from '../../unit/support/deliveries.js';
import type { HostRequest, HostServer, Reply } from './host-server.js';
import type { FakePull } from './host-state.js';

const isOpening = ({ method, path }: HostRequest): boolean => method === 'POST' && /\/pulls$/.test(path);

/** What whoever wants to open a request is answered, until `instead` is something else. */
export function refusePulls(server: HostServer, reply: Reply): void {
  server.instead = (request) => (isOpening(request) ? reply : undefined);
}

/** Times that it was asked to open a request of the branch. */
export const openingsOf = (server: HostServer, branch: string): HostRequest[] =>
  server.requests.filter(
    (request) => isOpening(request) && (request.body as { head: string }).head === branch,
  );

/** A delivery of Gitea’s, the status that it is answered with. */
export async function tellOfPull(
  to: { url: string; secret: string },
  repository: string,
  { number, head, base }: Pick<FakePull, 'number' | 'head' | 'base'>,
): Promise<number> {
  const body = JSON.stringify({
    pull_request: { number, state: 'open', merged: false, head: { ref: head }, base: { ref: base } },
    repository: { id: 1, full_name: 'acme/app', clone_url: repository },
  });
  const headers = {
    'content-type': 'application/json',
    'x-gitea-event': 'pull_request',
    'x-gitea-delivery': randomUUID(),
    'x-gitea-signature': hmacHex(to.secret, Buffer.from(body)),
  };
  return (await fetch(to.url, { method: 'POST', headers, body })).status;
}
