// Bodies come in two forms: strict JSON, and the bare YAML of an entity. Anything else is refused by its content type.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Failure } from '../kernel/failure.js';

/** A document of 1 MiB whose every character is escaped still fits. */
export const bodyBytesMax = 6 * 1024 * 1024 + 64 * 1024;

/** The bare file of an entity, as it came. */
export class BareFile {
  constructor(readonly bytes: Buffer) {}
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The body's bytes as they came. */
    bodyBytes?: Buffer;
  }
}

const YAML = 'application/yaml';

export function registerBodyParsers(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addHook('onRequest', async (request) => takeUploadAsYaml(request));
  fastify.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: bodyBytesMax },
    async (request: FastifyRequest, bytes: Buffer) => {
      request.bodyBytes = bytes;
      return parseJson(bytes);
    },
  );
  fastify.addContentTypeParser(
    [YAML, 'application/x-yaml', 'text/yaml'],
    { parseAs: 'buffer', bodyLimit: bodyBytesMax },
    async (request: FastifyRequest, bytes: Buffer) => {
      request.bodyBytes = bytes;
      return new BareFile(bytes);
    },
  );
}

/** `curl -T file` names no content type: an upload to an entity is its file. */
function takeUploadAsYaml(request: FastifyRequest): void {
  if (
    request.method === 'PUT' &&
    request.headers['content-type'] === undefined &&
    /\/entities\//.test(request.url)
  )
    request.headers['content-type'] = YAML;
}

/** RFC 8259 to the letter: UTF-8 without a byte order mark. */
function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw new Failure('REQUEST_INVALID', { problem: 'The body is not JSON (RFC 8259, UTF-8)' }, { cause });
  }
}
