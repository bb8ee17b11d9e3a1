// What differs from host to host, behind one API. A client lives for one call of HostApi: its line holds the open credential.
import { Failure } from '../kernel/failure.js';
import type { Caps, Hook, HookWish, HostBranch, Pull, PullBranches, PullWish, Repo } from './host-api.js';
import type { HostLine } from './host-line.js';
import type { HostPlace, RepositoryAddress } from './host-place.js';
import type { RefusalRow } from './host-refusals.js';

export abstract class HostClient {
  constructor(
    protected readonly line: HostLine,
    protected readonly place: HostPlace,
  ) {}

  abstract repo(): Promise<Repo>;
  abstract branch(name: string): Promise<HostBranch | null>;
  /** The open request of these branches of this repository. */
  abstract findPull(branches: PullBranches): Promise<Pull | null>;
  /** @throws HOST_API_DUPLICATE, HOST_API_NO_CHANGES, HOST_API_BRANCH_MISSING, HOST_API_PROTECTED */
  abstract createPull(wish: PullWish): Promise<Pull>;
  abstract pull(number: number): Promise<Pull>;
  /** Of one that is open. */
  abstract closePull(number: number): Promise<Pull>;
  /** Asks for reviews besides those already asked for; answers the names that the host does not take. */
  abstract askReviewers(number: number, names: string[]): Promise<string[]>;
  /** The webhooks of this repository that call the address, or the same door by an address that was ours before. */
  abstract hooks(url: string): Promise<Hook[]>;
  abstract createHook(wish: HookWish): Promise<Hook>;
  /** Makes it as it is wished, the secret included; its id may change. */
  abstract mendHook(hook: Hook, wish: HookWish): Promise<Hook>;
  abstract removeHook(hook: Hook): Promise<void>;
}

/** A product and its API. */
export interface HostProduct {
  caps: Caps;
  /** Whether it opens requests of branches that do not differ; then that is looked at first. */
  opensEmptyPulls: boolean;
  locate: (address: RepositoryAddress, apiUrl: string | null) => HostPlace;
  refusals: readonly RefusalRow[];
  /** Besides the proof of who asks. */
  headers: Readonly<Record<string, string>>;
  client: new (line: HostLine, place: HostPlace) => HostClient;
}

/** Asks for each reviewer alone, so that one whom the host does not take keeps out no other. */
export async function refusedOf(names: string[], ask: (name: string) => Promise<boolean>): Promise<string[]> {
  const refused: string[] = [];
  for (const name of names) if (!(await ask(name))) refused.push(name);
  return refused;
}

/** A review that cannot be asked for is no failure of the request; that the host cannot be asked is one. */
export function unlessRefused(error: unknown): false {
  const refusals = ['HOST_API_REFUSED', 'HOST_API_NOT_FOUND', 'HOST_API_FORBIDDEN', 'HOST_API_DUPLICATE'];
  if (error instanceof Failure && refusals.includes(error.code)) return false;
  throw error;
}

const DRAFT_MARK = /^(?:\[?(?:draft|wip)\]?:?|\((?:draft|wip)\))\s+/i;

/** 'Draft: Title' → 'Title', where the beginning of a title makes it a draft. */
export const withoutDraftMark = (title: string): string => title.replace(DRAFT_MARK, '');

/** 'refs/heads/main' → 'main' */
export const shortName = (ref: string): string => ref.replace(/^refs\/heads\//, '');
