import type { Route } from '../data/route.js';
import { lazily } from '../parts/lazy.js';
import type { ScreenProps } from '../shell/screen.js';
import { NewSecret } from './new-secret.js';
import { SecretList } from './secret-list.js';
import { SecretScreen } from './secret-screen.js';

export function SecretsScreen({ scope, path, route }: ScreenProps) {
  const [id] = path;
  if (id === undefined) return <Lists scope={scope} route={route} />;
  return id === 'new' ? (
    <NewSecret scope={scope} id={route.query.get('id') ?? ''} />
  ) : (
    <SecretScreen key={`${scope} ${id}`} scope={scope} id={id} />
  );
}

const ManagerForm = lazily(async () => (await import('./manager-form.js')).ManagerForm);

function Lists({ scope, route }: { scope: string; route: Route }) {
  const { query } = route;
  const name = query.get('edit') ?? undefined;
  return query.get('tab') === 'managers' && (name !== undefined || query.has('new')) ? (
    <ManagerForm key={name ?? ''} scope={scope} name={name} />
  ) : (
    <SecretList scope={scope} route={route} />
  );
}
