// Whether each Git host that the policy names can be reached as the engines would: same proxy, authorities and ranges.
import type { Config } from '../../../src/config/config.js';
import { openNetwork } from '../../../src/git/network.js';
import { connectorOf } from '../../../src/git/network-dial.js';
import { Failure } from '../../../src/kernel/failure.js';
import { type Finding, ok, reasonOf, skipped, wrong } from '../../../src/telemetry/examination.js';
import { type DelegateCheck } from './check.js';

interface Attempt {
  protocol: 'https:' | 'http:';
  port: number;
  /** What a connection means. */
  found: string;
}

const SSH_PORT = 22;
/** Nobody took the call, so that another port may be the right one. */
const UNANSWERED = new Set(['ECONNREFUSED', 'ETIMEDOUT', 'EHOSTUNREACH', 'UND_ERR_CONNECT_TIMEOUT']);
/** Somebody did, and does not speak TLS. */
const NOT_TLS = new Set(['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ECONNRESET']);
const UNTRUSTED = /certificate|self-signed|altnames|issuer/i;

export const gitHostsCheck: DelegateCheck = {
  name: 'Git hosts',
  look: async ({ config, policy }) => {
    if (policy === undefined) return [skipped('not looked at: the policy file has to be mended first')];
    const { gitAllowed } = policy;
    if (gitAllowed === null) return [ok('the policy names none: whatever the network reaches is allowed')];
    const hosts = hostsOf(gitAllowed);
    const connect = connectorOf(openNetwork(config).options);
    const found = hosts.map(async (host) => ({
      name: `Git host ${host}`,
      ...(await lookAtHost(host, config, connect)),
    }));
    const open = gitAllowed.length > 0 && hosts.length === 0;
    return open ? [ok('the policy names none without a * in it')] : Promise.all(found);
  },
};

/** ['git.example/a/**', 'git.example/b', '*.corp/**'] → ['git.example'] */
export function hostsOf(patterns: readonly string[]): string[] {
  const hosts = patterns.map((pattern) => pattern.replace(/\/.*$/, '').toLowerCase());
  return [...new Set(hosts)].filter((host) => !host.includes('*'));
}

async function lookAtHost(host: string, config: Config, connect: Connect): Promise<Finding> {
  const [hostname = '', port] = host.split(':');
  let first: unknown;
  for (const attempt of attemptsFor(port, config.SALLYPORT_GIT_ALLOW_HTTP)) {
    try {
      await dial(connect, hostname, attempt);
      return ok(attempt.found);
    } catch (error) {
      first ??= error;
      if (!isWorthAnother(error, port)) break;
    }
  }
  return explain(first);
}

/** A pattern does not say how its host is reached: over HTTPS first, as most are. */
function attemptsFor(port: string | undefined, allowHttp: boolean): Attempt[] {
  const https: Attempt = { protocol: 'https:', port: Number(port ?? 443), found: 'answers over TLS' };
  const http: Attempt = { protocol: 'http:', port: Number(port ?? 80), found: 'answers without TLS' };
  const ssh: Attempt = {
    protocol: 'http:',
    port: Number(port ?? SSH_PORT),
    found: 'answers; only SSH can be meant',
  };
  return [https, ...(allowHttp ? [http] : []), ssh];
}

const isWorthAnother = (error: unknown, port: string | undefined): boolean =>
  (port === undefined ? UNANSWERED : NOT_TLS).has((error as NodeJS.ErrnoException).code ?? '');

type Connect = ReturnType<typeof connectorOf>;

function dial(connect: Connect, hostname: string, { protocol, port }: Attempt): Promise<void> {
  return new Promise((resolve, reject) => {
    connect({ hostname, host: hostname, protocol, port: String(port) }, (error, socket) => {
      socket?.destroy();
      if (error === null) resolve();
      else reject(error);
    });
  });
}

function explain(error: unknown): Finding {
  if (error instanceof Failure) return wrong(error.message, error.hint);
  const { code = '' } = error as NodeJS.ErrnoException;
  const reason = reasonOf(error);
  if (/^(?:ENOTFOUND|EAI_)/.test(code))
    return wrong(
      reason,
      'DelegateCheck the name in git.allow of the policy file, and the name server of this machine',
    );
  if (code === 'PROXY_REFUSED')
    return wrong(reason, 'Let the proxy of SALLYPORT_GIT_PROXY_URL reach the host');
  if (UNTRUSTED.test(reason) || /CERT|SIGNATURE/.test(code))
    return wrong(reason, 'Name the authority of its certificate in SALLYPORT_GIT_CA_FILE');
  return wrong(
    reason,
    'Open the way to it from this machine, or take it out of git.allow of the policy file',
  );
}
