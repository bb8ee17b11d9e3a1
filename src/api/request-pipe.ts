// Validates parameters, queries and bodies by the schemas that the routes name.
import { StandardSchemaValidationPipe } from '@nestjs/common';
import { invalid } from './save-request.js';

export class RequestPipe extends StandardSchemaValidationPipe {
  constructor() {
    super({ exceptionFactory: (issues) => invalid(issues as never) });
  }

  /** Nothing is taken out unasked: `__proto__` was refused when the body was parsed, and `constructor` is a name like any other. */
  protected override stripProtoKeys(): void {
    return undefined;
  }
}
