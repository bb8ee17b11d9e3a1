// A save that found something else in Git: what both began with, what is there, what was to be saved, and what they come to
// together. Nothing is written until somebody saves again, and that is again a save from what is there now.

import { answer, apiOf } from '../data/api.js';
import { type Operation, useOperation } from '../data/operations.js';
import { useResource } from '../data/resource.js';
import { hrefOf } from '../data/route.js';
import { rememberedText } from '../data/texts.js';
import { SaveAgain } from '../entities/save-again.js';
import { LinkButton } from '../parts/button.js';
import { Head } from '../parts/head.js';
import { Note, ProblemBox } from '../parts/problem.js';
import { LetStand } from './let-stand.js';
import { Resolution } from './resolution.js';

/** As the problem of a conflict has them. */
export interface ConflictVersions {
  base: { blobId: string | null; yaml: string | null };
  theirs: { blobId: string | null; yaml: string | null };
  ours: { blobId: string | null; yaml: string | null };
}

export function ConflictScreen({ scope, id }: { scope: string; id: string }) {
  const { data: operation, error } = useOperation(scope, id);
  const name = operation?.entity ?? 'the entity';
  return (
    <>
      <Head
        title={`Conflict in ${name}`}
        trail={[
          { label: 'Operations', href: hrefOf(scope, ['operations']) },
          { label: 'Operation', href: hrefOf(scope, ['operations', id]) },
        ]}
        note="Git holds something else than the save was made from. Choose key by key, and save again."
      />
      <ProblemBox error={error} />
      {operation !== undefined && <Known scope={scope} operation={operation} />}
    </>
  );
}

function Known({ scope, operation }: { scope: string; operation: Operation }) {
  const versions = operation.problem?.versions as ConflictVersions | undefined;
  if (operation.state !== 'conflict' || versions === undefined)
    return (
      <Note title="This operation is no conflict">
        There is nothing to be resolved.{' '}
        <a href={hrefOf(scope, ['operations', operation.id])}>See what became of it</a>.
      </Note>
    );
  return versions.theirs.yaml === null || versions.ours.yaml === null ? (
    <OneSided scope={scope} operation={operation} versions={versions} />
  ) : (
    <TwoSided scope={scope} operation={operation} versions={versions} />
  );
}

interface SidedProps {
  scope: string;
  operation: Operation;
  versions: ConflictVersions;
}

function TwoSided({ scope, operation, versions }: SidedProps) {
  const { data, error } = useResource(`base ${versions.base.blobId ?? ''}`, async () => ({
    yaml: await findBase(scope, versions.base),
  }));
  if (data === undefined && error === undefined) return <span class="skeleton" />;
  return (
    <Resolution
      scope={scope}
      operation={operation}
      theirsId={versions.theirs.blobId}
      versions={{
        base: data?.yaml ?? null,
        theirs: versions.theirs.yaml ?? '',
        ours: versions.ours.yaml ?? '',
      }}
    />
  );
}

const LISTED = '200';

/** What both began with. Sallyport may hold something newer by now: then what was read here, or an earlier save, has the text. */
async function findBase(scope: string, { blobId, yaml }: ConflictVersions['base']): Promise<string | null> {
  const known = yaml ?? rememberedText(blobId);
  if (known !== null || blobId === null) return known;
  const query = { limit: LISTED, state: 'succeeded' as const };
  const { operations } = await answer(apiOf(scope).GET('/operations', { params: { query } }));
  return operations.find((one) => one.blobId === blobId)?.yaml ?? null;
}

/** One side removed it, or holds what cannot be shown as text. */
function OneSided({ scope, operation, versions }: SidedProps) {
  const { kind, entity, git } = operation;
  const where = git?.branch ?? 'its place';
  const { yaml } = versions.ours;
  const isGone = versions.theirs.blobId === null;
  return (
    <>
      <Note
        tone="warn"
        icon="split"
        title={isGone ? `${entity} is not on ${where} any more` : `${entity} changed on ${where}`}
      >
        {isGone
          ? 'It was removed since it was read. Save it as a new entity if it is to be there, or leave it removed.'
          : 'It changed since it was read, and it was to be deleted. Look at it again before you delete it.'}
      </Note>
      <div class="row">
        {isGone ? (
          kind !== null &&
          entity !== null &&
          yaml !== null && <SaveAgain {...{ scope, operation, kind, entity, yaml }} label="Save as new…" />
        ) : (
          <LinkButton
            look="primary"
            href={hrefOf(scope, ['entities', kind ?? '', entity ?? ''], { branch: git?.branch })}
          >
            Open {entity}
          </LinkButton>
        )}
        <LetStand scope={scope} operation={operation} ours={yaml} />
      </div>
      {yaml !== null && <pre class="document plain panel">{yaml}</pre>}
    </>
  );
}
