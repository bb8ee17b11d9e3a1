// The import rules hold on the tree, and every one of them would notice if it did not: one violation of each is planted in
// a copy of the tree.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listFiles, plain, readText, root, tableRows } from './pages.js';

interface Violation {
  rule: string;
  from: string;
  /** The file, or of a package what follows `node_modules/`. */
  to: string;
}

const rows = tableRows(readText('ARCHITECTURE.md'))
  .filter(({ columns }) => columns.join() === 'folder,may import')
  .map(({ cells: [folder, allowed = ''] }) => ({
    folder: plain(folder),
    allowed: allowed === '–' ? [] : allowed.split(', '),
  }));

const roomsOf = (folder: string): string[] =>
  fs
    .readdirSync(path.join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `${folder}/${name}`);

describe('the table of ARCHITECTURE.md', () => {
  it('has a row for every folder of src and workers, and no other', () => {
    const folders = [...roomsOf('src'), ...roomsOf('workers')];
    expect(rows.map(({ folder }) => folder).toSorted()).toEqual(folders.toSorted());
  });

  it('names only rooms of its own', () => {
    const known = rows.map(({ folder }) => folder.split('/')[1]);
    expect(rows.flatMap(({ allowed }) => allowed).filter((name) => !known.includes(name))).toEqual([]);
  });

  it('tells of every room of src what it knows', () => {
    const told = [...readText('ARCHITECTURE.md').matchAll(/^\| \[[a-z]+\]\((src\/[a-z]+)\) \|/gm)].map(
      ([, at = '']) => at,
    );
    expect(told.toSorted()).toEqual(roomsOf('src').toSorted());
  });
});

it('the tree breaks no rule', async () => {
  expect(await findViolations(root)).toEqual([]);
}, 300_000);

describe('a planted violation is found', () => {
  let copy: string;
  let found: Violation[];

  beforeAll(async () => {
    copy = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-imports-'));
    for (const name of [
      'src',
      'workers',
      'bench',
      'web',
      'ARCHITECTURE.md',
      '.dependency-cruiser.mjs',
      'tsconfig.json',
      'package.json',
    ])
      fs.cpSync(path.join(root, name), path.join(copy, name), { recursive: true });
    fs.symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
    for (const one of plants) fs.writeFileSync(path.join(copy, one.file), textOf(one));
    found = await findViolations(copy);
  });
  afterAll(() => fs.rmSync(copy, { recursive: true, force: true }));

  it.each(plantsByRule())('%s', (rule, planted) => {
    const missing = planted.flatMap(({ file, targets }) =>
      targets
        .map((to) => ({ rule, from: file, to }))
        .filter((one) => !found.some((other) => isSame(one, other))),
    );
    expect(missing).toEqual([]);
  });

  it('for every rule there is', async () => {
    const config = (await import(pathToFileURL(path.join(root, '.dependency-cruiser.mjs')).href)) as {
      default: { forbidden: { name: string }[] };
    };
    const names = config.default.forbidden.map(({ name }) => name);
    expect(names.filter((name) => !plants.some(({ rule }) => rule === name))).toEqual([]);
  });
});

/** What breaks a rule of the name, and the file it is planted in. */
const plants = [...plantRooms(), ...plantPackages(), ...plantOthers()];

interface Plant {
  rule: string;
  file: string;
  /** What it imports, every one of which must be noticed. */
  targets: string[];
}

const isSame = (one: Violation, other: Violation): boolean =>
  one.rule === other.rule && one.from === other.from && `${other.to}/`.startsWith(`${one.to}/`);

function textOf({ file, targets }: Plant): string {
  const imports = targets.map((to) =>
    /^(src|workers|bench)\//.test(to) ? relative(path.posix.dirname(file), to) : to,
  );
  return imports.map((to) => `import '${to}';\n`).join('') || 'export const nobody = 1;\n';
}

/** In every room, an import from every room that is not in its row. */
function plantRooms(): Plant[] {
  return rows.map(({ folder, allowed }) => ({
    rule: `${folder.replace('/', '-')}-imports`,
    file: `${folder}/planted-stranger.ts`,
    targets: rows
      .filter((other) => other.folder !== folder && !allowed.includes(other.folder.split('/')[1] ?? ''))
      .map((other) => someFile(other.folder)),
  }));
}

/** Every package that has a home, used in a room that is not it. */
function plantPackages(): Plant[] {
  return [
    plant('home-of-bullmq', 'src/sync/planted-queue.ts', 'bullmq', '@nestjs/bullmq', 'ioredis'),
    plant('home-of-pg', 'src/entities/planted-driver.ts', 'pg'),
    plant('home-of-kysely', 'src/queue/planted-query.ts', 'kysely'),
    plant(
      'home-of-aws-sdk',
      'src/secrets/planted-cloud.ts',
      '@aws-sdk/client-kms',
      '@azure/identity',
      '@google-cloud/kms',
    ),
    plant('home-of-undici', 'workers/native-git/planted-client.ts', 'undici'),
    plant('home-of-simple-git', 'src/git/planted-git.ts', 'simple-git'),
    plant('home-of-nestjsswagger', 'src/sync/planted-http.ts', '@nestjs/swagger', 'fastify'),
    plant('home-of-nestjsplatform-fastify', 'src/sync/planted-platform.ts', '@nestjs/platform-fastify'),
    plant('home-of-pino', 'workers/runtime/planted-log.ts', 'pino'),
    plant('home-of-prom-client', 'workers/commands/planted-count.ts', 'prom-client'),
    plant('home-of-yaml', 'src/policy/planted-parser.ts', 'yaml'),
    plant('home-of-ajv', 'src/policy/planted-judge.ts', 'ajv'),
    plant('home-of-hpke', 'src/queue/planted-seal.ts', 'hpke'),
    plant('home-of-openapi-fetch', 'src/cli/planted-request.ts', 'openapi-fetch', 'eventsource-parser'),
    plant('home-of-commander', 'src/client/planted-command.ts', 'commander', 'diff'),
  ];
}

function plantOthers(): Plant[] {
  return [
    plant('src-not-workers', 'src/connectivity/planted-reach.ts', 'workers/secret-managers/keyring.ts'),
    plant('workers-not-manager', 'workers/commands/planted-manager.ts', 'src/storage/database.ts'),
    plant('not-to-entry', 'src/api/planted-entry.ts', 'src/manager.ts', 'src/main.ts', 'src/token.ts'),
    plant('playground-is-a-start', 'src/api/planted-playground.ts', 'src/playground/seed.ts'),
    plant('product-alone', 'src/api/planted-bench.ts', 'bench/rows.ts', 'web/data/place.ts'),
    plant('page-through-the-api', 'web/data/planted-table.ts', 'src/storage/database.ts'),
    plant('repositories-stay-home', 'src/queue/planted-repository.ts', 'src/scopes/scopes.repository.ts'),
    plant('no-circular', 'src/git/planted-circle.ts', 'src/git/planted-circle.ts'),
    plant('no-orphans', 'src/kernel/planted-orphan.ts'),
  ];
}

function plant(rule: string, file: string, ...targets: string[]): Plant {
  return { rule, file, targets };
}

function plantsByRule(): [rule: string, planted: Plant[]][] {
  const rules = new Map<string, Plant[]>();
  for (const one of plants) rules.set(one.rule, [...(rules.get(one.rule) ?? []), one]);
  return [...rules];
}

/** A file of the room that leads to no other room, as far as there is one. */
function someFile(folder: string): string {
  const files = listFiles(folder).filter((file) => file.endsWith('.ts'));
  return files.find((file) => !/from '\.\.\//.test(readText(file))) ?? (files[0] as string);
}

function relative(folder: string, file: string): string {
  const way = path.posix.relative(folder, file.replace(/\.ts$/, '.js'));
  return way.startsWith('.') ? way : `./${way}`;
}

async function findViolations(folder: string): Promise<Violation[]> {
  const cli = path.join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [cli, 'src', 'workers', 'web', '--output-type', 'json'],
    { cwd: folder, maxBuffer: 256 * 1024 * 1024 },
  ).catch((error: { stdout?: string; stderr?: string }) => {
    // The exit code is the number of violations.
    if (error.stdout?.startsWith('{') === true) return { stdout: error.stdout };
    throw new Error(error.stderr);
  });
  const { summary } = JSON.parse(stdout) as {
    summary: { violations: { from: string; to: string; rule: { name: string } }[] };
  };
  return summary.violations.map(({ from, to, rule }) => ({
    rule: rule.name,
    from,
    to: to.replace(/^.*node_modules\//, ''),
  }));
}
