// The Git host products that Sallyport knows. `generic` is plain Git: saves and reads work, since they go through Git itself
// on every host; what only a host's own API can do is absent.
import { z } from 'zod';

export const Provider = z.enum(
  ['github', 'gitlab', 'bitbucket-cloud', 'bitbucket-dc', 'gitea', 'forgejo', 'gogs', 'azure', 'generic'],
  'is not a provider that is known',
);
export type Provider = z.infer<typeof Provider>;
