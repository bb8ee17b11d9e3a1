// Which trace an operation is a part of, for whoever brings it to Git.
import { statements } from './statements.js';

export const traceparents = statements(`
alter table operation add column traceparent text collate "C"
`);
