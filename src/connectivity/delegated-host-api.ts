// The HostApi port across the queue: every call is a task for the connector's delegate group.
import type { CarriedHost } from '../contract/host-tasks.js';
import type { TaskInput, TaskName, TaskOutput } from '../contract/tasks.js';
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

export interface HostRoad {
  /** The repository and the credential for the API of its host, as they are at this moment. */
  host: CarriedHost;
  /** Has a delegate do it that may be sent them. */
  run: <N extends TaskName>(name: N, input: TaskInput<N>) => Promise<TaskOutput<N>>;
}

type HostTaskName = Extract<TaskName, `host.${string}`>;
type Answer<N extends HostTaskName> = TaskOutput<N>['answer'];

export class DelegatedHostApi extends HostApi {
  readonly #takeRoad: () => Promise<HostRoad>;
  #rate: Rate | null = null;

  /** The road is taken anew for every call. */
  constructor(
    override readonly caps: Caps,
    takeRoad: () => Promise<HostRoad>,
  ) {
    super();
    this.#takeRoad = takeRoad;
  }

  override get rate(): Rate | null {
    return this.#rate;
  }

  override repo(): Promise<Repo> {
    return this.#ask('host.repo', {});
  }

  override branch(name: string): Promise<HostBranch | null> {
    return this.#ask('host.branch', { name });
  }

  override findPull({ head, base }: PullBranches): Promise<Pull | null> {
    return this.#ask('host.findPull', { branches: { head, base } });
  }

  override ensurePull(wish: PullWish): Promise<EnsuredPull> {
    return this.#ask('host.ensurePull', { wish });
  }

  override pull(number: number): Promise<Pull> {
    return this.#ask('host.pull', { number });
  }

  override closePull(number: number): Promise<Pull> {
    return this.#ask('host.closePull', { number });
  }

  override findHook(url: string): Promise<Hook | null> {
    return this.#ask('host.findHook', { url });
  }

  override ensureHook({ url, secret, topics, renewSecret }: HookWish): Promise<EnsuredHook> {
    const text = secret.use((bytes) => bytes.toString('base64'));
    return this.#ask('host.ensureHook', { url, secret: text, topics, renewSecret });
  }

  override removeHook(url: string): Promise<boolean> {
    return this.#ask('host.removeHook', { url });
  }

  async #ask<N extends HostTaskName>(name: N, input: Omit<TaskInput<N>, 'host'>): Promise<Answer<N>> {
    const { host, run } = await this.#takeRoad();
    const { answer, rate } = await run(name, { host, ...input } as unknown as TaskInput<N>);
    this.#rate = rate;
    return answer as Answer<N>;
  }
}
