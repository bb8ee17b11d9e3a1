// What a command says: aligned and coloured for people, JSON for machines. What comes from Git or from others is shown, and never
// obeyed by the terminal.
import { styleText } from 'node:util';
import { ApiError, NOT_THE_MANAGER } from '../client/api-error.js';
import { TargetRefused } from '../sealing/client-sealing.js';
import { UsageError } from './usage-error.js';

type Style = Parameters<typeof styleText>[0];

/** As docs/reference/cli.md lists them. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  denied: 4,
  conflict: 5,
  notFound: 6,
  pending: 7,
  interrupted: 130,
} as const;

export class Printer {
  constructor(readonly isJson: boolean) {}

  /** For machines, the value whole; for people, what `tell` makes of it. */
  show(value: unknown, tell: () => string): void {
    process.stdout.write(this.isJson ? `${JSON.stringify(value, null, 2)}\n` : withEnd(tell()));
  }

  /** Beside the result, for people alone. */
  note(text: string): void {
    if (!this.isJson) process.stderr.write(withEnd(text));
  }

  /** The exit code. */
  fail(error: unknown): number {
    const { exitCode, code, message, hint, operationId } = describe(error);
    if (this.isJson) {
      process.stderr.write(`${JSON.stringify({ code, message, hint, operationId })}\n`);
      return exitCode;
    }
    const lines = [`${styledAside('red', code)}: ${plain(message)}`];
    if (hint !== '') lines.push(`${styledAside('dim', 'hint:')} ${plain(hint)}`);
    if (operationId !== undefined) lines.push(`${styledAside('dim', 'operation:')} ${plain(operationId)}`);
    process.stderr.write(`${lines.join('\n')}\n`);
    return exitCode;
  }
}

/** Of what is shown: coloured where standard output is a terminal and nothing forbids it. */
export const styled = (style: Style, text: string): string =>
  styleText(style, text, { stream: process.stdout });

/** Of what is said beside it: coloured where standard error is a terminal, wherever the result goes. */
export const styledAside = (style: Style, text: string): string =>
  styleText(style, text, { stream: process.stderr });

/** Columns under their names, which are styled for where the table goes. */
export function table(names: string[], rows: string[][], style = styled): string {
  const cells = [names, ...rows.map((row) => row.map((cell) => plain(cell)))];
  const widths = names.map((_, at) => Math.max(...cells.map((row) => widthOf(row[at] ?? ''))));
  const lines = cells.map((row) =>
    row
      .map((cell, at) => cell + ' '.repeat((widths[at] ?? 0) - widthOf(cell)))
      .join('  ')
      .trimEnd(),
  );
  return [style('bold', lines[0] ?? ''), ...lines.slice(1)].join('\n');
}

/** Without what a terminal would obey. */
export const plain = (text: string): string => text.replace(/[\p{Cc}\u2028\u2029\p{Bidi_Control}]/gu, '·');

const widthOf = (text: string): number => Array.from(text).length;
const withEnd = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`);

interface Description {
  exitCode: number;
  code: string;
  message: string;
  hint: string;
  operationId?: string | undefined;
}

const WHO_IT_IS =
  'Ask whoever runs a delegate of the group for its fingerprint, which its doctor shows; until then seal nothing to it';

function describe(error: unknown): Description {
  if (error instanceof UsageError)
    return { exitCode: exitCodes.usage, code: 'USAGE', message: error.message, hint: error.hint };
  if (error instanceof ApiError) {
    const { code, detail: message, hint, operationId } = error.problem;
    return { exitCode: exitCodeOf(error), code, message, hint, operationId };
  }
  if (error instanceof TypeError && error.message === 'fetch failed') {
    const cause = error.cause as { message?: string } | undefined;
    return {
      exitCode: exitCodes.unreachable,
      code: 'UNREACHABLE',
      message: `Nobody answers at the manager’s address: ${cause?.message ?? error.message}`,
      hint: 'Check the address and that the manager runs: sallyport profiles says which one is asked',
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof TargetRefused ? WHO_IT_IS : '';
  return { exitCode: exitCodes.failed, code: 'FAILED', message, hint };
}

function exitCodeOf({ code, problem: { status } }: ApiError): number {
  if (code === NOT_THE_MANAGER) return exitCodes.unreachable;
  if (status === 401 || status === 403) return exitCodes.denied;
  if (status === 404) return exitCodes.notFound;
  return status === 409 || status === 412 ? exitCodes.conflict : exitCodes.failed;
}
