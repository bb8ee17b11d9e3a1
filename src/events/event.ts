// The types of events. Their names and what their data says are part of the API.
import type { Scope } from '../scopes/scope.js';
import type { Position } from './position.js';

export const eventTypes = [
  'entity.created',
  'entity.changed',
  'entity.moved',
  'entity.deleted',
  /** What stands in Git is no document of its kind; the data says where and why. */
  'entity.invalid',
  /** A change in Git that the connector's tracking does not allow; the data names the rule. */
  'entity.refused',
  'operation.succeeded',
  'operation.conflict',
  'operation.failed',
  /** Somebody took it back before anything of it was on the way. */
  'operation.cancelled',
  'pull-request.opened',
  'pull-request.merged',
  'pull-request.closed',
  /** It could not be opened; the commit is on its branch all the same. */
  'pull-request.failed',
  'connector.created',
  'connector.changed',
  'connector.deleted',
  'delegate.enrolled',
  /** What its operators want of it. */
  'delegate.enabled',
  'delegate.disabled',
  'delegate.draining',
  'delegate.revoked',
  /** Whether it is there. */
  'delegate.online',
  'delegate.offline',
] as const;

export type EventType = (typeof eventTypes)[number];

/** One that is kept. */
export interface StoredEvent {
  position: Position;
  id: string;
  account: Scope;
  scope: Scope;
  type: string;
  subject: string;
  data: Record<string, unknown>;
  createdAt: Date;
}

/** What somebody wants of the events of a scope and what is below it; without a list, everything. */
export interface EventFilter {
  scope: Scope;
  /** Types, and groups of them such as `entity.*`. */
  types?: string[] | undefined;
  kinds?: string[] | undefined;
  branches?: string[] | undefined;
}

/** 'entity.created' → 'entity.*' */
const groupOf = (type: string): string => `${type.slice(0, type.indexOf('.'))}.*`;

/** What a filter may name. */
export const typePatterns: ReadonlySet<string> = new Set([...eventTypes, ...eventTypes.map(groupOf)]);

/** An event without a kind or a branch is none of those that are asked for. */
export function isWanted({ scope, type, data }: StoredEvent, filter: EventFilter): boolean {
  return (
    (scope === filter.scope || scope.startsWith(`${filter.scope}/`)) &&
    (filter.types === undefined || filter.types.includes(type) || filter.types.includes(groupOf(type))) &&
    isAmong(data.kind, filter.kinds) &&
    isAmong(data.branch, filter.branches)
  );
}

const isAmong = (value: unknown, list: string[] | undefined): boolean =>
  list === undefined || (typeof value === 'string' && list.includes(value));
