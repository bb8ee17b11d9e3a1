import { Body, Controller, Delete, Get, HttpCode, Param, Put, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Envelope } from '../envelope/envelope.js';
import { SecretValue } from '../policy/text.js';
import { scopeOf } from '../scopes/scope.js';
import { type SecretRecord, SecretsRepository } from '../secrets/secrets.repository.js';
import { SecretsService } from '../secrets/secrets.service.js';
import { Answers, ofBody } from './answers.js';
import { NamedParameters, under } from './parameters.js';

const SEAL_FIRST =
  'The keyring is the delegate’s: seal the value beside it with `npm run delegate -- secret put`, and send the envelope';

export const SecretBody = z.discriminatedUnion('manager', [
  z.strictObject({ manager: z.literal('builtin'), value: SecretValue }),
  z.strictObject(
    { manager: z.literal('keyring'), envelope: Envelope },
    { error: ({ code }) => (code === 'unrecognized_keys' ? SEAL_FIRST : undefined) },
  ),
]);
type SecretBody = z.infer<typeof SecretBody>;

/** The value is never answered. */
export const SecretAnswer = z
  .strictObject({
    scope: z.string(),
    id: z.string(),
    manager: z.enum(['builtin', 'keyring']),
    version: z.uuid(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'Secret' });

@Controller(under('secrets/:id'))
export class SecretsController {
  constructor(
    private readonly service: SecretsService,
    private readonly secrets: SecretsRepository,
  ) {}

  @Put()
  @Answers({
    summary: 'Write a secret; its value is never read back',
    problems: [...ofBody, 'SCOPE_NOT_FOUND', 'SECRET_OUT_OF_REACH'],
    200: SecretAnswer,
    201: SecretAnswer,
  })
  async put(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Body({ schema: SecretBody }) body: SecretBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { record, created } = await this.service.put(scopeOf(names), id, body);
    reply.status(created ? 201 : 200);
    return toAnswer(record);
  }

  @Get()
  @Answers({ summary: 'Read what is known of a secret', problems: ['NOT_FOUND'], 200: SecretAnswer })
  async get(@Param({ schema: NamedParameters }) { id, ...names }: NamedParameters) {
    return toAnswer(await this.secrets.get(scopeOf(names), id));
  }

  @Delete()
  @HttpCode(204)
  @Answers({
    summary: 'Delete a secret that no connector uses',
    problems: ['NOT_FOUND', 'STILL_IN_USE'],
    204: null,
  })
  async delete(@Param({ schema: NamedParameters }) { id, ...names }: NamedParameters): Promise<void> {
    await this.secrets.delete(scopeOf(names), id);
  }
}

const toAnswer = ({ createdAt, updatedAt, ...record }: SecretRecord): z.infer<typeof SecretAnswer> => ({
  ...record,
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
});
