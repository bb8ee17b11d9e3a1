// How a delegate is, for whoever operates it: noted on its way, and told by the health endpoint.
import type { Config } from '../../src/config/config.js';
import { type Health, HealthServer } from '../../src/telemetry/health-server.js';
import { openTraces } from '../../src/telemetry/traces.js';
import { DelegateMetrics } from './metrics.js';

/** What is asked of the parts that come to be while the delegate starts. */
interface Parts {
  /** Answers when the queue does; rejects otherwise. */
  pingQueue: () => Promise<void>;
  running: () => number;
  tasksMax: number;
}

const PING_MS = 2_000;

export class VitalSigns {
  readonly metrics: DelegateMetrics;
  #server: HealthServer | undefined;
  #welcomedAt: number | undefined;
  #hasGroupKeys = false;
  #kmsFault: string | undefined;
  #draining = false;
  #closeTraces: () => Promise<void> = async () => undefined;

  constructor(
    private readonly version: string,
    private readonly parts: Parts,
  ) {
    this.metrics = new DelegateMetrics(version);
  }

  /** Opens the endpoint and the traces, each where the settings want it. @throws ADDRESS_IN_USE */
  async serve(config: Config, tell: (url: string) => void): Promise<void> {
    const { SALLYPORT_DELEGATE_HEALTH_PORT: port, SALLYPORT_DELEGATE_HEALTH_HOST: host } = config;
    this.#closeTraces = await openTraces(config, { name: 'delegate', version: this.version });
    if (port === undefined) return;
    const place = {
      host,
      port,
      what: 'The delegate’s health endpoint',
      setting: 'SALLYPORT_DELEGATE_HEALTH_PORT',
    };
    this.#server = await HealthServer.open(place, this.#health());
    tell(this.#server.url);
  }

  /** Where the endpoint is, if there is one. */
  get url(): string | undefined {
    return this.#server?.url;
  }

  /** A manager welcomes this delegate. Whether it is the first time. */
  welcome(): boolean {
    const isFirst = this.#welcomedAt === undefined;
    this.#welcomedAt = Date.now();
    return isFirst;
  }

  receiveGroupKeys(): void {
    this.#hasGroupKeys = true;
  }

  /** The code of what keeps the KMS of the group's keys from answering; undefined once it does. */
  noteKms(fault: string | undefined): void {
    this.#kmsFault = fault;
  }

  drain(): void {
    this.#draining = true;
  }

  async close(): Promise<void> {
    this.#server?.close();
    this.metrics.close();
    await this.#closeTraces();
  }

  #health(): Health {
    return {
      objections: async () => {
        const { queueConnected, welcomedAt } = await this.#levels();
        return [
          ...(this.#draining ? ['it drains: what runs is finished, and nothing new is taken'] : []),
          ...(queueConnected ? [] : ['the queue does not answer']),
          ...(this.#kmsFault === undefined
            ? []
            : [`it waits for the KMS that wraps the keys of its group: ${this.#kmsFault}`]),
          ...(welcomedAt === undefined ? ['no manager has welcomed it yet'] : []),
          ...(welcomedAt !== undefined && !this.#hasGroupKeys ? ['it waits for the keys of its group'] : []),
        ];
      },
      metrics: async () => ({
        contentType: this.metrics.contentType,
        text: await this.metrics.text(await this.#levels()),
      }),
    };
  }

  async #levels() {
    const { running, tasksMax } = this.parts;
    return {
      running: running(),
      tasksMax,
      queueConnected: await this.#isQueueConnected(),
      welcomedAt: this.#welcomedAt,
    };
  }

  async #isQueueConnected(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), PING_MS);
    });
    const answered = this.parts.pingQueue().then(
      () => true,
      () => false,
    );
    return Promise.race([answered, late]).finally(() => clearTimeout(timer));
  }
}
