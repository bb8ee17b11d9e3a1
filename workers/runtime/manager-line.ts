// How a delegate calls its manager: through the same proxy as Git, and trusting the same authorities.
import type { Config } from '../../src/config/config.js';
import { Network, openNetwork } from '../../src/git/network.js';

export interface ManagerCall {
  method: 'GET' | 'POST';
  headers?: Record<string, string>;
  body?: string;
  timeoutMs: number;
}

export interface ManagerAnswer {
  status: number;
  /** Undefined where it is no JSON. */
  body: unknown;
  /** Its header, as it came. */
  date: string | null;
}

/** This machine: nothing on the way is asked for it, and plain HTTP stays within it. */
export const isLocal = ({ hostname }: URL): boolean => /^(?:localhost|127\.[0-9.]+|\[::1\])$/.test(hostname);

/**
 * A manager's address, with the path that a proxy serves it under and without a slash at its end; undefined where it is no URL.
 * `https://sallyport.example/` → `https://sallyport.example`
 */
export function managerAddress(text: string): string | undefined {
  const url = URL.parse(text);
  return url === null ? undefined : `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`;
}

export const routeAt = (manager: string, route: string): URL => new URL(`${manager}/api/v1/${route}`);

/** Follows no redirect: what is sent is for the manager alone. @throws what the connection met */
export async function callManager(
  url: URL,
  { timeoutMs, ...request }: ManagerCall,
  config: Config,
): Promise<ManagerAnswer> {
  const agent = networkTo(url, config).agentFor(request.body?.length ?? 0);
  try {
    const { statusCode, headers, body } = await agent.request({
      origin: url.origin,
      path: url.pathname,
      ...request,
      signal: AbortSignal.timeout(timeoutMs),
    });
    const { date } = headers;
    return {
      status: statusCode,
      body: await body.json().catch(() => undefined),
      date: typeof date === 'string' ? date : null,
    };
  } finally {
    await agent.destroy();
  }
}

/** The manager is the operators' own word, so it may be on a private address; what Git hosts ask for is not shown to it. */
function networkTo(url: URL, config: Config): Network {
  const { ca, proxy } = openNetwork(config).options;
  return new Network({
    addresses: { allowPrivate: true },
    proxy: isLocal(url) ? undefined : proxy,
    ca,
    http2: false,
  });
}
