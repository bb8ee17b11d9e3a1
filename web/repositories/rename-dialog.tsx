import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { answer, apiOf } from '../data/api.js';
import type { Connector } from '../data/connectors.js';
import { wrongWith } from '../data/wrong.js';
import { Button } from '../parts/button.js';
import { Dialog } from '../parts/dialog.js';
import { TextField } from '../parts/field.js';
import { ProblemBox } from '../parts/problem.js';
import { say } from '../shell/toasts.js';

export interface RenameDialogProps {
  connector: Connector;
  onDone: () => void;
  onClose: () => void;
}

/** The repository has another address now: that it is the same one, the manager looks for itself. */
export function RenameDialog({ connector, onDone, onClose }: RenameDialogProps) {
  const { scope, id, url: before, renamedTo } = connector;
  const [url, setUrl] = useState(renamedTo?.url ?? before);
  const { isBusy, error, run } = useAction();
  const rename = (event: Event): void => {
    event.preventDefault();
    void run(async () => {
      const call = apiOf(scope).POST('/connectors/{id}/rename', { params: { path: { id } }, body: { url } });
      const { moved } = await answer(call);
      say(`${id} is at ${url} now, with ${moved.entities} ${moved.entities === 1 ? 'entity' : 'entities'}.`);
      onDone();
      onClose();
    });
  };
  return (
    <Dialog title={`Where is ${id} now?`} onClose={onClose}>
      <form class="stack" onSubmit={rename}>
        <TextField
          label="Repository URL"
          value={url}
          onInput={setUrl}
          note="It is looked whether it is the same repository. Copies, branches, saves that wait, pull requests and the webhook come along, all or nothing."
          wrong={wrongWith(error, 'url')}
          isRequired
          isMono
        />
        <ProblemBox error={error} />
        <div class="ends">
          <Button onPress={onClose}>Cancel</Button>
          <Button type="submit" look="primary" isBusy={isBusy} isDisabled={url === before}>
            Go there from now on
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
