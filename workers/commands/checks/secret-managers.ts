// Whether each secret manager that the policy names by its address can be reached, through the proxy where there is one. Whether
// it accepts the delegate is what POST …/secret-managers/{id}/check finds out: the settings are the manager’s.
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../../../src/config/config.js';
import { Proxy } from '../../../src/git/network-proxy.js';
import { type Finding, ok, reasonOf, skipped, wrong } from '../../../src/telemetry/examination.js';
import { type DelegateCheck } from './check.js';

const REACH_MS_MAX = 5_000;

export const secretManagersCheck: DelegateCheck = {
  name: 'secret managers',
  look: async ({ config, policy }) => {
    if (policy === undefined) return [skipped('not looked at: the policy file has to be mended first')];
    const { secretAddresses } = policy;
    if (secretAddresses === null) return [ok('the policy names none: the providers’ own places are allowed')];
    const whole = secretAddresses.filter((address) => !address.endsWith('/**'));
    if (whole.length === 0) return [ok('the policy names no address')];
    const proxy = proxyOf(config);
    return Promise.all(
      whole.map(async (address) => ({ name: `secret manager ${address}`, ...(await reach(address, proxy)) })),
    );
  },
};

function proxyOf({ SALLYPORT_GIT_PROXY_URL: url, SALLYPORT_GIT_PROXY_BYPASS: bypass = [] }: Config) {
  return url === undefined ? undefined : new Proxy(url, { bypass, resolves: true });
}

async function reach(address: string, proxy: Proxy | undefined): Promise<Finding> {
  const { protocol, hostname, port } = new URL(address);
  const target = { host: hostname, port: Number(port || (protocol === 'https:' ? 443 : 80)) };
  try {
    const isProxied = proxy?.serves(hostname) === true;
    const socket = await dial(isProxied ? { host: proxy.host, port: proxy.port } : target);
    const line = isProxied ? await proxy.open(socket, `${target.host}:${target.port}`, REACH_MS_MAX) : socket;
    line.destroy();
    return ok(isProxied ? 'answers through the proxy' : 'answers');
  } catch (error) {
    return wrong(
      reasonOf(error),
      'Open the way to it from this machine, or take it out of secrets.allow of the policy file',
    );
  }
}

async function dial(place: { host: string; port: number }): Promise<net.Socket> {
  const socket = net.connect(place);
  const stop = new AbortController();
  const connected = new Promise<net.Socket>((resolve, reject) => {
    socket.once('connect', () => resolve(socket)).once('error', reject);
  });
  const late = delay(REACH_MS_MAX, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`nothing answers within ${REACH_MS_MAX / 1_000} s`);
  });
  try {
    return await Promise.race([connected, late]);
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    stop.abort();
    late.catch(() => undefined);
  }
}
