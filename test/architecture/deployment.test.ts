// What is shipped for running a delegate is as locked down as it says, and names only what exists.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { readConfig, settings } from '../../src/config/config.js';
import { PolicyFile } from '../../workers/runtime/policy.js';
import { readText, root } from './pages.js';

const GRACE_SECONDS = Number(settings.SALLYPORT_DELEGATE_GRACE_SECONDS.default);
/** What the process allows itself beside the grace, in workers/delegate.ts. */
const FAREWELL_SECONDS = Number(/FAREWELL_MS = (\d+)_000/.exec(readText('workers/delegate.ts'))?.[1]);

interface Container {
  name: string;
  image: string;
  args?: string[];
  env: { name: string; value?: string }[];
  ports?: { name: string; containerPort: number }[];
  livenessProbe?: { httpGet: { path: string; port: string }; timeoutSeconds: number };
  readinessProbe?: { httpGet: { path: string; port: string }; timeoutSeconds: number };
  securityContext: unknown;
  resources: { requests: Record<string, string>; limits: Record<string, string> };
  volumeMounts: { name: string; mountPath: string; readOnly?: boolean }[];
}
interface Pod {
  automountServiceAccountToken: boolean;
  terminationGracePeriodSeconds: number;
  securityContext: unknown;
  initContainers: Container[];
  containers: Container[];
  volumes: { name: string; emptyDir?: unknown; secret?: unknown; configMap?: unknown }[];
}
interface Manifest {
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  automountServiceAccountToken?: boolean;
  data: Record<string, string>;
  spec: {
    template: { metadata: { labels: Record<string, string> }; spec: Pod };
    selector: { matchLabels: Record<string, string> };
    podSelector: { matchLabels: Record<string, string> };
    policyTypes: string[];
    podManagementPolicy: string;
    volumeClaimTemplates: { metadata: { name: string } }[];
  };
}

describe('the manifest for Kubernetes', () => {
  const documents = parseAllDocuments(readText('deploy/delegate/kubernetes.yaml'));
  const all = documents.map((document) => document.toJS() as Manifest);
  const only = (kind: string): Manifest => {
    const found = all.filter((one) => one.kind === kind);
    expect(found, kind).toHaveLength(1);
    return found[0] as Manifest;
  };
  const set = only('StatefulSet').spec;
  const pod = set.template.spec;
  const containers = [...pod.initContainers, ...pod.containers];

  it('is YAML without a fault', () => {
    expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
  });

  it('runs as nobody in particular, under seccomp', () => {
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: expect.any(Number),
      seccompProfile: { type: 'RuntimeDefault' },
      // At every start the group would be let into the key files, which the delegate then refuses.
      fsGroupChangePolicy: 'OnRootMismatch',
    });
    expect(only('Namespace').metadata.labels).toMatchObject({
      'pod-security.kubernetes.io/enforce': 'restricted',
    });
  });

  it.each(containers)('container $name may change nothing outside its volumes', ({ securityContext }) => {
    expect(securityContext).toEqual({
      allowPrivilegeEscalation: false,
      privileged: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it.each(containers)('container $name has limits', ({ resources }) => {
    expect(Object.keys(resources.limits)).toEqual(expect.arrayContaining(['cpu', 'memory']));
    expect(Object.keys(resources.requests)).toEqual(expect.arrayContaining(['cpu', 'memory']));
  });

  it('has no token of Kubernetes', () => {
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(only('ServiceAccount').automountServiceAccountToken).toBe(false);
  });

  it('mounts only volumes there are, and writes to data and scratch alone', () => {
    const claims = set.volumeClaimTemplates.map(({ metadata }) => metadata.name);
    const volumes = [...claims, ...pod.volumes.map(({ name }) => name)];
    const mounts = containers.flatMap(({ volumeMounts }) => volumeMounts);
    expect(mounts.filter(({ name }) => !volumes.includes(name))).toEqual([]);
    expect([...new Set(mounts.filter(({ readOnly }) => readOnly !== true).map(({ name }) => name))]).toEqual([
      'data',
      'tmp',
    ]);
    const data = containers[0]?.env.find(({ name }) => name === 'SALLYPORT_DATA_DIR')?.value;
    expect(path.posix.dirname(data ?? '')).toBe(mounts.find(({ name }) => name === 'data')?.mountPath);
  });

  it('gives the delegate the token of its enrolment only while it enrols', () => {
    const [delegate] = pod.containers;
    expect(delegate?.volumeMounts.map(({ name }) => name)).not.toContain('token');
    expect(containers.flatMap(({ args = [] }) => args).join()).toContain('--token-file /run/token/token');
  });

  it.each(containers)('container $name has settings that the delegate takes', ({ env }) => {
    const given = Object.fromEntries(
      env
        .map(({ name, value }) => [name, value ?? 'delegate-0'])
        .filter(([name = '']) => name !== 'MANAGER_URL'),
    );
    expect(readConfig(given)).toMatchObject({ SALLYPORT_DELEGATE_HEALTH_HOST: '0.0.0.0' });
  });

  it('asks the health port, with patience for a silent queue', () => {
    const [{ ports = [], env, livenessProbe, readinessProbe } = {} as Container] = pod.containers;
    const port = env.find(({ name }) => name === 'SALLYPORT_DELEGATE_HEALTH_PORT')?.value;
    expect(ports).toEqual([{ name: 'health', containerPort: Number(port) }]);
    expect(livenessProbe?.httpGet).toEqual({ path: '/healthz', port: 'health' });
    expect(readinessProbe?.httpGet).toEqual({ path: '/readyz', port: 'health' });
    expect(readinessProbe?.timeoutSeconds).toBeGreaterThan(2);
  });

  it('waits for a drain', () => {
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(GRACE_SECONDS + FAREWELL_SECONDS);
    expect(set.podManagementPolicy).toBe('OrderedReady');
  });

  it('lets nobody in but to the metrics', () => {
    const { policyTypes, podSelector } = only('NetworkPolicy').spec;
    expect(policyTypes).toContain('Ingress');
    expect(podSelector.matchLabels).toEqual(set.template.metadata.labels);
    expect(only('PodDisruptionBudget').spec.selector.matchLabels).toEqual(set.selector.matchLabels);
  });

  it('has a policy that the delegate takes', () => {
    expect(PolicyFile.parse(parse(only('ConfigMap').data['policy.yaml'] ?? '')).git?.allow).toHaveLength(1);
  });
});

it('the policy file that the page of the delegate shows is one that it takes', () => {
  const shown = /```yaml\n(.*?)```/s.exec(readText('workers/README.md'))?.[1] ?? '';
  expect(Object.keys(PolicyFile.parse(parse(shown)))).toEqual(Object.keys(PolicyFile.shape));
});

/** 'ProtectHome=yes' → ['ProtectHome', ['yes']] */
function readUnit(name: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const line of readText(`deploy/delegate/${name}`).split('\n')) {
    const [, key = '', value = ''] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
    if (key !== '') found.set(key, [...(found.get(key) ?? []), value]);
  }
  return found;
}

describe.each(['sallyport-delegate.service', 'sallyport-delegate-enrol.service'])('the unit %s', (name) => {
  const unit = readUnit(name);
  const value = (key: string): string | undefined => unit.get(key)?.join(' ');

  it('has a user of its own, and a folder that only this user sees', () => {
    expect(value('DynamicUser')).toBe('yes');
    expect(value('User')).toBe('sallyport-delegate');
    expect(value('StateDirectory')).toBe('sallyport-delegate');
    expect(value('StateDirectoryMode')).toBe('0700');
    expect(value('UMask')).toBe('0077');
  });

  it.each([
    ['NoNewPrivileges', 'yes'],
    ['CapabilityBoundingSet', ''],
    ['AmbientCapabilities', ''],
    ['ProtectSystem', 'strict'],
    ['ProtectHome', 'yes'],
    ['PrivateTmp', 'yes'],
    ['PrivateDevices', 'yes'],
    ['ProtectKernelTunables', 'yes'],
    ['ProtectKernelModules', 'yes'],
    ['ProtectKernelLogs', 'yes'],
    ['ProtectControlGroups', 'yes'],
    ['RestrictNamespaces', 'yes'],
    ['RestrictSUIDSGID', 'yes'],
    ['LockPersonality', 'yes'],
    ['RestrictAddressFamilies', 'AF_INET AF_INET6 AF_UNIX AF_NETLINK'],
    ['SystemCallArchitectures', 'native'],
    ['SystemCallFilter', '@system-service'],
    ['LimitCORE', '0'],
  ])('has %s=%s', (key, expected) => {
    expect(value(key)).toBe(expected);
  });

  it('does not forbid what V8 lives on', () => {
    expect(unit.has('MemoryDenyWriteExecute')).toBe(false);
  });

  it('starts a program of the build, with settings that the delegate takes', () => {
    const [node = '', program = ''] = (value('ExecStart') ?? '').split(' ');
    expect(fs.existsSync(path.join(root, node.replace('/opt/sallyport/', '')))).toBe(true);
    const source = program.replace('/opt/sallyport/dist/', '').replace(/\.js$/, '.ts');
    expect(fs.existsSync(path.join(root, source))).toBe(true);
    const given = (unit.get('Environment') ?? []).map((pair) => pair.replace('%S', '/var/lib').split('='));
    expect(readConfig(Object.fromEntries(given) as Record<string, string>)).toMatchObject({
      SALLYPORT_DATA_DIR: '/var/lib/sallyport-delegate',
    });
  });
});

it('the unit waits for a drain, signals the delegate alone, and starts after its enrolment', () => {
  const unit = readUnit('sallyport-delegate.service');
  expect(Number(unit.get('TimeoutStopSec')?.[0])).toBeGreaterThan(GRACE_SECONDS + FAREWELL_SECONDS);
  expect(unit.get('KillMode')).toEqual(['mixed']);
  expect(unit.get('Requires')).toEqual(['sallyport-delegate-enrol.service']);
  expect(unit.get('After')?.join()).toContain('sallyport-delegate-enrol.service');
  expect(unit.has('MemoryMax')).toBe(true);
});

it('the unit of the enrolment gets its token as a credential, and does nothing the second time', () => {
  const unit = readUnit('sallyport-delegate-enrol.service');
  expect(unit.get('LoadCredential')).toEqual(['delegate-token:/etc/sallyport/delegate-token']);
  expect(unit.get('ExecStart')?.[0]).toContain('--token-file %d/delegate-token');
  expect(unit.get('ConditionPathExists')).toEqual(['!/var/lib/private/sallyport-delegate/delegate.json']);
});

it('the image holds what the delegate needs, and is nobody’s', () => {
  const text = readText('deploy/delegate/Containerfile');
  const copied = [...text.matchAll(/^COPY --from=build \/opt\/sallyport\/(\S+)/gm)].map(([, name]) => name);
  expect(copied).toEqual(['package.json', 'node_modules', 'dist']);
  expect(text).toMatch(/^USER 10001:10001$/m);
  expect(text).toMatch(/apt-get install .*\bgit\b.*\bopenssh-client\b/);
});
