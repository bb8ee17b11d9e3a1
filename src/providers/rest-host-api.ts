// HostApi over a host’s REST API: each call opens the credential, speaks over a line of its own and closes both. What is alike
// on all hosts is decided here: finding before creating, finding again where an answer is lost, mending what is there.
import { createHash, randomBytes } from 'node:crypto';
import type { Credential } from '../git/git.js';
import type { Network } from '../git/network.js';
import { Failure } from '../kernel/failure.js';
import { registerSecret } from '../kernel/redact.js';
import {
  type Caps,
  type EnsuredHook,
  type EnsuredPull,
  type Hook,
  type HookWish,
  HostApi,
  type HostBranch,
  type Pull,
  type PullBranches,
  type PullWish,
  type Rate,
  type Repo,
  TITLE_CHARACTERS_MAX,
} from './host-api.js';
import { authorize } from './host-auth.js';
import type { HostClient, HostProduct } from './host-client.js';
import { HostLine, PAUSE_MS } from './host-line.js';
import { type HostPlace, parseRepositoryAddress, unclear } from './host-place.js';
import type { HostRates } from './host-rates.js';
import type { Provider } from './provider.js';

/** Where a repository is. */
export interface HostedRepository {
  provider: Provider;
  /** What people clone. */
  url: string;
  /** Null where that follows from the URL. */
  apiUrl: string | null;
}

/** A repository as its host’s API sees it. */
export interface HostRemote extends HostedRepository {
  /** Absent: anonymous. */
  credential?: Credential | undefined;
}

export interface HostApiOptions {
  allowHttp: boolean;
  network: Network;
  /** Of one call. */
  deadlineMs: number;
  rates: HostRates;
  /** How long what is not seen yet is waited for, each time. */
  momentsMs?: readonly number[] | undefined;
  /** Before a question is asked again, the first time. */
  pauseMs?: number | undefined;
}

/** A host shows a branch that was just pushed, or a request that was just opened, a moment later. */
const MOMENTS_MS: readonly number[] = [200, 500, 1_000];
const OPENING = 'open the pull request';

const rateKeys = randomBytes(32);

export class RestHostApi extends HostApi {
  readonly #place: HostPlace;
  readonly #origin: string;
  #rateKey: string | undefined;

  /** @throws HOST_API_ADDRESS_UNCLEAR */
  constructor(
    private readonly product: HostProduct,
    private readonly remote: HostRemote,
    private readonly options: HostApiOptions,
  ) {
    super();
    this.#place = placeOf(product, remote, options.allowHttp);
    this.#origin = new URL(this.#place.api).origin;
  }

  override get caps(): Caps {
    return this.product.caps;
  }

  override get rate(): Rate | null {
    return this.#rateKey === undefined ? null : this.options.rates.of(this.#rateKey);
  }

  override repo(): Promise<Repo> {
    return this.#call((client) => client.repo());
  }

  override branch(name: string): Promise<HostBranch | null> {
    return this.#call((client) => client.branch(name));
  }

  override findPull(branches: PullBranches): Promise<Pull | null> {
    return this.#call((client) => client.findPull(branches));
  }

  override ensurePull(wish: PullWish): Promise<EnsuredPull> {
    return this.#call(async (client, line) => {
      const found = await client.findPull(wish);
      const pull =
        found === null
          ? await this.#open(client, line, wish)
          : { ...found, created: wish.wasTried === true && isOurs(found, wish) };
      const { reviewers } = wish;
      const mayAsk = pull.created && reviewers.length > 0;
      // It is open by now, so that whatever is wrong with this is no failure of it.
      const reviewersRefused = mayAsk
        ? await client.askReviewers(pull.number, reviewers).catch(() => reviewers)
        : [];
      return { ...pull, reviewersRefused };
    });
  }

  override pull(number: number): Promise<Pull> {
    return this.#call((client) => client.pull(number));
  }

  override closePull(number: number): Promise<Pull> {
    return this.#call(async (client) => {
      const pull = await client.pull(number);
      return pull.state === 'open' ? client.closePull(number) : pull;
    });
  }

  override findHook(url: string): Promise<Hook | null> {
    return this.#call(async (client) => (await hooksFor(client, url))[0] ?? null);
  }

  override ensureHook(wish: HookWish): Promise<EnsuredHook> {
    return this.#call(async (client) => {
      const [hook, ...others] = await hooksFor(client, wish.url);
      for (const other of others) await client.removeHook(other);
      if (hook === undefined) return { ...(await client.createHook(wish)), outcome: 'created' };
      if (isSound(hook, wish)) return { ...hook, outcome: 'sound' };
      return { ...(await client.mendHook(hook, wish)), outcome: 'repaired' };
    });
  }

  override removeHook(url: string): Promise<boolean> {
    return this.#call(async (client) => {
      const hooks = await client.hooks(url);
      for (const hook of hooks) await client.removeHook(hook);
      return hooks.length > 0;
    });
  }

  async #open(client: HostClient, line: HostLine, wish: PullWish): Promise<Pull & { created: boolean }> {
    const seen = { line, momentsMs: this.options.momentsMs ?? MOMENTS_MS };
    if (this.product.opensEmptyPulls) await requireChanges(client, seen, wish);
    return openPull(client, seen, this.#cut(wish));
  }

  /** To what this host takes of a title and a body. */
  #cut(wish: PullWish): PullWish {
    const { bodyCharactersMax } = this.product.caps;
    return {
      ...wish,
      title: cut(wish.title, TITLE_CHARACTERS_MAX - 10),
      body: cut(wish.body, bodyCharactersMax),
    };
  }

  async #call<T>(use: (client: HostClient, line: HostLine) => Promise<T>): Promise<T> {
    const { provider, credential } = this.remote;
    const secret = await credential?.open();
    const proof = secret?.use((bytes) => authorize(provider, credential ?? { username: '' }, bytes)) ?? {};
    // A host may quote what it was sent.
    const forget = Object.values(proof).map((value) => registerSecret(value.replace(/^\w+ /, '')));
    this.#rateKey = keyOf(this.#origin, proof);
    try {
      const line = this.#openLine(proof, this.#rateKey);
      return await use(new this.product.client(line, this.#place), line);
    } finally {
      secret?.wipe();
      for (const each of forget) each();
    }
  }

  #openLine(proof: Record<string, string>, rateKey: string): HostLine {
    const { network, deadlineMs, rates, pauseMs = PAUSE_MS } = this.options;
    const deadline = {
      signal: AbortSignal.timeout(deadlineMs),
      cancel: undefined,
      totalMs: deadlineMs,
      endsAt: performance.now() + deadlineMs,
    };
    const { headers, refusals } = this.product;
    return new HostLine({
      api: this.#place.api,
      headers: { ...headers, ...proof },
      network,
      deadline,
      rates,
      rateKey,
      refusals,
      pauseMs,
    });
  }
}

/** Where the repository is in the host’s API. @throws HOST_API_ADDRESS_UNCLEAR */
export function placeOf(product: HostProduct, remote: HostedRepository, allowHttp: boolean): HostPlace {
  const { provider, url, apiUrl } = remote;
  const place = product.locate(parseRepositoryAddress(provider, url), apiUrl?.replace(/\/+$/, '') ?? null);
  const api = URL.parse(place.api);
  const isHttp = api?.protocol === 'http:' && allowHttp;
  if (api === null || (api.protocol !== 'https:' && !isHttp))
    throw unclear(provider, 'its API is not at an https address');
  if (api.username !== '' || api.password !== '' || api.search !== '' || api.hash !== '')
    throw unclear(provider, 'the address of its API holds user-info, a query or a fragment');
  return place;
}

const keyOf = (origin: string, proof: object): string =>
  createHash('sha256')
    .update(rateKeys)
    .update(JSON.stringify([origin, proof]))
    .digest('base64url');

const cut = (text: string, max: number): string => {
  if (text.length <= max) return text;
  return `${text.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
};

/** Whether one that was found open was opened by an attempt whose answer never came. The end of its title may have been cut. */
export const isOurs = ({ title }: Pick<Pull, 'title'>, { title: wished }: Pick<PullWish, 'title'>): boolean =>
  title.slice(0, 200) === wished.slice(0, 200);

/** One that calls this very address comes first. */
const hooksFor = async (client: HostClient, url: string): Promise<Hook[]> =>
  (await client.hooks(url)).toSorted((one, other) => Number(other.url === url) - Number(one.url === url));

const isSound = (hook: Hook, { url, topics, renewSecret }: HookWish): boolean =>
  hook.url === url &&
  hook.active &&
  hook.wellFormed &&
  !renewSecret &&
  topics.every((topic) => hook.topics.includes(topic));

interface Patience {
  line: HostLine;
  momentsMs: readonly number[];
}

/** @throws HOST_API_NO_CHANGES, HOST_API_BRANCH_MISSING */
async function requireChanges(client: HostClient, seen: Patience, { head, base }: PullWish): Promise<void> {
  const { host } = seen.line;
  const ends = await whenSeen(seen, async () => {
    const [from, to] = [await client.branch(head), await client.branch(base)];
    if (from === null || to === null)
      throw new Failure('HOST_API_BRANCH_MISSING', { host, branch: from === null ? head : base });
    return { from, to };
  });
  if (ends.from.commit === ends.to.commit) throw new Failure('HOST_API_NO_CHANGES', { host, head, base });
}

/** Whoever else opened the same request in the meantime has opened this one. */
async function openPull(
  client: HostClient,
  seen: Patience,
  wish: PullWish,
): Promise<Pull & { created: boolean }> {
  try {
    return { ...(await whenSeen(seen, () => client.createPull(wish))), created: true };
  } catch (error) {
    const failure = Failure.from(error);
    const isLost = lost.has(failure.code);
    if (!isLost && failure.code !== 'HOST_API_DUPLICATE') throw failure;
    const found = await findAgain(client, seen, wish).catch(() => null);
    if (found === null) throw failure;
    // Where no answer came it is ours, as far as anybody can tell: nobody else opened one a moment ago.
    return { ...found, created: isLost };
  }
}

/** After these it may have been done. */
const lost = new Set(['HOST_API_UNREACHABLE', 'HOST_API_FAULT', 'HOST_API_GARBLED']);

async function findAgain(
  client: HostClient,
  { line, momentsMs }: Patience,
  wish: PullWish,
): Promise<Pull | null> {
  for (const ms of [0, ...momentsMs]) {
    if (!(await line.patience(OPENING, ms))) return null;
    const found = await client.findPull(wish);
    if (found !== null) return found;
  }
  return null;
}

/** What was just pushed may not be seen yet. */
async function whenSeen<T>({ line, momentsMs }: Patience, ask: () => Promise<T>): Promise<T> {
  for (const ms of momentsMs) {
    try {
      return await ask();
    } catch (error) {
      const isUnseen = error instanceof Failure && error.code === 'HOST_API_BRANCH_MISSING';
      if (!isUnseen || !(await line.patience(OPENING, ms))) throw error;
    }
  }
  return ask();
}
