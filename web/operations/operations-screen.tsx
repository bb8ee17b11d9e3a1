import { ConflictScreen } from '../conflict/conflict-screen.js';
import type { ScreenProps } from '../shell/screen.js';
import { OperationList } from './operation-list.js';
import { OperationScreen } from './operation-screen.js';

export function OperationsScreen({ scope, path, route }: ScreenProps) {
  const [id, view] = path;
  if (id === undefined) return <OperationList scope={scope} route={route} />;
  return view === 'conflict' ? (
    <ConflictScreen key={id} scope={scope} id={id} />
  ) : (
    <OperationScreen key={id} scope={scope} id={id} />
  );
}
