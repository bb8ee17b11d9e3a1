// Who may do what here: roles that people and groups have, and the tokens of programs.

import { hrefOf } from '../data/route.js';
import { accountOf, nameOf } from '../data/scopes.js';
import { Head } from '../parts/head.js';
import { Tabs } from '../parts/tabs.js';
import type { ScreenProps } from '../shell/screen.js';
import { BindingsTab } from './bindings-tab.js';
import { MembersTab } from './members-tab.js';
import { ProvidersTab } from './providers-tab.js';
import { RolesTab } from './roles-tab.js';
import { TokensTab } from './tokens-tab.js';

const tabs = [
  { name: 'roles-given', label: 'Who has which role', Show: BindingsTab },
  { name: 'tokens', label: 'API tokens', Show: TokensTab },
  { name: 'roles', label: 'Roles', Show: RolesTab },
  { name: 'members', label: 'Members', Show: MembersTab },
  { name: 'providers', label: 'Identity providers', Show: ProvidersTab },
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
      <Tabs
        label="Views of the access"
        tabs={tabs}
        current={tab.name}
        hrefOf={(name) => hrefOf(scope, ['access'], { tab: name })}
      />
      <tab.Show scope={scope} />
    </>
  );
}
