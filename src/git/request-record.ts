// A request to a Git host, from its beginning to the end of its answer: told to whoever counts, and a span where it is part of a trace.
import { beginPart, type Span } from '../kernel/concern.js';
import { secondsSince, tell } from '../kernel/facts.js';
import { Failure } from '../kernel/failure.js';

interface Asked {
  /** `name[:port]` */
  host: string;
  kind: 'git' | 'api';
  method: string;
  /** What is asked for, of few values; nothing of the repository. */
  what: string;
  bytesUp: number;
}

export class RequestRecord {
  readonly #began = performance.now();
  readonly #span: Span | undefined;
  #bytesDown = 0;
  #isOver = false;

  constructor(private readonly asked: Asked) {
    const { host, kind, method, what, bytesUp } = asked;
    this.#span = beginPart({
      name: `${method} ${what}`,
      kind: 'client',
      attributes: {
        'server.address': host,
        'http.request.method': method,
        'http.request.body.size': bytesUp,
        'sallyport.host.kind': kind,
      },
    });
  }

  status(status: number): void {
    this.#span?.note({ 'http.response.status_code': status });
  }

  down(bytes: number): void {
    this.#bytesDown += bytes;
  }

  /** Once; what comes later is of no interest. @param fault an error, or a code; absent where there was none */
  end(fault?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const code = codeOf(fault);
    const { host, kind, bytesUp } = this.asked;
    const bytesDown = this.#bytesDown;
    this.#span?.note({ 'http.response.body.size': bytesDown });
    this.#span?.end(code);
    tell('git.request', {
      host,
      kind,
      code: code ?? 'OK',
      seconds: secondsSince(this.#began),
      bytesUp,
      bytesDown,
    });
  }
}

function codeOf(fault: unknown): string | undefined {
  if (fault === undefined || typeof fault === 'string') return fault;
  return Failure.from(fault).code;
}
