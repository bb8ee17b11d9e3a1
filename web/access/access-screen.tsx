// Who may do what here: roles that people and groups have, and the tokens of programs.
import { hrefOf } from '../data/route.js';
import { accountOf, nameOf } from '../data/scopes.js';
import { Head } from '../parts/head.js';
import type { ScreenProps } from '../shell/screen.js';
import { BindingsTab } from './bindings-tab.js';
import { MembersTab } from './members-tab.js';
import { RolesTab } from './roles-tab.js';
import { TokensTab } from './tokens-tab.js';

const tabs = [
  { name: 'roles-given', label: 'Who has which role', Show: BindingsTab },
  { name: 'tokens', label: 'API tokens', Show: TokensTab },
  { name: 'roles', label: 'Roles', Show: RolesTab },
  { name: 'members', label: 'Members', Show: MembersTab },
] as const;

export function AccessScreen({ scope, route }: ScreenProps) {
  const chosen = route.query.get('tab') ?? 'roles-given';
  const tab = tabs.find(({ name }) => name === chosen) ?? tabs[0];
  return (
    <>
      <Head
        title="Access"
        note={`What is given in ${nameOf(scope)} holds in all that is below it; roles and members are those of ${nameOf(accountOf(scope))}.`}
      />
      <nav class="tabs" aria-label="Views of the access">
        {tabs.map(({ name, label }) => (
          <a
            key={name}
            href={hrefOf(scope, ['access'], { tab: name === 'roles-given' ? undefined : name })}
            aria-current={name === tab.name ? 'page' : undefined}
          >
            {label}
          </a>
        ))}
      </nav>
      <tab.Show scope={scope} />
    </>
  );
}
