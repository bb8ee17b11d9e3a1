// The line between clients and server, in a process of its own: counts what passes, measures the server, and makes every
// request wait as long as it is told. Each port it opens is a line of its own, with its own counts.
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { LineCounts, ProxyCall, ProxyReply } from './proxy-client.js';

interface Line {
  server: http.Server;
  latencyMs: number;
  pending: number;
  counts: LineCounts;
  /** Called when nothing is under way. */
  idle: (() => void)[];
}

const nothing = (): LineCounts => ({ requests: 0, bytesUp: 0, bytesDown: 0, serverMs: 0 });
const upstreamUrl = new URL(process.argv[2] ?? '');
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
const lines = new Map<number, Line>();
/** What was counted of a connection up to its last request. */
const counted = new WeakMap<Socket, { up: number; down: number }>();

process.on('message', (call: ProxyCall) => {
  void answer(call).then((reply) => process.send?.(reply));
});
process.on('disconnect', () => process.exit(0));

async function answer(call: ProxyCall): Promise<ProxyReply> {
  if (call.do === 'open') return { id: call.id, port: await openLine(call.latencyMs) };
  const line = lines.get(call.port);
  if (line === undefined) throw new Error(`No line on port ${call.port}`);
  if (call.do === 'latency') {
    line.latencyMs = call.latencyMs;
    return { id: call.id };
  }
  if (line.pending > 0) await new Promise<void>((resolve) => line.idle.push(resolve));
  const { counts } = line;
  line.counts = nothing();
  if (call.do === 'close') {
    lines.delete(call.port);
    line.server.close();
    line.server.closeAllConnections();
  }
  return { id: call.id, counts };
}

async function openLine(latencyMs: number): Promise<number> {
  const line: Line = { server: http.createServer(), latencyMs, pending: 0, counts: nothing(), idle: [] };
  line.server.on('request', (request, response) => {
    line.pending++;
    response.on('close', () => finish(line, request.socket));
    void forward(line, request, response);
  });
  line.server.keepAliveTimeout = 600_000;
  line.server.requestTimeout = 0;
  await new Promise<void>((resolve) => line.server.listen(0, '127.0.0.1', resolve));
  const { port } = line.server.address() as AddressInfo;
  lines.set(port, line);
  return port;
}

async function forward(
  line: Line,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  if (line.latencyMs > 0) await delay(line.latencyMs);
  const upstream = http.request({
    host: upstreamUrl.hostname,
    port: upstreamUrl.port,
    path: request.url,
    method: request.method,
    headers: request.headers,
    agent,
  });
  let sentAt = performance.now();
  upstream.on('finish', () => {
    sentAt = performance.now();
  });
  upstream.on('response', (reply) => {
    response.writeHead(reply.statusCode ?? 502, reply.headers);
    reply.on('end', () => {
      line.counts.serverMs += performance.now() - sentAt;
    });
    reply.pipe(response);
  });
  upstream.on('error', () => response.destroy());
  request.pipe(upstream);
}

/** Bytes as they were on the wire, heads included. */
function finish(line: Line, socket: Socket): void {
  const before = counted.get(socket) ?? { up: 0, down: 0 };
  const now = { up: socket.bytesRead, down: socket.bytesWritten };
  counted.set(socket, now);
  line.counts.requests++;
  line.counts.bytesUp += now.up - before.up;
  line.counts.bytesDown += now.down - before.down;
  line.pending--;
  if (line.pending === 0) for (const wake of line.idle.splice(0)) wake();
}
