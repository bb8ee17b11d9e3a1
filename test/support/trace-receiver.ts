// A collector of traces: takes OTLP as JSON over HTTP, and keeps what it was sent.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from './api.js';

export interface ToldSpan {
  /** Of which process: `sallyport-manager`, `sallyport-delegate`. */
  service: string;
  name: string;
  traceId: string;
  spanId: string;
  /** Empty for the first of a trace. */
  parentSpanId: string;
  kind: number;
  attributes: Record<string, unknown>;
  links: { traceId: string; spanId: string }[];
  /** What it ended with, where it failed. */
  error: string | undefined;
  ms: number;
}

interface Attribute {
  key: string;
  value: Record<string, unknown>;
}

interface OtlpSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes?: Attribute[];
  links?: { traceId: string; spanId: string }[];
  status?: { code?: number; message?: string };
}

interface OtlpBody {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: { spans: OtlpSpan[] }[];
  }[];
}

export class TraceReceiver {
  readonly spans: ToldSpan[] = [];
  /** As they came, heads included. */
  readonly requests: { headers: http.IncomingHttpHeaders; path: string; body: Buffer }[] = [];
  #status = 200;

  private constructor(private readonly server: http.Server) {}

  static async start(): Promise<TraceReceiver> {
    const server = http.createServer();
    const receiver = new TraceReceiver(server);
    server.on('request', (request, response) => void receiver.#take(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1/traces`;
  }

  /** From now on it answers so. */
  answer(status: number): void {
    this.#status = status;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  of(traceId: string): ToldSpan[] {
    return this.spans.filter((span) => span.traceId === traceId);
  }

  /** Waits for a span of this trace, and answers it. */
  span(traceId: string, name: string | RegExp, service?: string): Promise<ToldSpan> {
    const isIt = (span: ToldSpan): boolean =>
      (typeof name === 'string' ? span.name === name : name.test(span.name)) &&
      (service === undefined || span.service === service);
    return eventually(
      async () => this.of(traceId).find(isIt),
      () =>
        `span ${name} of ${service ?? 'anybody'}; there are ${JSON.stringify(this.of(traceId).map((one) => [one.service, one.name]))}`,
    );
  }

  /** Waits until every span of the trace hangs on one that is here, or on the caller’s: each is sent once it ends, the inner ones first. */
  async whole(traceId: string, caller: string): Promise<void> {
    const hanging = (): ToldSpan[] => {
      const spans = this.of(traceId);
      const known = new Set([caller, ...spans.map(({ spanId }) => spanId)]);
      return spans.filter(({ parentSpanId }) => !known.has(parentSpanId));
    };
    await eventually(
      async () => hanging().length === 0,
      () => `what these hang on: ${JSON.stringify(hanging().map((one) => [one.service, one.name]))}`,
    );
  }

  /** Names from this span up to the first of its trace that is here. */
  wayOf(span: ToldSpan): string[] {
    const above = this.of(span.traceId).find(({ spanId }) => spanId === span.parentSpanId);
    return above === undefined ? [span.name] : [span.name, ...this.wayOf(above)];
  }

  async #take(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    this.requests.push({ headers: request.headers, path: request.url ?? '', body });
    if (this.#status === 200)
      for (const { resource, scopeSpans } of (JSON.parse(body.toString()) as OtlpBody).resourceSpans)
        for (const span of scopeSpans.flatMap(({ spans }) => spans))
          this.#keep(valuesOf(resource.attributes), span);
    response.writeHead(this.#status, { 'content-type': 'application/json' }).end('{}');
  }

  #keep(resource: Record<string, unknown>, span: OtlpSpan): void {
    const { traceId, spanId, parentSpanId = '', name, kind, status } = span;
    this.spans.push({
      service: String(resource['service.name']),
      ...{ traceId, spanId, parentSpanId, name, kind },
      attributes: valuesOf(span.attributes ?? []),
      links: (span.links ?? []).map((link) => ({ traceId: link.traceId, spanId: link.spanId })),
      error: status?.code === 2 ? (status.message ?? '') : undefined,
      ms: Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e6,
    });
  }
}

const valuesOf = (attributes: Attribute[]): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
