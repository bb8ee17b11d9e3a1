// What the manager says of one field of what was sent, to stand below that field.
import { ApiError } from '../../src/client/api-error.js';

/** Undefined where it was sent for nothing of that field. @param field as the API names it: `settings.region` */
export function wrongWith(error: unknown, field: string): string | undefined {
  if (!(error instanceof ApiError) || error.code !== 'REQUEST_INVALID') return undefined;
  return sayOf(error.problem.detail, field);
}

export function sayOf(detail: string, field: string): string | undefined {
  const said = detail.split('; ').find((one) => one.startsWith(`${field}: `) || one.startsWith(`${field}.`));
  return said === undefined
    ? undefined
    : `It ${said.slice(said.indexOf(': ') + 2)}`.replace(/^It (?=[A-Z])/, '');
}
