// The thread that parses and validates, one document at a time.
import { parentPort } from 'node:worker_threads';
import { Failure } from '../kernel/failure.js';
import type { DocumentJob, DocumentVerdict } from './document.js';
import { parseDocument } from './document-rules.js';
import { assertFits, compileSchema } from './json-schema.js';

parentPort?.on('message', (job: DocumentJob) => parentPort?.postMessage(judge(job)));
parentPort?.postMessage('ready');

function judge(job: DocumentJob): DocumentVerdict {
  try {
    if (job.check === 'schema') compileSchema(JSON.parse(job.schema));
    else assertFits(parseDocument(job.yaml), job.kind);
    return null;
  } catch (error) {
    if (error instanceof Failure) return error.toWire();
    // Whatever a parser throws at hostile input is the input's fault; a full stack is the usual form.
    const problem = error instanceof RangeError ? 'it is nested too deeply' : 'it cannot be parsed';
    return job.check === 'schema'
      ? new Failure('KIND_INVALID', { problem: `The schema is not usable: ${problem}` }).toWire()
      : new Failure('YAML_REFUSED', { problem, line: 1, column: 1 }).toWire();
  }
}
