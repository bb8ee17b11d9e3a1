import type { ScreenProps } from '../shell/screen.js';
import { EntityList } from './entity-list.js';
import { EntityScreen } from './entity-screen.js';
import { NewEntity } from './new-entity.js';

export function EntitiesScreen({ scope, path, route }: ScreenProps) {
  const [kind, id] = path;
  if (kind !== undefined && id !== undefined)
    return <EntityScreen key={`${scope} ${kind} ${id}`} scope={scope} kind={kind} id={id} route={route} />;
  return kind === 'new' ? (
    <NewEntity scope={scope} route={route} />
  ) : (
    <EntityList scope={scope} route={route} />
  );
}
