// The tracer: OpenTelemetry’s own SDK, loaded by whoever has somewhere to send traces. Every text of a span passes the redaction, and is cut:
// a span names steps, codes and hosts, and no document.
import {
  type Context,
  type Attributes as OtelAttributes,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Attributes, Span, SpanOptions, Tracer } from '../kernel/concern.js';
import { redact } from '../kernel/redact.js';

export interface TracesTo {
  /** It may hold a user name and a password, which go into a header and nowhere else. */
  url: string;
  percent: number;
  /** Whose spans they are. */
  process: { name: 'manager' | 'delegate'; version: string; instance: string };
}

const kinds: Record<NonNullable<SpanOptions['kind']>, SpanKind> = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

/** What is not sent by then is thrown away: tracing must not hold up, and not fill, what it watches. */
const BATCH = { maxQueueSize: 4_096, maxExportBatchSize: 512, scheduledDelayMillis: 1_000 };
const EXPORT_MS = 5_000;
const CLOSE_MS = 3_000;
const TEXT_MAX = 256;

export function openTelemetry({ url, percent, process }: TracesTo): Tracer {
  const { address, headers } = splitUrl(url);
  const exporter = new OTLPTraceExporter({ url: address, headers, timeoutMillis: EXPORT_MS });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': `sallyport-${process.name}`,
      'service.version': process.version,
      'service.instance.id': process.instance,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(percent / 100) }),
    spanProcessors: [new BatchSpanProcessor({ exporter, exportTimeoutMillis: EXPORT_MS, ...BATCH })],
    spanLimits: { attributeValueLengthLimit: TEXT_MAX },
  });
  const tracer = provider.getTracer('sallyport', process.version);
  return {
    begin: ({ name, kind = 'internal', parent, links = [], attributes = {} }) => {
      const options = {
        kind: kinds[kind],
        attributes: clean(attributes),
        links: links.flatMap((link) => contextOf(link) ?? []).map((context) => ({ context })),
      };
      return new OpenSpan(tracer.startSpan(redact(name), options, within(parent)));
    },
    close: async () => {
      const late = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_MS).unref());
      await Promise.race([provider.shutdown().catch(() => undefined), late]);
    },
  };
}

class OpenSpan implements Span {
  readonly traceparent: string;

  constructor(private readonly span: OtelSpan) {
    const { traceId, spanId, traceFlags } = span.spanContext();
    this.traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  }

  note(attributes: Attributes): void {
    this.span.setAttributes(clean(attributes));
  }

  end(code?: string): void {
    if (code !== undefined) {
      this.span.setAttributes({ 'error.type': code });
      this.span.setStatus({ code: SpanStatusCode.ERROR, message: code });
    }
    this.span.end();
  }
}

function within(parent: string | undefined): Context {
  const context = parent === undefined ? undefined : contextOf(parent);
  return context === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, context);
}

/** Of a traceparent that was found good. */
function contextOf(traceparent: string): SpanContext | undefined {
  const [, traceId, spanId, flags = ''] = traceparent.split('-');
  if (traceId === undefined || spanId === undefined) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
}

const clean = (attributes: Attributes): OtelAttributes =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      typeof value === 'string' ? redact(value).slice(0, TEXT_MAX) : value,
    ]),
  );

/** 'https://user:password@host/path' → the URL without them, and the header that says them. */
function splitUrl(text: string): { address: string; headers: Record<string, string> } {
  const url = new URL(text);
  const [user, password] = [url.username, url.password].map(decodeURIComponent);
  url.username = '';
  url.password = '';
  const address = url.pathname === '/' ? new URL('/v1/traces', url).href : url.href;
  if (!user && !password) return { address, headers: {} };
  const basic = Buffer.from(`${user}:${password}`).toString('base64');
  return { address, headers: { authorization: `Basic ${basic}` } };
}
