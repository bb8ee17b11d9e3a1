// Google Cloud on loopback, as far as secret managers need it: its KMS and its Secret Manager over gRPC, from the protocol that the
// clients bring, with real keys, versions and tokens. It remembers everything that a client of ours may not send, and
// `close` fails over it.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import net, { type AddressInfo } from 'node:net';
import { GrpcClient, grpc } from 'google-gax';
import { GoogleAccounts, type Tls } from './google-accounts.js';
import { GoogleKeys } from './google-kms.js';
import { Refusal } from './google-refusal.js';
import { GoogleSecrets } from './google-secrets.js';

export interface Seen {
  method: string;
  /** Whose token it came with. */
  by: string | undefined;
  /** Whom it was for, in the words of the client. */
  authority: string;
}

/** What is answered instead of the truth: bytes as they are, `silence` never, `hang-up` by closing every connection. */
export type Interference = (
  seen: Seen,
) =>
  | Refusal
  | Buffer
  | { answer: object }
  | { change: (answer: object) => object }
  | 'silence'
  | 'hang-up'
  | undefined;

type Method = (request: never) => object;
type Call = grpc.ServerUnaryCall<Record<string, unknown>, object | Buffer>;

const { resolve } = createRequire(import.meta.url);
const services = {
  kms: definitionOf('@google-cloud/kms', 'google.cloud.kms.v1.KeyManagementService'),
  secrets: definitionOf('@google-cloud/secret-manager', 'google.cloud.secretmanager.v1.SecretManagerService'),
};

export class GoogleServer {
  readonly keys = new GoogleKeys();
  readonly secrets = new GoogleSecrets();
  readonly seen: Seen[] = [];
  readonly violations: string[] = [];
  /** Calls that their client gave up. */
  cancelled = 0;
  /** Connections that were made to it. */
  connections = 0;
  interfere: Interference = () => undefined;
  readonly #grpc = new grpc.Server({ 'grpc.max_receive_message_length': 1024 * 1024 });
  readonly #front: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #scheme: string;

  private constructor(
    readonly accounts: GoogleAccounts,
    tls: Tls | undefined,
  ) {
    this.#scheme = tls === undefined ? 'http' : 'https';
    this.#serve(services.kms, {
      encrypt: (request: never) => this.keys.encrypt(request),
      decrypt: (request: never) => this.keys.decrypt(request),
    });
    this.#serve(services.secrets, {
      accessSecretVersion: (request: never) => this.secrets.accessSecretVersion(request),
      addSecretVersion: (request: never) => this.secrets.addSecretVersion(request),
      createSecret: (request: never) => this.secrets.createSecret(request),
      listSecretVersions: (request: never) => this.secrets.listSecretVersions(request),
      destroySecretVersion: (request: never) => this.secrets.destroySecretVersion(request),
    });
    const credentials =
      tls === undefined
        ? grpc.ServerCredentials.createInsecure()
        : grpc.ServerCredentials.createSsl(null, [{ cert_chain: tls.cert, private_key: tls.key }]);
    const injector = this.#grpc.createConnectionInjector(credentials);
    this.#front = net.createServer((socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket)).on('error', () => undefined);
      injector.injectConnection(socket);
    });
  }

  static async start({ tls }: { tls?: Tls } = {}): Promise<GoogleServer> {
    const server = new GoogleServer(await GoogleAccounts.start(tls), tls);
    await new Promise<void>((listening) => server.#front.listen(0, '127.0.0.1', listening));
    return server;
  }

  get port(): number {
    return (this.#front.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}`;
  }

  /** Connections that are open. */
  get open(): number {
    return this.#sockets.size;
  }

  /** Ends every connection, as a restart would. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** How often something was asked. */
  count(method: string): number {
    return this.seen.filter((one) => one.method === method).length;
  }

  /** Everything that is kept, in a form that changes when it does. */
  state(): string {
    return JSON.stringify([this.keys.state(), this.secrets.state()]);
  }

  async close(): Promise<void> {
    const closed = new Promise((done) => this.#front.close(done));
    this.hangUp();
    this.#grpc.forceShutdown();
    await closed;
    await this.accounts.close();
    const violations = [...this.violations, ...this.accounts.violations];
    if (violations.length > 0) throw new Error(`It was asked wrongly: ${violations.join('; ')}`);
  }

  #serve(definition: grpc.ServiceDefinition, methods: Record<string, Method>): void {
    const handlers = Object.keys(definition).map((name) => {
      const method = name.charAt(0).toLowerCase() + name.slice(1);
      const handle = (call: Call, done: grpc.sendUnaryData<object | Buffer>): void => {
        try {
          const answer = this.#answer(method, methods[method], call);
          if (answer !== undefined) done(null, answer);
        } catch (error) {
          if (!(error instanceof Refusal)) this.violations.push(`${method}: ${String(error)}`);
          done(error instanceof Refusal ? error : { code: 13, details: 'it was asked wrongly' });
        }
      };
      return [name, handle];
    });
    this.#grpc.addService(definition, Object.fromEntries(handlers) as grpc.UntypedServiceImplementation);
  }

  #answer(method: string, run: Method | undefined, call: Call): object | Buffer | undefined {
    if (run === undefined) throw new Error('it was not expected');
    const token = /^Bearer (\S+)$/.exec(String(call.metadata.get('authorization')[0]))?.[1];
    if (token === undefined) throw new Error('it came without a token');
    const seen = { method, by: this.accounts.ownerOf(token), authority: call.getHost() };
    this.seen.push(seen);
    assertRouted(call);
    call.on('cancelled', () => {
      this.cancelled += 1;
    });
    const other = this.interfere(seen);
    if (other === 'silence') return undefined;
    if (other === 'hang-up') {
      this.hangUp();
      return undefined;
    }
    if (other instanceof Refusal) throw other;
    if (Buffer.isBuffer(other)) return other;
    if (other !== undefined && 'answer' in other) return other.answer;
    if (seen.by === undefined)
      throw new Refusal(16, 'Request had invalid authentication credentials.', {
        type: 'ErrorInfo',
        reason: 'ACCESS_TOKEN_EXPIRED',
        domain: 'googleapis.com',
      });
    const answer = run(call.request as never);
    return other === undefined ? answer : other.change(answer);
  }
}

/** Google finds the place of a resource by this header. */
function assertRouted(call: Call): void {
  const by = 'name' in call.request ? 'name' : 'parent';
  const expected = new URLSearchParams({ [by]: call.request[by] as string }).toString();
  const [routed] = call.metadata.get('x-goog-request-params');
  if (routed !== expected) throw new Error(`it was routed by ${String(routed)}`);
}

/** The service as its client knows it; a Buffer is answered as it is. */
function definitionOf(packageName: string, service: string): grpc.ServiceDefinition {
  const file = resolve(`${packageName}/build/protos/protos.json`);
  const json = JSON.parse(fs.readFileSync(file, 'utf8')) as Parameters<GrpcClient['loadProtoJSON']>[0];
  let found: unknown = new GrpcClient().loadProtoJSON(json);
  for (const part of service.split('.')) found = (found as Record<string, unknown>)[part];
  const { service: definition } = found as { service: grpc.ServiceDefinition };
  return Object.fromEntries(
    Object.entries(definition).map(([name, method]) => [
      name,
      {
        ...method,
        responseSerialize: (answer: object) =>
          Buffer.isBuffer(answer) ? answer : method.responseSerialize(answer),
      },
    ]),
  );
}
