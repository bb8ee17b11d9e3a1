// What the work of this moment is about: which operations, and which span of a trace. It follows the work through whatever it
// awaits, so that logs name it and calls to others carry it on. Without a tracer there are no spans, and asking for one costs nothing.
import { AsyncLocalStorage } from 'node:async_hooks';
import { Failure } from './failure.js';

export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface SpanOptions {
  /** Of few values: nothing of the user's is part of it. */
  name: string;
  kind?: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  /** W3C traceparent of what it is a part of; by default the span of this moment. Null: it begins a trace. */
  parent?: string | null | undefined;
  /** Traceparents of what it is done for as well. */
  links?: readonly string[];
  attributes?: Attributes;
}

export interface Span {
  /** By which others say that they are a part of it, as W3C Trace Context writes it. */
  readonly traceparent: string;
  note: (attributes: Attributes) => void;
  /** @param code of the failure it ended with */
  end: (code?: string) => void;
}

/** Who makes spans and brings them to somebody. */
export interface Tracer {
  /** `parent` is a good traceparent, or absent. */
  begin: (options: Omit<SpanOptions, 'parent'> & { parent: string | undefined }) => Span;
  /** Brings away what there is. Never fails. */
  close: () => Promise<void>;
}

interface Concern {
  operations: readonly string[];
  traceparent: string | undefined;
}

const concerns = new AsyncLocalStorage<Concern>();
const nothing: Concern = { operations: [], traceparent: undefined };
let tracer: Tracer | undefined;

/** Of this process; undefined for none. */
export function useTracer(made: Tracer | undefined): void {
  tracer = made;
}

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The text, if it is a traceparent of version 00. What comes from outside may be anything. */
export const readTraceparent = (text: unknown): string | undefined =>
  typeof text === 'string' && TRACEPARENT.test(text) ? text : undefined;

/** Of the span of this moment; undefined where nobody traces. */
export const traceparent = (): string | undefined => concerns.getStore()?.traceparent;

/** `work` is about these operations, whatever it was about before. */
export function concerning<T>(operations: readonly string[], work: () => T): T {
  return concerns.run({ ...(concerns.getStore() ?? nothing), operations }, work);
}

/** For every line of a log. */
export function describeConcern(): { operations?: readonly string[]; trace?: string } {
  const { operations, traceparent: at } = concerns.getStore() ?? nothing;
  return {
    ...(operations.length === 0 ? {} : { operations }),
    ...(at === undefined ? {} : { trace: at.slice(3, 35) }),
  };
}

/** A span that ends when it is told to; undefined where nobody traces. It is not the span of the moment. */
export function beginSpan({ parent = traceparent(), ...options }: SpanOptions): Span | undefined {
  if (tracer === undefined) return undefined;
  const { operations } = concerns.getStore() ?? nothing;
  const about = operations.length === 0 ? {} : { 'sallyport.operations': operations.join(' ') };
  const attributes = { ...about, ...options.attributes };
  return tracer.begin({ ...options, attributes, parent: readTraceparent(parent) });
}

/** The same, only where it is a part of something. */
export function beginPart(options: SpanOptions): Span | undefined {
  return traceparent() === undefined ? undefined : beginSpan(options);
}

/** Runs `work` as what the span is about. */
export function within<T>(span: Span | undefined, work: () => T): T {
  if (span === undefined) return work();
  return concerns.run({ ...(concerns.getStore() ?? nothing), traceparent: span.traceparent }, work);
}

/** Runs `work` as a span, which ends with it. */
export async function inSpan<T>(options: SpanOptions, work: () => Promise<T>): Promise<T> {
  return untilEnd(beginSpan(options), work);
}

/** The same, only where it is a part of something. */
export async function inPart<T>(options: SpanOptions, work: () => Promise<T>): Promise<T> {
  return untilEnd(beginPart(options), work);
}

async function untilEnd<T>(span: Span | undefined, work: () => Promise<T>): Promise<T> {
  if (span === undefined) return work();
  try {
    const result = await within(span, work);
    span.end();
    return result;
  } catch (error) {
    span.end(Failure.from(error).code);
    throw error;
  }
}
