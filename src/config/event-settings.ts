// Settings of events: how long they are kept, and where they may go.
import { AllowedRanges } from './network-settings.js';
import { flag, integer, setting } from './setting.js';

export const eventSettings = {
  SALLYPORT_EVENTS_KEEP_DAYS: setting({
    description: 'How long events are kept, for streams and subscriptions that come back.',
    default: '30',
    unit: 'd',
    schema: integer(1, 3_650),
  }),
  SALLYPORT_EVENT_STREAMS_MAX: setting({
    description: 'Event streams one account may have open at one manager.',
    default: '100',
    schema: integer(1, 10_000),
  }),
  SALLYPORT_SUBSCRIPTIONS_ALLOW_HTTP: setting({
    description: 'Whether receivers of events may be reached over unencrypted http.',
    default: 'false',
    schema: flag,
  }),
  SALLYPORT_SUBSCRIPTIONS_ALLOW_PRIVATE: setting({
    description: 'Whether receivers of events may be on loopback or private addresses.',
    default: 'false',
    schema: flag,
  }),
  SALLYPORT_SUBSCRIPTIONS_ALLOWED_RANGES: setting({
    description:
      'Ranges of private addresses on which receivers of events may be, where not all of them may.',
    schema: AllowedRanges.optional(),
  }),
  SALLYPORT_SUBSCRIPTIONS_DEADLINE_SECONDS: setting({
    description: 'How long a receiver of events may take to answer.',
    default: '15',
    unit: 's',
    schema: integer(1, 60),
  }),
  SALLYPORT_SUBSCRIPTIONS_RETRY_SECONDS: setting({
    description: 'How long an event is tried to be delivered before its subscription is paused.',
    default: '259200',
    unit: 's',
    schema: integer(1, 2_592_000),
  }),
};
