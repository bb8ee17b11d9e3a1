// An event as it is sent: CloudEvents 1.0 in its structured JSON form.
import type { StoredEvent } from './event.js';
import { toEventCursor } from './position.js';

export interface CloudEvent {
  specversion: '1.0';
  id: string;
  /** The scope, as a reference relative to the manager. */
  source: string;
  type: string;
  subject: string;
  time: string;
  datacontenttype: 'application/json';
  /** Extension: where the event stands in the log. */
  cursor: string;
  data: Record<string, unknown>;
}

export const CLOUD_EVENT = 'application/cloudevents+json';

export const toCloudEvent = (event: StoredEvent): CloudEvent => ({
  specversion: '1.0',
  id: event.id,
  source: `/api/v1/${event.scope}`,
  type: `sallyport.${event.type}`,
  subject: event.subject,
  time: event.createdAt.toISOString(),
  datacontenttype: 'application/json',
  cursor: toEventCursor(event.position),
  data: event.data,
});
