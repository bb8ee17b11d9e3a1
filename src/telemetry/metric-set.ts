// Metrics of one process under one prefix, as Prometheus reads them. What others choose is a label only through `BoundedLabel`.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { errors } from '../kernel/errors.js';

/** What goes up and down. */
export type Level<L extends string = string> = Gauge<L>;

/** Of an answer to somebody who waits, in seconds. */
export const answerSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** Of work that may wait for hosts or for others, in seconds. */
export const workSeconds = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900];

export class MetricSet {
  readonly #registry = new Registry();

  constructor(private readonly prefix: string) {}

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** What Node and the system tell of the process: memory, processor, garbage, the event loop. */
  observeProcess(): void {
    collectDefaultMetrics({ register: this.#registry, prefix: this.prefix });
  }

  counter<L extends string>(name: string, help: string, labelNames: L[] = []): Counter<L> {
    return new Counter({ name: this.prefix + name, help, labelNames, registers: [this.#registry] });
  }

  gauge<L extends string>(name: string, help: string, labelNames: L[] = []): Gauge<L> {
    return new Gauge({ name: this.prefix + name, help, labelNames, registers: [this.#registry] });
  }

  histogram<L extends string>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: L[] = [],
  ): Histogram<L> {
    return new Histogram({
      name: this.prefix + name,
      help,
      labelNames,
      buckets,
      registers: [this.#registry],
    });
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

const OTHER = 'other';

/** What a delegate answers, or a host, may be any text: what is no code of ours is none. */
export const codeOf = (code: string): string =>
  code === 'OK' || code === 'unanswered' || Object.hasOwn(errors, code) || /^HTTP_\d{3}$/.test(code)
    ? code
    : OTHER;

/** A label for what somebody else chooses: the first so many are told apart, and what comes after them is `other`. */
export class BoundedLabel {
  readonly #known = new Set<string>();

  constructor(private readonly max: number) {}

  of(value: string): string {
    if (this.#known.has(value)) return value;
    if (this.#known.size >= this.max) return OTHER;
    this.#known.add(value);
    return value;
  }
}
