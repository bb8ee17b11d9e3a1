import type { Connector, Tracking } from '../data/connectors.js';
import type { Resource } from '../data/resource.js';
import type { Route } from '../data/route.js';

export interface TabProps {
  /** That is looked at; the connector may be in one further out. */
  scope: string;
  connector: Connector;
  tracking: Resource<Tracking | null>;
  route: Route;
}
