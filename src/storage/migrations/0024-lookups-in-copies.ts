// Statistics that have never seen a repository take it for nearly empty, and any index that begins with it for as good as the one
// of the path. So lookups name the repository in a form that no other index has: not by luck, all of it is never read for one path.
import { statements } from './statements.js';

export const lookupsInCopies = statements(`
drop index entity_by_path;
drop index entity_by_blob;
create index entity_by_path on entity (path, (repository || ''));
create index entity_by_blob on entity (blob_id, (repository || ''))
`);
