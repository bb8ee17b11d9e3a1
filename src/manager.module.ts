// The whole manager on one page, in the order data passes it: from the door down to the truth.
import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { AuditController } from './api/audit.controller.js';
import { ConnectorListController, ConnectorsController } from './api/connectors.controller.js';
import { DelegateGroupsController } from './api/delegate-groups.controller.js';
import { DelegatesController } from './api/delegates.controller.js';
import { DriftController } from './api/drift.controller.js';
import { EnrolmentsController } from './api/enrolments.controller.js';
import { EntitiesController } from './api/entities.controller.js';
import { EventsController } from './api/events.controller.js';
import { ExplainController } from './api/explain.controller.js';
import { HealthController } from './api/health.controller.js';
import { IdentityProvidersController, MembersController } from './api/identity-providers.controller.js';
import { ImportsController } from './api/imports.controller.js';
import { KindListController, KindsController } from './api/kinds.controller.js';
import { MeController } from './api/me.controller.js';
import { MovesController } from './api/moves.controller.js';
import { OperationsController } from './api/operations.controller.js';
import { ProblemFilter } from './api/problem.filter.js';
import { ConnectorPullRequestsController, PullRequestsController } from './api/pull-requests.controller.js';
import { RenamesController } from './api/renames.controller.js';
import { RequestPipe } from './api/request-pipe.js';
import { RoleBindingsController, RolesController } from './api/roles.controller.js';
import { ScopeListController, ScopesController } from './api/scopes.controller.js';
import { SecretAuditController } from './api/secret-audit.controller.js';
import { SecretManagerListController, SecretManagersController } from './api/secret-managers.controller.js';
import { SecretOperationsController } from './api/secret-operations.controller.js';
import { SecretListController, SecretsController } from './api/secrets.controller.js';
import { SignInController } from './api/sign-in.controller.js';
import { SubscriptionsController } from './api/subscriptions.controller.js';
import { TokensController } from './api/tokens.controller.js';
import { TrackingController } from './api/tracking.controller.js';
import { WebhooksController } from './api/webhooks.controller.js';
import { Acts } from './audit/acts.js';
import { Attempts } from './audit/attempts.js';
import { AuditRepository } from './audit/audit.repository.js';
import { Config } from './config/config.js';
import { masterKeyFile } from './config/data-folder.js';
import { Access } from './connectivity/access.js';
import { CarriedAccesses } from './connectivity/carried-access.js';
import { Connectivity } from './connectivity/connectivity.js';
import { CredentialSecrets } from './connectivity/credential-secrets.js';
import { DelegatedSecrets } from './connectivity/delegated-secrets.js';
import { GrantTokens } from './connectivity/grant-tokens.js';
import { Grants } from './connectivity/grants.js';
import { ManagerAccess } from './connectivity/manager-access.js';
import { SealedValuesFlow } from './connectivity/sealed-values.flow.js';
import { SecretAuditFlow } from './connectivity/secret-audit.flow.js';
import { SecretCarrier } from './connectivity/secret-carrier.js';
import { SecretOperationsFlow } from './connectivity/secret-operations.flow.js';
import { SecretRefresh } from './connectivity/secret-refresh.js';
import { SecretRenewal } from './connectivity/secret-renewal.js';
import { ConnectorsRepository } from './connectors/connectors.repository.js';
import { ConnectorsService } from './connectors/connectors.service.js';
import { Admission, QueueEndpoint } from './delegates/admission.js';
import { DelegateEventsRepository } from './delegates/delegate-events.repository.js';
import { DelegateTokensRepository } from './delegates/delegate-tokens.repository.js';
import { DelegatesRepository } from './delegates/delegates.repository.js';
import { DelegatesService } from './delegates/delegates.service.js';
import { Dispatcher } from './delegates/dispatcher.js';
import { GroupRotationFlow } from './delegates/group-rotation.flow.js';
import { GroupRotationsRepository } from './delegates/group-rotations.repository.js';
import { GroupsRepository } from './delegates/groups.repository.js';
import { ManagerKeys, openManagerKeys } from './delegates/manager-keys.js';
import { CopiesRepository } from './entities/copies.repository.js';
import { DocumentValidator } from './entities/document.js';
import { EntitiesRepository } from './entities/entities.repository.js';
import { InlineRepository } from './entities/inline.repository.js';
import { KindsRepository } from './entities/kinds.repository.js';
import { EntityPagesRepository } from './entities/pages.repository.js';
import { LiveKeyRing } from './envelope/live-key-ring.js';
import { EventFeed } from './events/event-feed.js';
import { EventRetention } from './events/event-retention.js';
import { EventsRepository } from './events/events.repository.js';
import { IdentityProvidersRepository } from './identity/identity-providers.repository.js';
import { MembersRepository } from './identity/members.repository.js';
import { OpenId } from './identity/openid.js';
import { RolesRepository } from './identity/roles.repository.js';
import { SessionsRepository } from './identity/sessions.repository.js';
import { SignInFlow } from './identity/sign-in.flow.js';
import { TokensRepository } from './identity/tokens.repository.js';
import { ImportFlow } from './imports/import.flow.js';
import { ImportsRepository } from './imports/imports.repository.js';
import { Log } from './kernel/log.js';
import { MoveFlow } from './moves/move.flow.js';
import { MoveOperations } from './moves/move-operations.js';
import { MoveSourcesRepository } from './moves/move-sources.repository.js';
import { MoveWaits } from './moves/move-waits.js';
import { PullOutcomesRepository } from './pulls/pull-outcomes.repository.js';
import { PullRequestsFlow } from './pulls/pull-requests.flow.js';
import { PullRequestsRepository } from './pulls/pull-requests.repository.js';
import { PullRequestsService } from './pulls/pull-requests.service.js';
import { PullWaits } from './pulls/pull-waits.js';
import { Backend, QueueModule } from './queue/queue.module.js';
import { TaskQueue } from './queue/task-queue.js';
import { ScopesRepository } from './scopes/scopes.repository.js';
import { BuiltInSecrets } from './secrets/built-in.js';
import { CurrentSecretsRepository } from './secrets/current-secrets.repository.js';
import { Deployment, openDeployment } from './secrets/deployment.js';
import { MasterKeyBeat } from './secrets/master-key-beat.js';
import { MasterKeyRewrap } from './secrets/master-key-rewrap.flow.js';
import { MasterKeys } from './secrets/master-keys.js';
import { MasterKeysRepository } from './secrets/master-keys.repository.js';
import { SealedValuesRepository } from './secrets/sealed-values.repository.js';
import { SecretAuditRepository } from './secrets/secret-audit.repository.js';
import { SecretGrantsRepository } from './secrets/secret-grants.repository.js';
import { SecretManagersRepository } from './secrets/secret-managers.repository.js';
import { SecretOperationsRepository } from './secrets/secret-operations.repository.js';
import { SecretSettlement } from './secrets/secret-settlement.js';
import { SecretsRepository } from './secrets/secrets.repository.js';
import { SecretsService } from './secrets/secrets.service.js';
import { UsesRepository } from './secrets/uses.repository.js';
import { Storage } from './storage/database.js';
import { DeliveryFlow } from './subscriptions/delivery.flow.js';
import { EventSender } from './subscriptions/event-sender.js';
import { SubscriptionsRepository } from './subscriptions/subscriptions.repository.js';
import { SubscriptionsService } from './subscriptions/subscriptions.service.js';
import { Cancellation } from './sync/cancellation.js';
import { CopyWriter } from './sync/copy-writer.js';
import { BranchDrift, DriftFlow } from './sync/drift.flow.js';
import { DriftSources } from './sync/drift.js';
import { FileProblemsRepository } from './sync/file-problems.repository.js';
import { GitDocuments } from './sync/git-documents.js';
import { HistoryFlow } from './sync/history.flow.js';
import { HostPauses } from './sync/host-pauses.js';
import { InlineMoves } from './sync/inline-moves.js';
import { InlineSaves } from './sync/inline-saves.js';
import { LaneFlow } from './sync/lane.flow.js';
import { LanesRepository } from './sync/lanes.repository.js';
import { LookClaimsRepository } from './sync/look-claims.repository.js';
import { MergedCopies } from './sync/merged-copies.js';
import { MoveSettlement } from './sync/move-settlement.js';
import { MovesRepository } from './sync/moves.repository.js';
import { OperationsRepository } from './sync/operations.repository.js';
import { PartJudge } from './sync/part-judge.js';
import { Placement } from './sync/placement.js';
import { PollFlow } from './sync/poll.flow.js';
import { PullWishesRepository } from './sync/pull-wishes.repository.js';
import { ReadFlow } from './sync/read.flow.js';
import { Reconsideration } from './sync/reconsideration.js';
import { RefreshFlow } from './sync/refresh.flow.js';
import { RemovalGuard } from './sync/removal-guard.js';
import { RenameFlow } from './sync/rename.flow.js';
import { RenamesRepository } from './sync/renames.repository.js';
import { Routes } from './sync/routes.js';
import { SaveFlow } from './sync/save.flow.js';
import { Settlement } from './sync/settlement.js';
import { Sweep } from './sync/sweep.js';
import { TrackingRepository } from './sync/tracking.repository.js';
import { Waits } from './sync/waits.js';
import { Backlog } from './webhooks/backlog.js';
import { DeliveriesFlow } from './webhooks/deliveries.flow.js';
import { DeliveriesRepository } from './webhooks/deliveries.repository.js';
import { type HookReaction, HookReactions } from './webhooks/hook-reaction.js';
import { HookSecrets } from './webhooks/hook-secrets.js';
import { PullReaction } from './webhooks/pull-reaction.js';
import { ReceptionFlow } from './webhooks/reception.flow.js';
import { RefreshReaction } from './webhooks/refresh-reaction.js';
import { Refusals } from './webhooks/refusals.js';
import { Registrar } from './webhooks/registrar.js';
import { RegistrationDrift } from './webhooks/registration-drift.js';
import { WebhooksRepository } from './webhooks/webhooks.repository.js';
import { WebhooksService } from './webhooks/webhooks.service.js';

@Module({})
class SettingsModule {}

@Module({})
export class ManagerModule {}

/** The manager with this configuration, over a database that is up to date. */
export function managerModule(config: Config, log: Log, storage: Storage): DynamicModule {
  const settings: DynamicModule = {
    module: SettingsModule,
    global: true,
    providers: [
      { provide: Config, useValue: config },
      { provide: Log, useValue: log },
      { provide: Storage, useValue: storage },
    ],
    exports: [Config, Log, Storage],
  };
  return {
    module: ManagerModule,
    imports: [settings, QueueModule],
    controllers: [
      EntitiesController,
      OperationsController,
      ConnectorsController,
      ConnectorListController,
      RenamesController,
      TrackingController,
      WebhooksController,
      ImportsController,
      MovesController,
      DriftController,
      ConnectorPullRequestsController,
      PullRequestsController,
      SecretListController,
      SecretsController,
      SecretAuditController,
      AuditController,
      SecretManagersController,
      SecretManagerListController,
      SecretOperationsController,
      KindsController,
      KindListController,
      ScopesController,
      ScopeListController,
      MeController,
      TokensController,
      RolesController,
      RoleBindingsController,
      IdentityProvidersController,
      MembersController,
      SignInController,
      HealthController,
      DelegatesController,
      DelegateGroupsController,
      EnrolmentsController,
      ExplainController,
      EventsController,
      SubscriptionsController,
    ],
    providers: [...doors, ...corridors, ...rooms, ...keys(config)],
  };
}

const doors = [
  { provide: APP_FILTER, useClass: ProblemFilter },
  { provide: APP_PIPE, useClass: RequestPipe },
];

const corridors = [
  SaveFlow,
  InlineSaves,
  Placement,
  HostPauses,
  LaneFlow,
  PollFlow,
  RefreshFlow,
  Routes,
  RenameFlow,
  ReadFlow,
  HistoryFlow,
  GitDocuments,
  PartJudge,
  CopyWriter,
  ImportFlow,
  MoveFlow,
  MoveOperations,
  MoveWaits,
  BranchDrift,
  RegistrationDrift,
  {
    provide: DriftSources,
    inject: [BranchDrift, RegistrationDrift],
    useFactory: (...all: [BranchDrift, RegistrationDrift]) => new DriftSources(all),
  },
  DriftFlow,
  MergedCopies,
  Sweep,
  Settlement,
  Cancellation,
  MoveSettlement,
  InlineMoves,
  RemovalGuard,
  Waits,
  PullRequestsFlow,
  PullRequestsService,
  PullWaits,
  Connectivity,
  Access,
  ManagerAccess,
  CarriedAccesses,
  Grants,
  GrantTokens,
  CredentialSecrets,
  SecretCarrier,
  DelegatedSecrets,
  SecretRefresh,
  SealedValuesFlow,
  SecretRenewal,
  SecretOperationsFlow,
  SecretAuditFlow,
  MasterKeyRewrap,
  MasterKeyBeat,
  DelegatesService,
  Dispatcher,
  GroupRotationFlow,
  Admission,
  EventFeed,
  EventRetention,
  DeliveryFlow,
  EventSender,
  SubscriptionsService,
  Backlog,
  ReceptionFlow,
  Refusals,
  HookSecrets,
  DeliveriesFlow,
  // What acts on deliveries, in order.
  {
    provide: HookReactions,
    inject: [RefreshReaction, PullReaction],
    useFactory: (...reactions: HookReaction[]) => new HookReactions(reactions),
  },
  RefreshReaction,
  PullReaction,
  Registrar,
  Attempts,
];

const rooms = [
  RenamesRepository,
  OperationsRepository,
  LanesRepository,
  LookClaimsRepository,
  PullWishesRepository,
  PullRequestsRepository,
  PullOutcomesRepository,
  TrackingRepository,
  FileProblemsRepository,
  Reconsideration,
  ImportsRepository,
  MovesRepository,
  MoveSourcesRepository,
  CopiesRepository,
  EntitiesRepository,
  InlineRepository,
  EntityPagesRepository,
  EventsRepository,
  SubscriptionsRepository,
  KindsRepository,
  ConnectorsService,
  ConnectorsRepository,
  WebhooksService,
  WebhooksRepository,
  DeliveriesRepository,
  SecretsService,
  SecretsRepository,
  UsesRepository,
  SecretManagersRepository,
  SecretOperationsRepository,
  SecretSettlement,
  SecretAuditRepository,
  SecretGrantsRepository,
  SealedValuesRepository,
  MasterKeysRepository,
  MasterKeys,
  DelegatesRepository,
  DelegateEventsRepository,
  DelegateTokensRepository,
  GroupsRepository,
  GroupRotationsRepository,
  ScopesRepository,
  TokensRepository,
  RolesRepository,
  IdentityProvidersRepository,
  MembersRepository,
  OpenId,
  SignInFlow,
  AuditRepository,
  Acts,
  { provide: DocumentValidator, useFactory: () => new DocumentValidator() },
];

const keys = (config: Config) => [
  {
    provide: SessionsRepository,
    inject: [Storage, RolesRepository, TokensRepository],
    useFactory: (storage: Storage, roles: RolesRepository, tokens: TokensRepository) =>
      new SessionsRepository(storage, { roles, tokens, hours: config.SALLYPORT_SESSION_HOURS }),
  },
  {
    provide: LiveKeyRing,
    useFactory: () => new LiveKeyRing(masterKeyFile(config), { createIfMissing: true }),
  },
  { provide: Deployment, inject: [Storage, LiveKeyRing], useFactory: openDeployment },
  {
    provide: BuiltInSecrets,
    inject: [MasterKeys, Deployment],
    useFactory: (keys: MasterKeys, deployment: Deployment) => new BuiltInSecrets(keys, deployment.id),
  },
  {
    provide: CurrentSecretsRepository,
    inject: [Storage],
    useFactory: (storage: Storage) =>
      new CurrentSecretsRepository(storage, config.SALLYPORT_SECRETS_CACHE_MINUTES * 60_000),
  },
  { provide: ManagerKeys, inject: [Storage, BuiltInSecrets, Deployment], useFactory: openManagerKeys },
  { provide: QueueEndpoint, useValue: { url: delegateQueueUrl(config) } },
  {
    provide: TaskQueue,
    inject: [Backend, ManagerKeys, DelegatesService],
    useFactory: (backend: Backend, seal: ManagerKeys, delegates: DelegatesService) =>
      new TaskQueue(backend, seal, (delegate, reason) => delegates.noteForgery(delegate, reason)),
  },
];

/** What delegates dial, without anybody's user name and password. */
function delegateQueueUrl(config: Config): string | undefined {
  const given = config.SALLYPORT_REDIS_DELEGATE_URL ?? config.REDIS_URL;
  if (given === undefined) return undefined;
  const url = new URL(given);
  url.username = '';
  url.password = '';
  return url.href;
}
