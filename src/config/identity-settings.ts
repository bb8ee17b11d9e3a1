// Settings of signing in.
import { AllowedRanges } from './network-settings.js';
import { flag, integer, setting } from './setting.js';

export const identitySettings = {
  SALLYPORT_SESSION_HOURS: setting({
    description: 'How long a browser stays signed in.',
    default: '12',
    unit: 'h',
    schema: integer(1, 720),
  }),
  SALLYPORT_IDENTITY_ALLOW_HTTP: setting({
    description: 'Whether identity providers may be reached over unencrypted http.',
    default: 'false',
    schema: flag,
  }),
  SALLYPORT_IDENTITY_ALLOW_PRIVATE: setting({
    description: 'Whether identity providers may be on loopback or private addresses.',
    default: 'false',
    schema: flag,
  }),
  SALLYPORT_IDENTITY_ALLOWED_RANGES: setting({
    description: 'Ranges of private addresses on which identity providers may be, where not all of them may.',
    schema: AllowedRanges.optional(),
  }),
};
