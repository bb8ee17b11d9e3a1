// An engine that is measured: the Git port, and afterwards what went over the wire and what the host was found to be.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { featuresOf, recallCapabilities } from '../../src/git/capabilities.js';
import type { Git, HostFeatures, Remote } from '../../src/git/git.js';
import { InProcessGit } from '../../src/git/in-process-git.js';
import { defaultLimits } from '../../src/git/limits.js';
import { Meter, type Traffic } from '../../src/git/meter.js';
import type { Network } from '../../src/git/network.js';
import { isSshUrl } from '../../src/git/remote-url.js';
import { openAnonymous } from '../../src/git/session.js';
import { NativeGit } from '../native-git/native-git.js';
import { type Measured, readTrace } from './native-trace.js';

export interface MeasuredEngine {
  git: Git;
  /** What was sent and received so far, and the host as it was heard; `null` when it was not. */
  measure: () => Promise<{ traffic: Measured; host: HostFeatures | null }>;
  close: () => void;
}

export interface EnginePolicy {
  allowHttp: boolean;
  allowPrivate: boolean;
  network: Network;
  deadlineMs: number;
  signal: AbortSignal;
}

export function openInProcess(remote: Remote, policy: EnginePolicy): MeasuredEngine {
  const meter = Meter.start();
  return {
    git: new InProcessGit(remote, policy),
    measure: async () => {
      const traffic = meter.read();
      // Who was asked nothing is not known, and an address that no engine takes cannot even be looked up.
      return { traffic, host: traffic.requests === 0 ? null : recallHost(remote, policy) };
    },
    close: () => meter.stop(),
  };
}

/** The system git in a folder of its own, which goes when the engine is closed. */
export function openNative(remote: Remote, policy: EnginePolicy): MeasuredEngine {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-git-'));
  const trace = path.join(root, 'trace');
  // Where git's word is not enough the engine asks the host itself.
  const meter = Meter.start();
  return {
    git: new NativeGit(remote, { ...policy, root, trace }),
    measure: async () => {
      const { traffic, host } = await readTrace(trace, isSshUrl(remote.url));
      return { traffic: addTraffic(traffic, meter.read()), host };
    },
    close: () => {
      meter.stop();
      fs.rmSync(root, { recursive: true, force: true });
    },
  };
}

function addTraffic(traced: Measured, own: Traffic): Measured {
  const sum = (bytes: number | null, more: number): number | null => (bytes === null ? null : bytes + more);
  return {
    requests: traced.requests + own.requests,
    bytesUp: sum(traced.bytesUp, own.bytesUp),
    bytesDown: sum(traced.bytesDown, own.bytesDown),
  };
}

/** What the engine remembers; nobody is asked. */
function recallHost(remote: Remote, policy: EnginePolicy): HostFeatures | null {
  const known = recallCapabilities(openAnonymous(remote, { ...policy, limits: defaultLimits }));
  return known === null ? null : featuresOf(known);
}
