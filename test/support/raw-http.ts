// Requests that no client would send, byte by byte.
import net from 'node:net';

export interface RawAnswer {
  /** 0 when the connection was closed without an answer. */
  status: number;
  contentType: string;
  body: string;
  /** How long it took until the connection was closed. */
  ms: number;
}

/** Sends these pieces and waits until the server has closed the connection. */
export async function sendRaw(url: string, pieces: (string | Buffer)[]): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const begun = Date.now();
  const socket = net.connect(Number(port), hostname);
  let answer = '';
  socket.on('data', (bytes: Buffer) => (answer += bytes.toString('latin1')));
  // A server that refuses early may cut what is still being sent.
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  for (const piece of pieces) socket.write(piece);
  await closed;
  const [head = '', body = ''] = answer.split(/\r\n\r\n(.*)/s);
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0),
    contentType: /^content-type: (.*)$/im.exec(head)?.[1] ?? '',
    body,
    ms: Date.now() - begun,
  };
}

/** The head of a request to the API; the fields given here stand in the place of the usual ones. */
export function requestHead(
  token: string,
  method: string,
  address: string,
  headers: Record<string, string> = {},
): string {
  const all = { Host: 'x', Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} /api/v1/${address} HTTP/1.1\r\n${lines.join('')}\r\n`;
}
