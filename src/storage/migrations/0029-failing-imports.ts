// An import is given up after it has failed for long enough, and not since it came on last: it may have had to wait for its turn.
import { statements } from './statements.js';

export const failingImports = statements(`
alter table import add column failing_since timestamptz
`);
