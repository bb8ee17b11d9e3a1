// Whose request a value came with, so that the records name them whenever a delegate takes it.
import { statements } from './statements.js';

export const authors = statements(`
alter table sealed_value add column requested_by text
`);
