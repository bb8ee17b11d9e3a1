// An entity at two places of its repository's history.
import { z } from 'zod';
import { BranchName } from '../policy/branches.js';
import type { DocumentAt } from '../sync/read.flow.js';

const Reference = z
  .union([z.string().regex(/^[0-9a-f]{40}$/), BranchName], 'is neither a branch nor a commit id')
  .meta({ description: 'A branch, or a commit by its full id' });

export const CompareQuery = z.strictObject({ from: Reference, to: Reference });
export type CompareQuery = z.infer<typeof CompareQuery>;

const Side = z.strictObject({
  commitId: z.string(),
  path: z.string().nullable().meta({ description: 'Where it lay there; null where no file of it is known' }),
  blobId: z.string().nullable(),
  yaml: z.string().nullable().meta({ description: 'Null where no file of it is known' }),
});

export const ComparisonAnswer = z
  .strictObject({ kind: z.string(), id: z.string(), same: z.boolean(), from: Side, to: Side })
  .meta({ id: 'Comparison' });
export type ComparisonAnswer = z.infer<typeof ComparisonAnswer>;

export const toSide = ({ commitId, file }: DocumentAt): z.infer<typeof Side> => ({
  commitId,
  path: file?.path ?? null,
  blobId: file?.id ?? null,
  yaml: file === null ? null : Buffer.from(file.content).toString('utf8'),
});
