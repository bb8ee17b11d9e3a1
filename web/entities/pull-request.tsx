// The pull request that a save wished for, where it is not open yet: the commit is on its branch all the same.
import { useAction } from '../data/action.js';
import { answer, apiOf, type Schemas } from '../data/api.js';
import { useResource } from '../data/resource.js';
import { Button } from '../parts/button.js';
import { Dialog } from '../parts/dialog.js';
import { Outside } from '../parts/outside.js';
import { Note, ProblemBox } from '../parts/problem.js';

/** As far as both answers of the API tell it. */
type Request = Pick<
  Schemas['PullRequest'],
  'scope' | 'state' | 'number' | 'webUrl' | 'into' | 'problem' | 'reviewersRefused'
>;

export const namePull = ({ number }: Pick<Request, 'number'>): string =>
  number === null ? 'Pull request' : `Pull request #${number}`;

export const PullLink = ({ request: { number, webUrl } }: { request: Pick<Request, 'number' | 'webUrl'> }) =>
  webUrl === null ? null : <Outside href={webUrl}>{number === null ? 'Open' : `#${number}`}</Outside>;

const AGAIN_MS = 1_000;

export interface PullDialogProps {
  committed: string;
  first: Schemas['SavedPullRequest'];
  onClose: () => void;
}

/** Until it is open, or somebody has seen why it is not. */
export function PullDialog({ committed, first, onClose }: PullDialogProps) {
  const { id, scope } = first;
  const { isBusy, error, run } = useAction();
  const api = apiOf(scope);
  const { data, reload } = useResource<Request>(
    id === null ? null : `pull request ${scope} ${id}`,
    () => answer(api.GET('/pull-requests/{id}', { params: { path: { id: id ?? '' } } })),
    { live: ['pull-request.'], everyMs: AGAIN_MS },
  );
  const request = data ?? first;
  const again = (): void => {
    void run(async () => {
      await api.POST('/pull-requests/{id}/retry', { params: { path: { id: id ?? '' } } });
      await reload();
    });
  };
  return (
    <Dialog title={committed} onClose={onClose}>
      <Standing request={request} />
      <ProblemBox error={error} />
      <div class="ends">
        {request.state === 'failed' && (
          <Button icon="reload" isBusy={isBusy} onPress={again}>
            Ask the host again
          </Button>
        )}
        <Button look="primary" onPress={onClose}>
          Go to the branch
        </Button>
      </div>
    </Dialog>
  );
}

function Standing({ request }: { request: Request }) {
  const { state, problem, into, reviewersRefused } = request;
  if (state === 'failed')
    return (
      <>
        <p class="small">
          The commit is on its branch and stays there. No pull request into {into ?? 'the default branch'} was
          opened:
        </p>
        <ProblemBox error={problem} />
      </>
    );
  if (state === 'wanted')
    return (
      <>
        <Note icon="clock" title="The host is being asked to open the pull request">
          This goes on by itself, also when this window is closed.
        </Note>
        <ProblemBox error={problem} tone="warn" />
      </>
    );
  return (
    <Note icon="check" title={`${namePull(request)} is ${state}`}>
      {request.webUrl !== null && <Outside href={request.webUrl}>Show it at the host</Outside>}
      {reviewersRefused.length > 0 && ` The host did not take ${reviewersRefused.join(', ')} as reviewers.`}
    </Note>
  );
}
