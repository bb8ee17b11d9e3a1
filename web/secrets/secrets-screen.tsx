import type { ScreenProps } from '../shell/screen.js';
import { NewSecret } from './new-secret.js';
import { SecretList } from './secret-list.js';
import { SecretScreen } from './secret-screen.js';

export function SecretsScreen({ scope, path, route }: ScreenProps) {
  const [id] = path;
  if (id === undefined) return <SecretList scope={scope} route={route} />;
  return id === 'new' ? (
    <NewSecret scope={scope} id={route.query.get('id') ?? ''} />
  ) : (
    <SecretScreen key={`${scope} ${id}`} scope={scope} id={id} />
  );
}
