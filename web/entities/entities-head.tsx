import type { ComponentChildren } from 'preact';
import { hrefOf } from '../data/route.js';
import { accountOf, nameOf } from '../data/scopes.js';
import { Head } from '../parts/head.js';
import { Tabs } from '../parts/tabs.js';

const tabs = [
  { name: 'entities', label: 'Entities' },
  { name: 'kinds', label: 'Kinds' },
] as const;
type Tab = (typeof tabs)[number]['name'];

const notes: Record<Tab, (scope: string) => string> = {
  entities: (scope) => `What ${nameOf(scope)} keeps in Git, and how it stands there.`,
  kinds: (scope) => `What entities of ${nameOf(accountOf(scope))} may be, and where their files go.`,
};

export interface EntitiesHeadProps {
  scope: string;
  current: Tab;
  children: ComponentChildren;
}

/** Of the lists: what there is, and what it is of. */
export const EntitiesHead = ({ scope, current, children }: EntitiesHeadProps) => (
  <>
    <Head title="Entities" note={notes[current](scope)}>
      {children}
    </Head>
    <Tabs
      label="Views of the entities"
      tabs={tabs}
      current={current}
      hrefOf={(tab) => hrefOf(scope, ['entities'], { tab })}
    />
  </>
);
