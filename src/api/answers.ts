// Says in one place what a route answers; the OpenAPI document is made from it.
import { applyDecorators } from '@nestjs/common';
import { ApiOperation, ApiResponse } from '@nestjs/swagger';
import { z } from 'zod';

export const ProblemAnswer = z
  .strictObject({
    type: z.string(),
    status: z.int(),
    code: z.string().meta({ description: 'Stable; listed in docs/reference/errors.md' }),
    title: z.string(),
    detail: z.string(),
    hint: z.string(),
    operationId: z.string().optional(),
    delegate: z.string().optional(),
    versions: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'Problem' });

/** A route's summary, and the schema of its answer by status; `null` for an answer without a body. */
export function Answers(answers: { summary: string } & Record<number, z.ZodType | null>): MethodDecorator {
  const { summary, ...byStatus } = answers;
  const responses = Object.entries(byStatus).map(([status, schema]) =>
    ApiResponse(
      schema === null
        ? { status: Number(status), description: 'Done' }
        : { status: Number(status), description: summary, standardSchema: schema },
    ),
  );
  const problem = ApiResponse({ status: 'default', description: 'A problem', standardSchema: ProblemAnswer });
  return applyDecorators(ApiOperation({ summary }), ...responses, problem);
}
