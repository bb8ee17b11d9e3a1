// What the API refused, as whoever called it can take it apart.
import type { components } from './routes.js';

export type Problem = components['schemas']['Problem'];

/** Something between client and manager answered, and it was not the manager: a proxy, or another server altogether. */
export const NOT_THE_MANAGER = 'NOT_THE_MANAGER';

export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(readonly problem: Problem) {
    super(problem.detail);
  }

  /** Stable; listed in docs/reference/errors.md. */
  get code(): string {
    return this.problem.code;
  }

  /** What the reader can do. */
  get hint(): string {
    return this.problem.hint;
  }

  static async of(response: Response): Promise<ApiError> {
    const body: unknown = await response.json().catch(() => undefined);
    return new ApiError(isProblem(body) ? body : unknownProblem(response));
  }
}

const isProblem = (body: unknown): body is Problem =>
  typeof body === 'object' && body !== null && 'code' in body && 'detail' in body && 'hint' in body;

const unknownProblem = ({ status, url }: Response): Problem => ({
  type: 'about:blank',
  status,
  code: NOT_THE_MANAGER,
  title: 'The manager did not answer',
  detail: `${new URL(url).host} answered ${status}, and not as Sallyport does`,
  hint: 'Check the address: it is that of the manager, with the path that a proxy serves it under, without /api/v1',
});
