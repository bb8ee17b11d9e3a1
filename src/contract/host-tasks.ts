// The methods of HostApi as tasks, since contract 7: one each, so that each has an input and an output of its own. With every
// answer comes what the host said of its limits, which the delegate alone has heard.
import { z } from 'zod';
import {
  EnsuredHook,
  EnsuredPull,
  Hook,
  HookTopic,
  HostBranch,
  Pull,
  PullBranches,
  PullWish,
  Rate,
  Repo,
} from '../providers/host-api.js';
import { Provider } from '../providers/provider.js';
import { CarriedAccess } from './remote.js';

/** A repository as the API of its host sees it. */
export const CarriedHost = CarriedAccess.extend({
  provider: Provider,
  /** Of the repository. */
  url: z.string(),
  /** Null where it follows from the URL. */
  apiUrl: z.string().nullable(),
});
export type CarriedHost = z.infer<typeof CarriedHost>;

const answered = <T extends z.ZodType>(answer: T) => z.strictObject({ answer, rate: Rate.nullable() });

export const hostTasks = {
  'host.repo': {
    input: z.strictObject({ host: CarriedHost }),
    output: answered(Repo),
  },
  'host.branch': {
    input: z.strictObject({ host: CarriedHost, name: z.string() }),
    output: answered(HostBranch.nullable()),
  },
  'host.findPull': {
    input: z.strictObject({ host: CarriedHost, branches: PullBranches }),
    output: answered(Pull.nullable()),
  },
  'host.ensurePull': {
    input: z.strictObject({ host: CarriedHost, wish: PullWish }),
    output: answered(EnsuredPull),
  },
  'host.pull': {
    input: z.strictObject({ host: CarriedHost, number: z.int() }),
    output: answered(Pull),
  },
  'host.closePull': {
    input: z.strictObject({ host: CarriedHost, number: z.int() }),
    output: answered(Pull),
  },
  'host.findHook': {
    input: z.strictObject({ host: CarriedHost, url: z.string() }),
    output: answered(Hook.nullable()),
  },
  'host.ensureHook': {
    input: z.strictObject({
      host: CarriedHost,
      url: z.string(),
      /** The webhook’s, which the manager checks deliveries with. */
      secret: z.base64(),
      topics: z.array(HookTopic),
      renewSecret: z.boolean(),
    }),
    output: answered(EnsuredHook),
  },
  'host.removeHook': {
    input: z.strictObject({ host: CarriedHost, url: z.string() }),
    output: answered(z.boolean()),
  },
} as const;
