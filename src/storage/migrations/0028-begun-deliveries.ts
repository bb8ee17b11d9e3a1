// How often somebody began to process a delivery and was not heard of again: one that ends whoever reads it is left unread.
import { statements } from './statements.js';

export const begunDeliveries = statements(`
alter table webhook_delivery add column begun integer not null default 0
`);
