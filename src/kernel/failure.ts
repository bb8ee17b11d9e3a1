// One class for everything that can go wrong and has a name. It crosses the queue unchanged.
import { type Disposition, type ErrorCode, type ErrorData, errors } from './errors.js';
import { redact, redactDeep } from './redact.js';
import { storable } from './storable.js';

/** A failure as it travels: in a task's answer, in an operation's row. `delegate` names the one that met it. */
export interface WireFailure {
  code: ErrorCode;
  data: Record<string, unknown>;
  delegate?: string;
}

interface Entry {
  title: string;
  status: number;
  disposition: Disposition;
  message: (data: never) => string;
  hint: (data: never) => string;
}

type Arguments<C extends ErrorCode> =
  Record<string, never> extends ErrorData<C>
    ? [data?: ErrorData<C>, options?: { cause?: unknown }]
    : [data: ErrorData<C>, options?: { cause?: unknown }];

export class Failure<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'Failure';
  readonly code: C;
  readonly data: ErrorData<C>;
  delegate?: string;

  constructor(code: C, ...[data, options]: Arguments<C>) {
    const clean = redactDeep(data ?? {}, printable) as ErrorData<C>;
    super(printable(entry(code).message(clean as never)), options);
    this.code = code;
    this.data = clean;
  }

  /** HTTP status of the answer this failure becomes. */
  get status(): number {
    return entry(this.code).status;
  }

  /** The code in words, the same for every failure of this code. */
  get title(): string {
    return entry(this.code).title;
  }

  get disposition(): Disposition {
    return entry(this.code).disposition;
  }

  /** What the reader can do about it. */
  get hint(): string {
    return entry(this.code).hint(this.data as never);
  }

  toWire(): WireFailure {
    const wire: WireFailure = { code: this.code, data: this.data as Record<string, unknown> };
    return this.delegate === undefined ? wire : { ...wire, delegate: this.delegate };
  }

  /** The failure as it was; INTERNAL where this side knows no such code, or not with such data. */
  static fromWire(wire: WireFailure): Failure {
    const failure = revive(wire);
    if (wire.delegate !== undefined) failure.delegate = wire.delegate;
    return failure;
  }

  /** The failure itself, or INTERNAL around anything else. */
  static from(error: unknown, reference = 'unexpected'): Failure {
    if (error instanceof Failure) return error;
    return new Failure('INTERNAL', { reference }, { cause: error }) as Failure;
  }
}

function revive({ code, data }: WireFailure): Failure {
  if (!Object.hasOwn(errors, code)) return new Failure('INTERNAL', { reference: 'unknown-code' }) as Failure;
  try {
    return new (Failure as unknown as new (code: ErrorCode, data: unknown) => Failure)(code, data);
  } catch (cause) {
    return new Failure('INTERNAL', { reference: 'unreadable-failure' }, { cause }) as Failure;
  }
}

/** Documents and hosts say whatever they like, and failures are kept. */
const printable = (text: string): string => storable(redact(text));

function entry(code: ErrorCode): Entry {
  return errors[code] as Entry;
}
