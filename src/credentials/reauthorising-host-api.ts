// What a host's API refuses with a token that was at hand is asked once more with a fresh one; every question may be asked again.
import type { Failure } from '../kernel/failure.js';
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
} from '../providers/host-api.js';
import { onceMore, type ShownCredential } from './once-more.js';

export class ReauthorisingHostApi extends HostApi {
  /** `shown`: the credential of the last call. */
  constructor(
    private readonly api: HostApi,
    private readonly shown: ShownCredential,
  ) {
    super();
  }

  override get caps(): Caps {
    return this.api.caps;
  }

  override get rate(): Rate | null {
    return this.api.rate;
  }

  override repo(): Promise<Repo> {
    return this.#twice(() => this.api.repo());
  }

  override branch(name: string): Promise<HostBranch | null> {
    return this.#twice(() => this.api.branch(name));
  }

  override findPull(branches: PullBranches): Promise<Pull | null> {
    return this.#twice(() => this.api.findPull(branches));
  }

  override ensurePull(wish: PullWish): Promise<EnsuredPull> {
    return this.#twice(() => this.api.ensurePull(wish));
  }

  override pull(number: number): Promise<Pull> {
    return this.#twice(() => this.api.pull(number));
  }

  override closePull(number: number): Promise<Pull> {
    return this.#twice(() => this.api.closePull(number));
  }

  override findHook(url: string): Promise<Hook | null> {
    return this.#twice(() => this.api.findHook(url));
  }

  override ensureHook(wish: HookWish): Promise<EnsuredHook> {
    return this.#twice(() => this.api.ensureHook(wish));
  }

  override removeHook(url: string): Promise<boolean> {
    return this.#twice(() => this.api.removeHook(url));
  }

  #twice<T>(ask: () => Promise<T>): Promise<T> {
    return onceMore(ask, isRefusal, this.shown);
  }
}

const isRefusal = ({ code }: Failure): boolean => code === 'HOST_API_AUTH_REJECTED';
