import { useState } from 'preact/hooks';
import { useResource } from '../data/resource.js';
import { goTo, hrefOf } from '../data/route.js';
import { chainOf, levelOf, nameOf } from '../data/scopes.js';
import { listScopes } from '../data/session.js';
import { Search } from '../parts/choices.js';
import { Dialog } from '../parts/dialog.js';
import { Icon } from '../parts/icon.js';
import { ProblemBox } from '../parts/problem.js';

export interface ScopeSwitcherProps {
  account: string;
  scope: string;
  /** Screen to stay on. */
  current: string;
  onClose: () => void;
}

export function ScopeSwitcher({ account, scope, current, onClose }: ScopeSwitcherProps) {
  const [sought, setSought] = useState('');
  const { data, error } = useResource(`scopes ${account}`, () => listScopes(account));
  const words = sought.toLowerCase();
  const found = data
    ?.filter((one) => `${one.scope} ${one.displayName}`.toLowerCase().includes(words))
    .toSorted((one, other) => (one.scope < other.scope ? -1 : 1));
  const choose = (path: string): void => {
    onClose();
    goTo(hrefOf(path, [current]));
  };
  return (
    <Dialog title="Switch scope" onClose={onClose}>
      <Search label="Search scopes" value={sought} onInput={setSought} />
      <ProblemBox error={error} />
      <ul class="scopes">
        {found?.map(({ scope: path, displayName }) => (
          <li key={path}>
            <button
              type="button"
              class={`depth-${chainOf(path).length}`}
              aria-current={path === scope ? 'true' : undefined}
              onClick={() => choose(path)}
            >
              <span class="strong">{nameOf(path)}</span>
              {displayName !== nameOf(path) && displayName !== '' && <span class="quiet">{displayName}</span>}
              <span class="quiet small push">{levelOf(path)}</span>
              {path === scope && <Icon name="check" />}
            </button>
          </li>
        ))}
      </ul>
      {found?.length === 0 && <p class="quiet small">No scope has “{sought}” in its name.</p>}
    </Dialog>
  );
}
