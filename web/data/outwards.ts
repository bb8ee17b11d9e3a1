import { ApiError } from './api.js';
import { chainOf } from './scopes.js';

/**
 * What each scope from here outwards holds, the nearest first; those that one may not look at are left out.
 * @param onRefused is told where that is the scope itself
 */
export async function readOutwards<T>(
  scope: string,
  read: (level: string) => Promise<T[]>,
  onRefused?: (refusal: ApiError) => void,
): Promise<T[]> {
  const levels = await Promise.all(
    chainOf(scope)
      .toReversed()
      .map(async (level) => {
        try {
          return await read(level);
        } catch (error) {
          if (!isOf(error, 403)) throw error;
          if (level === scope) onRefused?.(error);
          return [];
        }
      }),
  );
  return levels.flat();
}

/** What was asked; undefined where it was refused with that status. */
export async function unless<T>(status: number, call: Promise<T>, other = status): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isOf(error, status, other)) return undefined;
    throw error;
  }
}

const isOf = (error: unknown, ...statuses: number[]): error is ApiError =>
  error instanceof ApiError && statuses.includes(error.problem.status);
