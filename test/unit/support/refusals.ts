// How tests ask for a failure: by what it says, not by how it was thrown.
import { Failure } from '../../../src/kernel/failure.js';

/** What the call failed with. @throws Error when it did not fail, or failed with anything but a Failure */
export function failureOf(run: () => unknown): Failure {
  try {
    run();
  } catch (error) {
    return requireFailure(error);
  }
  throw new Error('It did not fail');
}

/** As `failureOf`, of a promise. */
export async function failureFrom(promise: Promise<unknown>): Promise<Failure> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return requireFailure(error);
  }
  throw new Error(`It did not fail but gave ${JSON.stringify(value)}`);
}

function requireFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  throw error;
}

interface Schema {
  safeParse: (value: unknown) => { success: boolean; error?: { issues: { message: string }[] } | undefined };
}

/** What a schema has against a value; nothing when it takes it. */
export function problemsOf(schema: Schema, value: unknown): string[] {
  return (schema.safeParse(value).error?.issues ?? []).map(({ message }) => message);
}

/** What the call gave, or the code of its failure. @throws whatever else it threw */
export function codeOr<T>(run: () => T): T | string {
  try {
    return run();
  } catch (error) {
    return requireFailure(error).code;
  }
}

/** As `codeOr`, of a promise. */
export async function codeFrom<T>(promise: Promise<T>): Promise<T | string> {
  try {
    return await promise;
  } catch (error) {
    return requireFailure(error).code;
  }
}
