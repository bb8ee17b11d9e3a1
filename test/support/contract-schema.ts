// The contract as JSON Schema: what stands on the wire, whichever version of the code reads it.
import { z } from 'zod';
import { Purpose } from '../../src/contract/audit.js';
import { EnrolmentRequest } from '../../src/contract/enrolment.js';
import { AnswerClaims, TaskClaims } from '../../src/contract/messages.js';
import { Presence, PresenceClaims, Welcome, WelcomeClaims } from '../../src/contract/presence.js';
import { TaskAnswer, tasks } from '../../src/contract/tasks.js';

export interface ContractSchema {
  tasks: Record<string, { input: object; output: object }>;
  messages: Record<string, object>;
}

const onTheWire = (schema: z.ZodType): object =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'ref' });

export function contractSchema(): ContractSchema {
  const messages = {
    TaskClaims,
    AnswerClaims,
    TaskAnswer,
    PresenceClaims,
    Presence,
    Welcome,
    WelcomeClaims,
    EnrolmentRequest,
    Purpose,
  };
  const mapped = Object.entries(tasks).map(([name, { input, output }]) => [
    name,
    { input: onTheWire(input), output: onTheWire(output) },
  ]);
  return {
    tasks: Object.fromEntries(mapped),
    messages: Object.fromEntries(Object.entries(messages).map(([name, schema]) => [name, onTheWire(schema)])),
  };
}
