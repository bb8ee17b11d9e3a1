import { answer, apiOf } from '../data/api.js';
import { type Operation, useOperation } from '../data/operations.js';
import { hrefOf } from '../data/route.js';
import { exactTime, lastingOf } from '../data/time.js';
import { SaveAgain } from '../entities/save-again.js';
import { Allowed } from '../parts/allowed.js';
import { Button, LinkButton } from '../parts/button.js';
import { Confirm, useDialog } from '../parts/dialog.js';
import { Head } from '../parts/head.js';
import { Icon } from '../parts/icon.js';
import { Facts, Panel } from '../parts/panel.js';
import { Note, ProblemBox } from '../parts/problem.js';
import { Ago, Lasting } from '../parts/time.js';
import { nameOperation, OperationState, speakOf } from './operation-state.js';
import { roadOf, type TimedStep } from './road.js';

export function OperationScreen({ scope, id }: { scope: string; id: string }) {
  const { data: operation, error, reload } = useOperation(scope, id);
  return (
    <>
      <Head
        title={operation === undefined ? 'Operation' : nameOperation(operation)}
        trail={[{ label: 'Operations', href: hrefOf(scope, ['operations']) }]}
        mark={operation !== undefined && <OperationState operation={operation} />}
        note={<code>{id}</code>}
      >
        {operation !== undefined && <WaysOn scope={scope} operation={operation} reload={reload} />}
      </Head>
      <ProblemBox error={error} />
      {operation !== undefined && <Whole scope={scope} operation={operation} />}
    </>
  );
}

/** What can be done about it now. */
function WaysOn({
  scope,
  operation,
  reload,
}: {
  scope: string;
  operation: Operation;
  reload: () => Promise<void>;
}) {
  const { kind, entity, git, state, id, yaml } = operation;
  const isUnsaved = state === 'failed' || state === 'cancelled';
  return (
    <>
      {state === 'pending' && (
        <Allowed scope={scope} needs="entity.edit">
          <Cancel scope={scope} operation={operation} reload={reload} />
        </Allowed>
      )}
      {state === 'conflict' && (
        <LinkButton look="primary" icon="split" href={hrefOf(scope, ['operations', id, 'conflict'])}>
          Resolve the conflict
        </LinkButton>
      )}
      {isUnsaved && kind !== null && entity !== null && yaml !== null && (
        <SaveAgain {...{ scope, operation, kind, entity, yaml }} label="Save again…" />
      )}
      {kind !== null && entity !== null && (
        <LinkButton href={hrefOf(scope, ['entities', kind, entity], { branch: git?.branch })}>
          Open {entity}
        </LinkButton>
      )}
    </>
  );
}

/** Whether it can be cancelled is known by who writes alone: where it cannot, the question says why. */
function Cancel({
  scope,
  operation,
  reload,
}: {
  scope: string;
  operation: Operation;
  reload: () => Promise<void>;
}) {
  const { open, show, close } = useDialog<'cancel'>();
  const what = speakOf(operation);
  const cancel = async (): Promise<void> => {
    const params = { path: { id: operation.id } };
    await answer(apiOf(scope).POST('/operations/{id}/cancel', { params }));
    await reload();
  };
  return (
    <>
      <Button icon="close" onPress={() => show('cancel')}>
        Cancel
      </Button>
      {open === 'cancel' && (
        <Confirm
          title={`Cancel ${what}?`}
          act={`Cancel ${what}`}
          leave="Let it go on"
          onConfirm={cancel}
          onClose={close}
        >
          <p>Nothing of it will be written to Git. What was to be written is kept here.</p>
          {operation.move !== undefined && (
            <p>Its entities stay where they are; commits of the move that are in Git stay there as well.</p>
          )}
        </Confirm>
      )}
    </>
  );
}

function Whole({ scope, operation }: { scope: string; operation: Operation }) {
  const { problem, yaml, waitsFor, state, deadlineAt, pullRequest } = operation;
  return (
    <>
      <Road steps={roadOf(operation)} />
      {state === 'pending' && waitsFor !== null && (
        <Note icon="clock" title="What it waits for">
          {waitsFor}. It is tried until <Ago at={deadlineAt} />; nothing has to be done meanwhile.
        </Note>
      )}
      <ProblemBox error={problem} tone={state === 'cancelled' ? 'warn' : 'bad'} />
      <ProblemBox error={pullRequest?.problem} tone="warn" />
      <div class="sides">
        <Panel title="What was to be written" isFlush>
          {yaml === null ? (
            <p class="document plain quiet">No document: this removes the entity, or moves files.</p>
          ) : (
            <pre class="document plain">{yaml}</pre>
          )}
        </Panel>
        <OperationFacts scope={scope} operation={operation} />
      </div>
    </>
  );
}

/** Each step with when it was taken: the first how long ago, each other how long after the one before. */
function Road({ steps }: { steps: readonly TimedStep[] }) {
  return (
    <Panel title="Its road">
      <ol class="road">
        {steps.map(({ name, state, note, at, afterMs }) => (
          <li key={name} class={state} aria-current={state === 'now' ? 'step' : undefined}>
            <span class="stop">
              <Icon name={signs[state]} size={14} />
            </span>
            <span class="name">
              {name}
              <span class="unseen">: {words[state]}</span>
            </span>
            <span class="note">{note}</span>
            <span class="when">{at !== null && <When at={at} afterMs={afterMs} />}</span>
          </li>
        ))}
      </ol>
    </Panel>
  );
}

const When = ({ at, afterMs }: { at: string; afterMs: number | null }) =>
  afterMs === null ? (
    <Ago at={at} />
  ) : (
    <time class="number" dateTime={at} title={exactTime(at)}>
      {lastingOf(afterMs)} later
    </time>
  );

const signs = { done: 'check', now: 'ring', ahead: 'dot', stopped: 'close' } as const;
const words = { done: 'done', now: 'under way', ahead: 'not yet', stopped: 'not reached' } as const;

function OperationFacts({ scope, operation }: { scope: string; operation: Operation }) {
  const { git, createdAt, finishedAt, deadlineAt, pullRequest } = operation;
  const url = pullRequest?.webUrl ?? null;
  return (
    <Panel title="Facts">
      <Facts
        facts={[
          git === null
            ? ['Kept', 'Inline']
            : [
                'Repository',
                <a key="at" href={hrefOf(scope, ['repositories', git.connector])}>
                  {git.connector}
                </a>,
              ],
          git === null ? undefined : ['Branch', <code key="branch">{git.branch}</code>],
          git?.path == null ? undefined : ['Path', <code key="path">{git.path}</code>],
          git?.commitId == null ? undefined : ['Commit', <code key="commit">{git.commitId}</code>],
          ['Accepted', <Ago key="accepted" at={createdAt} />],
          ['Took', <Lasting key="took" from={createdAt} to={finishedAt} />],
          finishedAt === null ? ['Deadline', <Ago key="deadline" at={deadlineAt} />] : undefined,
          url === null
            ? undefined
            : [
                'Pull request',
                <a key="request" href={url} rel="noreferrer" target="_blank">
                  {pullRequest?.number === null ? 'Open' : `#${String(pullRequest?.number)}`}
                </a>,
              ],
        ]}
      />
    </Panel>
  );
}
