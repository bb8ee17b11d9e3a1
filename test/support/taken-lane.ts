// A lane as another manager has it.
import { eventually } from './api.js';
import { sql } from './database.js';
import type { Stack } from './stack.js';

/**
 * Takes the lane of the repository’s `main` in a moment in which nobody tries what waits there: in the middle of that nothing is
 * cancelled. Gives it back when it is told to.
 */
export async function takeLane({ databaseUrl, repositoryUrl }: Stack): Promise<() => Promise<unknown>> {
  const change = (set: string, more = ''): Promise<object[]> =>
    sql(
      databaseUrl,
      `update lane set ${set} where branch = 'main' and repository = $1 ${more} returning id`,
      [repositoryUrl],
    );
  const taken = `holder = gen_random_uuid(), lease_expires_at = now() + interval '1 hour'`;
  await eventually(
    async () => (await change(taken, 'and holder is null and plan is null')).length > 0,
    'nobody to be at the lane',
  );
  return () => change('holder = null, lease_expires_at = null');
}
