// The import rules, made from the table in ARCHITECTURE.md, so that the page cannot say anything else than what is checked.
import fs from 'node:fs';

const page = fs.readFileSync(new URL('./ARCHITECTURE.md', import.meta.url), 'utf8');
const rows = [...page.matchAll(/^\| `((?:src|workers)\/[a-z-]+)` \| ([^|]+) \|$/gm)].map(
  ([, folder, names]) => ({
    folder,
    allowed: names.trim() === '–' ? [] : names.trim().split(', '),
  }),
);
if (rows.length < 10) throw new Error('The import table of ARCHITECTURE.md is not readable');

const folders = new Map(rows.map(({ folder }) => [folder.split('/')[1], folder]));
const folderOf = (name) => {
  const folder = folders.get(name);
  if (folder === undefined)
    throw new Error(`The import table of ARCHITECTURE.md names ${name}, which is no row of it`);
  return folder;
};

const rooms = rows.map(({ folder, allowed }) => ({
  name: `${folder.replace('/', '-')}-imports`,
  comment: `ARCHITECTURE.md says what ${folder} may import; if it needs more, the table and an ADR come first`,
  severity: 'error',
  from: { path: `^${folder}/` },
  to: {
    path: '^(src|workers)/',
    pathNot: [folder, ...allowed.map(folderOf)].map((one) => `^${one}/`),
  },
}));

/** Packages with side effects, and where they may be used. */
const homes = [
  ['bullmq|@nestjs/bullmq|ioredis', '^src/queue/'],
  ['pg', '^src/(storage|queue)/'],
  ['kysely', '^src/(storage/|[a-z]+/[a-z-]+\\.(repository|service|flow)\\.ts$|secrets/deployment\\.ts$)'],
  ['undici', '^src/git/'],
  ['simple-git', '^workers/native-git/'],
  ['@nestjs/swagger|fastify', '^src/api/'],
  ['@nestjs/platform-fastify', '^src/(api/|manager\\.ts$)'],
  ['pino', '^src/kernel/'],
  ['prom-client|@opentelemetry', '^src/telemetry/'],
  ['yaml', '^src/entities/|^workers/runtime/policy[.]ts$'],
  ['ajv', '^src/entities/'],
  ['hpke', '^src/sealing/'],
  ['openapi-fetch|eventsource-parser', '^src/client/'],
  ['commander|diff', '^src/cli/'],
  ['@aws-sdk|@smithy|@azure|@google-cloud', '^workers/secret-managers/'],
].map(([names, home]) => ({
  name: `home-of-${names.split('|')[0].replace(/[@/]/g, '')}`,
  comment: `${names} is used in ${home} alone, behind a name of ours`,
  severity: 'error',
  from: { path: '^(src|workers)/', pathNot: home },
  to: { path: `node_modules/(${names})/` },
}));

export default {
  forbidden: [
    ...rooms,
    ...homes,
    {
      name: 'no-circular',
      comment: 'A cycle means that two ideas are one, or that one of them is in the wrong room',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'A file that nobody imports and that starts nothing is dead',
      severity: 'error',
      from: { orphan: true },
      to: {},
    },
    {
      name: 'src-not-workers',
      comment: 'What opens a delegate’s secrets must not be within the manager’s reach',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^workers/', reachable: true },
    },
    {
      name: 'workers-not-manager',
      comment: 'A delegate carries nothing of the manager’s: neither its API nor its database',
      severity: 'error',
      from: { path: '^workers/' },
      to: {
        path: '^src/(api|sync|storage|scopes|entities|connectors|secrets|delegates|connectivity)/',
        reachable: true,
      },
    },
    {
      name: 'not-to-entry',
      comment: 'Entry files put things together; nobody imports them',
      severity: 'error',
      from: { pathNot: '^src/(manager|main)\\.ts$' },
      to: {
        path: '^src/(main|token|migrate|secret|master-key|doctor|webhook|sallyport|manager|manager\\.module)\\.ts$',
      },
    },
    {
      name: 'playground-is-a-start',
      comment: 'The playground runs the product; the product does not know it',
      severity: 'error',
      from: { path: '^(src|workers)/', pathNot: '^src/playground/' },
      to: { path: '^src/playground/' },
    },
    {
      name: 'product-alone',
      comment: 'Tests and benches use the product; the product does not know them',
      severity: 'error',
      from: { path: '^(src|workers)/' },
      to: { path: '^(bench|chaos|test|web)/' },
    },
    {
      name: 'page-through-the-api',
      comment:
        'What the page does, it does through the API, with the client that everybody has; it seals and verifies as the command line does',
      severity: 'error',
      from: { path: '^web/' },
      to: { path: '^(src|workers|bench|chaos|test)/', pathNot: '^src/(client|sealing|trail)/' },
    },
    {
      name: 'repositories-stay-home',
      comment:
        'Tables are read through the repository of their own room, by its service, a flow or a controller',
      severity: 'error',
      from: { path: '^src/(kernel|config|git|envelope|policy|contract|storage|queue)/' },
      to: { path: '\\.repository\\.ts$' },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
