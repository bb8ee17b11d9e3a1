// Where one is and where one can go; the same at the side of a wide screen and in the drawer of a narrow one.
import { useState } from 'preact/hooks';
import { answer, apiOf } from '../data/api.js';
import { forgetDrafts } from '../data/drafts.js';
import { line } from '../data/live.js';
import { may } from '../data/may.js';
import { forgetAll, useResource } from '../data/resource.js';
import { hrefOf } from '../data/route.js';
import { levelOf, nameOf } from '../data/scopes.js';
import { type Me, signOut } from '../data/session.js';
import { useStore } from '../data/store.js';
import { Button } from '../parts/button.js';
import { Icon, type IconName } from '../parts/icon.js';
import { Brand } from './brand.js';
import { ScopeSwitcher } from './scope-switcher.js';
import { screens } from './screens.js';
import { type Theme, theme, themes } from './theme.js';

export interface SideProps {
  me: Me;
  scope: string;
  /** Name of the screen that is shown. */
  current: string;
}

export const Side = ({ me, scope, current }: SideProps) => (
  <div class="side">
    <Brand href={hrefOf(scope, ['entities'])} />
    <ScopeButton account={me.account} scope={scope} current={current} />
    <nav class="nav" aria-label="Screens">
      {screensOf(me, scope).map(({ name, title, icon }) => (
        <a key={name} href={hrefOf(scope, [name])} aria-current={name === current ? 'page' : undefined}>
          <Icon name={icon} />
          {title}
          {name === 'operations' && <PendingCount scope={scope} />}
        </a>
      ))}
    </nav>
    <div class="foot">
      <LineState />
      <div class="who">
        <span title={me.actor.email ?? me.actor.name}>{me.actor.email ?? me.actor.name}</span>
        <ThemeButton />
        <Button look="bare" icon="leave" label="Sign out" onPress={() => void leave()} />
      </div>
    </div>
  </div>
);

const screensOf = (me: Me, scope: string) => screens.filter(({ needs }) => may(me, needs, scope));

function ScopeButton({ account, scope, current }: { account: string; scope: string; current: string }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="scope-button" aria-haspopup="dialog" onClick={() => setOpen(true)}>
        <span>
          <span class="kind">{levelOf(scope)}</span>
          <span class="name">{nameOf(scope)}</span>
        </span>
        <Icon name="updown" />
      </button>
      {isOpen && (
        <ScopeSwitcher account={account} scope={scope} current={current} onClose={() => setOpen(false)} />
      )}
    </>
  );
}

const COUNTED_MAX = 100;

function PendingCount({ scope }: { scope: string }) {
  const { data } = useResource(
    `pending ${scope}`,
    () =>
      answer(
        apiOf(scope).GET('/operations', {
          params: { query: { state: 'pending', limit: String(COUNTED_MAX) } },
        }),
      ),
    { live: ['operation.', 'entity.'] },
  );
  const count = data?.operations.length ?? 0;
  if (count === 0) return null;
  const text = data?.nextCursor === null ? String(count) : `${count}+`;
  return (
    <span class="count" title={`${text} on their way`}>
      {text}
    </span>
  );
}

const lines = { opening: 'Connecting', open: 'Live', lost: 'Reconnecting' } as const;

function LineState() {
  const state = useStore(line);
  return (
    <p class={`line-state ${state === 'open' ? '' : 'lost'}`} role="status">
      {lines[state]}
    </p>
  );
}

const signs: Record<Theme, IconName> = { system: 'system', light: 'sun', dark: 'moon' };

function ThemeButton() {
  const chosen = useStore(theme);
  const next = themes[(themes.indexOf(chosen) + 1) % themes.length] ?? 'system';
  return (
    <Button
      look="bare"
      icon={signs[chosen]}
      label={`Theme: ${chosen}. Change to ${next}`}
      onPress={() => theme.set(next)}
    />
  );
}

async function leave(): Promise<void> {
  forgetAll();
  forgetDrafts();
  await signOut();
}
