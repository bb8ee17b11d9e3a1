// The thread that parses and validates, one document after the other.
import { parentPort } from 'node:worker_threads';
import { Failure } from '../kernel/failure.js';
import type { DocumentJob, DocumentKind, DocumentVerdict } from './document.js';
import { parseText, textOf } from './document-rules.js';
import { assertIsMeant, isPlainlyMeant, type Meant } from './identity.js';
import { assertFits, compileSchema, fits } from './json-schema.js';
import { readPlain } from './plain-yaml.js';

parentPort?.on('message', (job: DocumentJob) => parentPort?.postMessage(judgeAll(job)));
parentPort?.postMessage('ready');

function judgeAll(job: DocumentJob): DocumentVerdict[] {
  if (job.check === 'schema') return [judge(job.check, () => compileSchema(JSON.parse(job.schema)))];
  const { bytes, ends, kind, meant } = job;
  return ends.map((end, at) =>
    judge(job.check, () => judgeDocument(bytes.subarray(ends[at - 1] ?? 0, end), kind, meant[at])),
  );
}

function judge(check: DocumentJob['check'], work: () => unknown): DocumentVerdict {
  try {
    work();
    return null;
  } catch (error) {
    if (error instanceof Failure) return error.toWire();
    // Whatever a parser throws at hostile input is the input's fault; a full stack is the usual form.
    const problem = error instanceof RangeError ? 'it is nested too deeply' : 'it cannot be parsed';
    return check === 'schema'
      ? new Failure('KIND_INVALID', { problem: `The schema is not usable: ${problem}` }).toWire()
      : new Failure('YAML_REFUSED', { problem, line: 1, column: 1 }).toWire();
  }
}

/** What is plainly right is not parsed with places for what is wrong. */
function judgeDocument(yaml: Uint8Array, kind: DocumentKind, meant: Meant | null | undefined): void {
  const text = textOf(yaml);
  const value = readPlain(text);
  const isRight = value !== undefined && isPlainlyMeant(value, kind.identity, meant) && fits(value, kind);
  if (isRight) return;
  const parsed = parseText(text);
  if (kind.identity && meant) assertIsMeant(parsed, kind.identity, meant);
  assertFits(parsed, kind);
}
