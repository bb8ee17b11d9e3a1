import { answer, apiOf } from '../data/api.js';
import { useResource } from '../data/resource.js';
import { hrefOf } from '../data/route.js';
import { Allowed } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { useDialog } from '../parts/dialog.js';
import { Head } from '../parts/head.js';
import { Tabs } from '../parts/tabs.js';
import type { ScreenProps } from '../shell/screen.js';
import { DelegateList } from './delegate-list.js';
import { EnrolDialog } from './enrol-dialog.js';
import { ExplainTab } from './explain-tab.js';
import { GroupsTab } from './groups-tab.js';

const tabs = [
  { name: 'delegates', label: 'Delegates' },
  { name: 'groups', label: 'Groups and keys' },
  { name: 'explain', label: 'Explain routing' },
] as const;

const LOOK_MS = 5_000;

export function DelegatesScreen({ scope, route }: ScreenProps) {
  const chosen = route.query.get('tab') ?? 'delegates';
  const { open, show, close } = useDialog<'enrol'>();
  const delegates = useResource(
    `delegates ${scope}`,
    async () => (await answer(apiOf(scope).GET('/delegates'))).delegates,
    { live: ['delegate.'], everyMs: LOOK_MS },
  );
  const enrol = (
    <Allowed scope={scope} needs="delegate.manage">
      <Button look="primary" icon="plus" onPress={() => show('enrol')}>
        Enrol a delegate
      </Button>
    </Allowed>
  );
  return (
    <>
      <Head title="Delegates" note="Workers in your own networks. They call out; nobody calls in.">
        {enrol}
      </Head>
      <Tabs
        label="Views of the delegates"
        tabs={tabs}
        current={chosen}
        hrefOf={(tab) => hrefOf(scope, ['delegates'], { tab })}
      />
      {chosen === 'groups' && <GroupsTab scope={scope} />}
      {chosen === 'explain' && <ExplainTab scope={scope} route={route} />}
      {chosen === 'delegates' && <DelegateList scope={scope} delegates={delegates} enrol={enrol} />}
      {open === 'enrol' && <EnrolDialog scope={scope} known={delegates.data ?? []} onClose={close} />}
    </>
  );
}
