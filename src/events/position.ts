// A place in the order in which events are read: by transaction, and by sequence number within one.

export interface Position {
  transaction: string;
  sequence: number;
}

/** Before all events. */
export const START: Position = { transaction: '0', sequence: 0 };

const TRANSACTION_MAX = 2n ** 64n - 1n;

/** Below zero where the first comes first. */
export function comparePositions(one: Position, other: Position): number {
  const [a, b] = [BigInt(one.transaction), BigInt(other.transaction)];
  if (a === b) return one.sequence - other.sequence;
  return a < b ? -1 : 1;
}

/** Opaque to callers. */
export const toEventCursor = ({ transaction, sequence }: Position): string =>
  Buffer.from(`${transaction}.${sequence}`).toString('base64url');

/** Undefined where the text is no cursor of events. */
export function readEventCursor(text: string): Position | undefined {
  const decoded = Buffer.from(text, 'base64url').toString('latin1');
  const [, transaction, digits] = /^(\d{1,20})\.(\d{1,16})$/.exec(decoded) ?? [];
  if (transaction === undefined || digits === undefined) return undefined;
  const position = { transaction, sequence: Number(digits) };
  const isValid = BigInt(transaction) <= TRANSACTION_MAX && Number.isSafeInteger(position.sequence);
  return isValid && toEventCursor(position) === text ? position : undefined;
}
