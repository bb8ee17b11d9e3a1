// Repositories like the public ones that are full of YAML: manifests of services, a few levels of folders deep, most of them short
// and some long. Made, and the same in every run: nothing is downloaded.

/** YAML files of a repository, by path, and how they are named. */
export interface YamlRepository {
  files: Map<string, string>;
  bytes: number;
}

const TEAMS = 12;
const FILES_OF_SERVICE = 9;
const regions = ['eu-west', 'eu-north', 'us-east', 'us-west', 'ap-south'];
const parts = [
  'deployment',
  'service',
  'ingress',
  'config',
  'autoscaler',
  'policy',
  'alerts',
  'job',
  'account',
];

/** What a kind for these files demands. */
export const manifestSchema = {
  type: 'object',
  required: ['apiVersion', 'kind', 'metadata', 'spec'],
  properties: {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: {
      type: 'object',
      required: ['name'],
      properties: { name: { type: 'string' }, labels: { type: 'object' } },
    },
    spec: { type: 'object' },
  },
};
export const manifestPattern = 'catalog/**/{id}.yaml';

/** @param name stands in every id, so that no two repositories have an entity in common */
export function makeYamlRepository(name: string, count: number): YamlRepository {
  const files = new Map<string, string>();
  let bytes = 0;
  for (let at = 0; at < count; at++) {
    const text = makeManifest(name, at, 0);
    files.set(pathOf(name, at), text);
    bytes += Buffer.byteLength(text);
  }
  return { files, bytes };
}

export const idOf = (name: string, at: number): string => `${name}-${parts[at % parts.length]}-${at}`;

export function pathOf(name: string, at: number): string {
  const service = Math.floor(at / FILES_OF_SERVICE);
  const region = regions[service % regions.length];
  return `catalog/team-${service % TEAMS}/${region}/service-${service}/${idOf(name, at)}.yaml`;
}

/** A file's text; another version is another one, of about the same length. */
export function makeManifest(name: string, at: number, version: number): string {
  const random = numbersOf(at + 1);
  const part = parts[at % parts.length] ?? '';
  // Half of them have two containers or fewer, and one in a hundred has a hundred.
  const containers = Math.min(100, Math.max(1, Math.round(0.8 / (random() + 0.005))));
  const lines = [
    `# ${part} of a service, kept by team ${at % TEAMS}`,
    'apiVersion: platform.example/v1',
    `kind: ${part.charAt(0).toUpperCase()}${part.slice(1)}`,
    'metadata:',
    `  name: ${idOf(name, at)}`,
    '  labels:',
    `    app.kubernetes.io/name: "${part}-${at}"`,
    `    app.kubernetes.io/version: "1.${version}.${Math.floor(random() * 40)}"`,
    'spec:',
    `  replicas: ${1 + Math.floor(random() * 9)}`,
    '  containers:',
  ];
  for (let index = 0; index < containers; index++) lines.push(...describeContainer(index, random));
  return `${lines.join('\n')}\n`;
}

function describeContainer(index: number, random: () => number): string[] {
  const hex = (): string =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return [
    `    - name: container-${index}`,
    `      image: registry.example/apps/${hex()}:${hex()}`,
    `      command: ["/bin/server", "--listen", ":80${index % 10}0", "--seed=${hex()}"]`,
    '      env:',
    `        - { name: TOKEN_ID, value: "${hex()}${hex()}" }`,
    '        - name: LOG_LEVEL',
    `          value: ${random() < 0.5 ? 'info' : 'warning'}`,
    '      resources:',
    '        requests:',
    `          cpu: ${Math.floor(random() * 900) + 100}m`,
    `          memory: ${Math.floor(random() * 900) + 100}Mi`,
    '      # Kept in step with the load balancer.',
    `      readinessProbe: { path: /healthz, periodSeconds: ${1 + Math.floor(random() * 30)} }`,
  ];
}

/** Numbers from 0 to below 1 that are always the same (mulberry32). */
function numbersOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
