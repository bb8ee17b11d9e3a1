// Passes a request on to another server and its answer back, as a reverse proxy does.
import http from 'node:http';

interface Forwarding {
  /** Headers to send on instead of those that came. */
  headers?: http.IncomingHttpHeaders;
  /** Sees the answer first; `true` when it takes care of it. */
  onAnswer?: (answer: http.IncomingMessage) => boolean;
}

export function forward(
  to: string,
  request: http.IncomingMessage,
  response: http.ServerResponse,
  { headers = request.headers, onAnswer = () => false }: Forwarding,
): void {
  const upstream = http.request(to + request.url, { method: request.method, headers });
  upstream.on('response', (answer) => {
    if (onAnswer(answer)) return;
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  upstream.on('error', () => response.destroy());
  request.pipe(upstream);
}
