import type { Route } from '../data/route.js';
import { accountOf } from '../data/scopes.js';
import { Allowed } from '../parts/allowed.js';
import { LinkButton } from '../parts/button.js';
import { lazily } from '../parts/lazy.js';
import type { ScreenProps } from '../shell/screen.js';
import { EntitiesHead } from './entities-head.js';
import { EntityList } from './entity-list.js';
import { EntityScreen } from './entity-screen.js';
import { hrefOfNewKind, KindsTab } from './kinds-tab.js';
import { NewEntity } from './new-entity.js';

const KindForm = lazily(async () => (await import('./kind-form.js')).KindForm);

export function EntitiesScreen({ scope, path, route }: ScreenProps) {
  const [kind, id] = path;
  if (kind !== undefined && id !== undefined)
    return <EntityScreen key={`${scope} ${kind} ${id}`} scope={scope} kind={kind} id={id} route={route} />;
  if (kind === 'new') return <NewEntity scope={scope} route={route} />;
  return route.query.get('tab') === 'kinds' ? (
    <Kinds scope={scope} route={route} />
  ) : (
    <EntityList scope={scope} route={route} />
  );
}

function Kinds({ scope, route: { query } }: { scope: string; route: Route }) {
  const id = query.get('edit') ?? undefined;
  if (id !== undefined || query.has('new')) return <KindForm key={id ?? ''} scope={scope} id={id} />;
  return (
    <>
      <EntitiesHead scope={scope} current="kinds">
        <Allowed scope={accountOf(scope)} needs="kind.manage">
          <LinkButton look="primary" icon="plus" href={hrefOfNewKind(scope)}>
            New kind
          </LinkButton>
        </Allowed>
      </EntitiesHead>
      <KindsTab scope={scope} />
    </>
  );
}
