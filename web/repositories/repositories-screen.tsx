import { lazily } from '../parts/lazy.js';
import type { ScreenProps } from '../shell/screen.js';
import { RepositoryList } from './repository-list.js';
import { RepositoryScreen } from './repository-screen.js';

const NewRepository = lazily(async () => (await import('./new-repository.js')).NewRepository);

export function RepositoriesScreen({ scope, path, route }: ScreenProps) {
  const [id] = path;
  if (id === undefined) return <RepositoryList scope={scope} />;
  return id === 'new' ? (
    <NewRepository scope={scope} />
  ) : (
    <RepositoryScreen key={`${scope} ${id}`} scope={scope} id={id} route={route} />
  );
}
