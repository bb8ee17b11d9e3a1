// Opens the API of a host for a task: with the credential opened on this side of the wall, and only where the delegate's own
// policy lets Git go as well.
import type { Config } from '../../src/config/config.js';
import { ReauthorisingHostApi } from '../../src/credentials/reauthorising-host-api.js';
import { apiAddressOf, openHostApi } from '../../src/providers/host-apis.js';
import { HostRates } from '../../src/providers/host-rates.js';
import type { DelegateAccess } from './access.js';
import type { OpenHost } from './host-handlers.js';
import type { DelegatePolicy } from './policy.js';

export function openHosts(config: Config, policy: DelegatePolicy, access: DelegateAccess): OpenHost {
  const allowHttp = config.SALLYPORT_GIT_ALLOW_HTTP;
  const options = {
    allowHttp,
    deadlineMs: policy.atMost('gitDeadlineSeconds', config.SALLYPORT_GIT_DEADLINE_SECONDS) * 1_000,
    rates: new HostRates(),
  };
  return async ({ credential, trust, ...place }, task) => {
    policy.assertApiAllowed(place.url, apiAddressOf(place, allowHttp));
    let isAtHand = false;
    const opened = access.credentialOf({ credential, trust }, task, ({ isFresh }) => {
      isAtHand = !isFresh;
    });
    const own = { ...options, network: await access.networkOf(trust, task) };
    return new ReauthorisingHostApi(openHostApi({ ...place, credential: opened }, own), {
      forget: () => {
        if (isAtHand) access.forget(credential);
        return isAtHand;
      },
    });
  };
}
