import { Confirm } from '../parts/dialog.js';

/** Asks before what was typed is given up. */
export const Discarding = ({
  id,
  onDiscard,
  onClose,
}: {
  id: string;
  onDiscard: () => void;
  onClose: () => void;
}) => (
  <Confirm
    title={`Discard what you typed in ${id}?`}
    act="Discard my text"
    leave="Keep editing"
    onConfirm={async () => onDiscard()}
    onClose={onClose}
  >
    <p>The document becomes what it was when you began. Nothing of it is in Git.</p>
  </Confirm>
);
