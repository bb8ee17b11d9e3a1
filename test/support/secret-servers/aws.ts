// AWS on loopback: KMS, Secrets Manager and STS of one region and account, and what lends an identity to a machine or a
// container. Every request is looked at as AWS would; what no client should send is remembered as a violation.
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type AccessKey, AwsAccounts, Refusal } from './aws-accounts.js';
import { AwsKeys } from './aws-kms.js';
import { AwsSecrets } from './aws-secrets-manager.js';
import { AwsSts, stsError } from './aws-sts.js';

export interface Asked {
  operation: string;
  input: Record<string, never>;
  /** The principal; null where nobody signs. */
  by: string | null;
}

/** What is answered in the place of what was asked; `silent`: nothing, `cut`: the end of the connection. */
export type Injected =
  | 'silent'
  | 'cut'
  | Refusal
  | { status: number; body: string; headers?: Record<string, string> };

const ACCOUNT = '111122223333';

type Service = 'kms' | 'secretsmanager' | 'sts' | 'none';

export class AwsServer {
  readonly accounts: AwsAccounts;
  readonly keys: AwsKeys;
  readonly secrets: AwsSecrets;
  readonly sts: AwsSts;
  readonly asked: Asked[] = [];
  readonly violations: string[] = [];
  /** Answers instead, where it has an answer; asked before the signature is looked at. */
  inject: (operation: string) => Injected | undefined = () => undefined;
  /** So many answers are lost after what was asked has been done. */
  answersToLose = 0;
  /** Stands behind every answer that is none of the injected ones. */
  padding = '';
  readonly #sockets = new Set<Socket>();
  readonly #server: http.Server;
  readonly #scheme: string;

  private constructor(
    readonly region: string,
    accounts: AwsAccounts,
    tls: { key: string; cert: string } | undefined,
  ) {
    this.accounts = accounts;
    this.keys = new AwsKeys(ACCOUNT, region);
    this.secrets = new AwsSecrets(ACCOUNT, region);
    this.sts = new AwsSts(accounts);
    const serve: http.RequestListener = (request, response) => void this.#serve(request, response);
    this.#server = tls === undefined ? http.createServer(serve) : https.createServer(tls, serve);
    this.#scheme = tls === undefined ? 'http' : 'https';
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket)).on('error', () => undefined);
    });
    this.#server.on('tlsClientError', () => undefined);
  }

  static async open({
    region = 'eu-west-1',
    accounts = new AwsAccounts(),
    tls,
  }: {
    region?: string;
    accounts?: AwsAccounts;
    tls?: { key: string; cert: string };
  } = {}): Promise<AwsServer> {
    const server = new AwsServer(region, accounts, tls);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}`;
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#sockets.size;
  }

  get operations(): string[] {
    return this.asked.map(({ operation }) => operation);
  }

  /** @throws Error when anything came that no client should send */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    if (this.violations.length > 0) throw new Error(`Violations: ${this.violations.join('; ')}`);
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const requestId = randomUUID();
    const [service, operation] = nameOf(request, body);
    const headers = {
      'content-type': service === 'sts' ? 'text/xml' : 'application/x-amz-json-1.1',
      'x-amzn-requestid': requestId,
    };
    try {
      this.#assertRequest(request, service);
      const injected = this.inject(operation);
      if (injected === 'silent') return;
      if (injected === 'cut') return void request.socket.destroy();
      if (injected !== undefined && !(injected instanceof Refusal))
        return void response.writeHead(injected.status, injected.headers).end(injected.body);
      const answer =
        service === 'sts'
          ? this.#answerSts(request, body, injected)
          : JSON.stringify(this.#answer(request, body, { service, operation }, injected));
      if (this.answersToLose-- > 0) request.socket.destroy();
      else response.writeHead(200, headers).end(answer + this.padding);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      response
        .writeHead(error.status, { ...headers, ...error.headers })
        .end(errorOf(service, error, requestId));
    }
  }

  #assertRequest({ method, url, headers }: http.IncomingMessage, service: Service): void {
    const type = service === 'sts' ? 'application/x-www-form-urlencoded' : 'application/x-amz-json-1.1';
    if (method !== 'POST' || url !== '/') this.#violate(`${method} ${url}`);
    if (headers['content-type'] !== type) this.#violate(`content-type ${headers['content-type']}`);
    if (headers.host !== `127.0.0.1:${this.port}` && headers.host !== `localhost:${this.port}`)
      this.#violate(`host ${headers.host}`);
  }

  #answer(
    request: http.IncomingMessage,
    body: Buffer,
    { service, operation }: { service: Service; operation: string },
    injected: Refusal | undefined,
  ): object {
    const key = this.#identify(request, body, service);
    const input = JSON.parse(body.toString()) as Asked['input'];
    this.asked.push({ operation, input, by: key.principal });
    const known = (service === 'kms' ? this.keys : this.secrets).operations[operation];
    if (known === undefined) return this.#violate(`operation ${operation}`);
    for (const name of Object.keys(input))
      if (!known.takes.includes(name)) this.#violate(`${operation} with ${name}`);
    if (injected !== undefined) throw injected;
    return known.run(input);
  }

  #answerSts(request: http.IncomingMessage, body: Buffer, injected: Refusal | undefined): string {
    const form = new URLSearchParams(body.toString());
    const operation = form.get('Action') ?? '';
    const isSigned = operation === 'AssumeRole';
    const caller = isSigned ? this.#identify(request, body, 'sts') : undefined;
    if (!isSigned && request.headers.authorization !== undefined) this.#violate(`${operation} is signed`);
    this.asked.push({
      operation,
      input: Object.fromEntries(form) as Asked['input'],
      by: caller?.principal ?? null,
    });
    const takes = this.sts.takes[operation] ?? this.#violate(`operation ${operation}`);
    for (const name of form.keys()) if (!takes.includes(name)) this.#violate(`${operation} with ${name}`);
    if (injected !== undefined) throw injected;
    return caller === undefined ? this.sts.assumeWithToken(form) : this.sts.assume(form, caller);
  }

  #identify(request: http.IncomingMessage, body: Buffer, service: string): AccessKey {
    const key = this.accounts.verify(request, body, { service, region: this.region });
    if (key instanceof Refusal) throw key;
    return key;
  }

  #violate(what: string): never {
    this.violations.push(what);
    throw new Refusal(400, 'ValidationException', what);
  }
}

function nameOf({ headers }: http.IncomingMessage, body: Buffer): [Service, string] {
  const target = headers['x-amz-target'];
  if (target === undefined) return ['sts', new URLSearchParams(body.toString()).get('Action') ?? ''];
  const [service = '', operation = ''] = String(target).split('.');
  if (service === 'TrentService') return ['kms', operation];
  return [service === 'secretsmanager' ? service : 'none', operation];
}

/** Each service spells it in its own way. */
function errorOf(service: Service, error: Refusal, requestId: string): string {
  if (service === 'sts') return stsError(error, requestId);
  const { type, message } = error;
  return JSON.stringify({ __type: type, [service === 'kms' ? 'message' : 'Message']: message });
}
