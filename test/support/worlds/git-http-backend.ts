// Git's own http-backend behind the bridge of the playground: as it comes, and as older or more cautious hosts have it.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { startGitHost } from '../../../src/playground/git-host.js';
import { forward } from './forward.js';
import type { Account, GitServer, RunningServer } from './git-server.js';

const anyWants = { 'uploadpack.allowAnySHA1InWant': 'true' };
const noWants = { 'uploadpack.allowAnySHA1InWant': 'false' };
const noFilter = { 'uploadpack.allowFilter': 'false' };

export const gitHost: GitServer = {
  name: 'git http-backend',
  triedWith: 'git 2.39.5',
  features: { agent: 'git', protocol: 2, filter: true, shallow: true, wants: 'any' },
  lacks: [],
  config: {},
  start: (root, account) => startGitHost({ root, port: 0, accounts: [account] }),
};

export const gitHostWithoutFilter: GitServer = {
  ...gitHost,
  name: 'git http-backend, no filter',
  features: { ...gitHost.features, filter: false },
  config: noFilter,
};

export const gitHostVersion1: GitServer = {
  ...gitHost,
  name: 'git http-backend, protocol 1',
  features: { ...gitHost.features, protocol: 1, wants: 'commits' },
  config: anyWants,
  start: (root, account) => startSpeaking('version=1', root, account),
};

export const gitHostVersion0: GitServer = {
  ...gitHost,
  name: 'git http-backend, protocol 0, any wants, no filter',
  features: { ...gitHost.features, protocol: 0, filter: false, wants: 'commits' },
  config: { ...anyWants, ...noFilter },
  start: (root, account) => startSpeaking(undefined, root, account),
};

export const gitHostVersion0Stock: GitServer = {
  ...gitHostVersion0,
  name: 'git http-backend, protocol 0, as installed',
  config: { ...noWants, ...noFilter },
};

/** The host behind a proxy that lets the client's word on the protocol through as this, or not at all. */
async function startSpeaking(
  protocol: string | undefined,
  root: string,
  account: Account,
): Promise<RunningServer> {
  const host = await startGitHost({ root, port: 0, accounts: [account] });
  const proxy = http.createServer((request, response) => {
    const { 'git-protocol': _, ...others } = request.headers;
    const headers = protocol === undefined ? others : { ...others, 'git-protocol': protocol };
    forward(host.url, request, response, { headers });
  });
  // Longer than a test may block this process.
  proxy.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    close: async () => {
      const closed = new Promise((resolve) => proxy.close(resolve));
      proxy.closeAllConnections();
      await Promise.all([closed, host.close()]);
    },
  };
}
