import { Failure } from '../kernel/failure.js';

/** The refusal of a value by the input policy. */
export function refuse(field: string, rule: string): Failure {
  return new Failure('INPUT_REFUSED', { field, rule }) as Failure;
}
