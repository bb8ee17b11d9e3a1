// What there is to look at, in the order of the navigation.
import { AccessScreen } from '../access/access-screen.js';
import { AuditScreen } from '../audit/audit-screen.js';
import { DelegatesScreen } from '../delegates/delegates-screen.js';
import { EntitiesScreen } from '../entities/entities-screen.js';
import { OperationsScreen } from '../operations/operations-screen.js';
import { OverviewScreen } from '../overview/overview-screen.js';
import { RepositoriesScreen } from '../repositories/repositories-screen.js';
import { SecretsScreen } from '../secrets/secrets-screen.js';
import type { Screen } from './screen.js';

export const screens: readonly Screen[] = [
  { name: 'overview', title: 'Overview', icon: 'overview', needs: 'entity.view', Show: OverviewScreen },
  { name: 'entities', title: 'Entities', icon: 'entities', needs: 'entity.view', Show: EntitiesScreen },
  {
    name: 'operations',
    title: 'Operations',
    icon: 'operations',
    needs: 'entity.view',
    Show: OperationsScreen,
  },
  {
    name: 'repositories',
    title: 'Repositories',
    icon: 'repositories',
    needs: 'connector.view',
    Show: RepositoriesScreen,
  },
  { name: 'secrets', title: 'Secrets', icon: 'secrets', needs: 'secret.view', Show: SecretsScreen },
  { name: 'delegates', title: 'Delegates', icon: 'delegates', needs: 'delegate.view', Show: DelegatesScreen },
  { name: 'audit', title: 'Audit', icon: 'audit', needs: 'audit.view', Show: AuditScreen },
  { name: 'access', title: 'Access', icon: 'access', needs: 'access.view', Show: AccessScreen },
];
