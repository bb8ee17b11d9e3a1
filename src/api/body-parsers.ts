// Bodies come in two forms: strict JSON, and the bare YAML of an entity. Anything else is refused by its content type.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Failure } from '../kernel/failure.js';
import { parseJson } from './json.js';

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
      return bytes.length === 0 ? undefined : parseJson(bytes);
    },
  );
  fastify.addContentTypeParser(
    [YAML, 'application/x-yaml', 'text/yaml'],
    { parseAs: 'buffer', bodyLimit: bodyBytesMax },
    async (request: FastifyRequest, bytes: Buffer) => {
      request.bodyBytes = bytes;
      if (isSave(request)) return new BareFile(bytes);
      throw new Failure('MEDIA_TYPE_UNSUPPORTED', { mediaType: request.headers['content-type'] ?? YAML });
    },
  );
}

/** `curl -T file` names no content type: an upload to an entity is its file. */
function takeUploadAsYaml(request: FastifyRequest): void {
  if (isSave(request)) request.headers['content-type'] ??= YAML;
}

const isSave = ({ method, routeOptions }: FastifyRequest): boolean =>
  method === 'PUT' && routeOptions.url?.endsWith('/entities/:kind/:id') === true;
