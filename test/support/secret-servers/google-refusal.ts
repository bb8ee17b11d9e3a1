// How Google's services say no: a status, and in a trailer what it is about.

import { createRequire } from 'node:module';
import path from 'node:path';
import { grpc, protobuf } from 'google-gax';

const { resolve } = createRequire(import.meta.url);
const protos = path.join(path.dirname(resolve('google-gax')), '../protos');
const root = new protobuf.Root();
root.resolvePath = (_, target) => path.join(protos, target);
root.loadSync(['google/rpc/status.proto', 'google/rpc/error_details.proto']);

export type Detail =
  | { type: 'PreconditionFailure'; violations: { type: string; subject: string; description: string }[] }
  | { type: 'ErrorInfo'; reason: string; domain: string }
  | { type: 'RetryInfo'; retryDelay: { seconds: number } };

export class Refusal extends Error {
  readonly metadata = new grpc.Metadata();

  constructor(
    readonly code: number,
    readonly details: string,
    ...about: Detail[]
  ) {
    super(details);
    const status = { code, message: details, details: about.map(pack) };
    const Status = root.lookupType('google.rpc.Status');
    const bytes = Status.encode(Status.fromObject(status)).finish();
    this.metadata.set('grpc-status-details-bin', Buffer.from(bytes));
  }
}

function pack({ type, ...content }: Detail): { type_url: string; value: Uint8Array } {
  const Type = root.lookupType(`google.rpc.${type}`);
  const value = Type.encode(Type.fromObject(content)).finish();
  return { type_url: `type.googleapis.com/google.rpc.${type}`, value };
}
