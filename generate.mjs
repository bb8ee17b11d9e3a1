// Writes what is made of the code: src/client/routes.ts, what the client knows of the API, from the very schemas that validate the
// requests, and docs/reference/cli.md from the commands themselves. With `--check` it says whether they are what it would write; with
// `--document` it prints the OpenAPI document, and with `--released` it keeps that as the one that later versions are held against:
// where that breaks a promise of the one before only with `--breaking` as well.
// Needs a build, and neither database nor queue: nothing of the manager is started.
import 'reflect-metadata';
import fs from 'node:fs';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import openapiTypes, { astToString } from 'openapi-typescript';
import { buildOpenApi } from './dist/src/api/openapi.js';
import { buildProgram } from './dist/src/cli/program.js';
import { describeProgram } from './dist/src/cli/reference.js';
import { readConfig } from './dist/src/config/config.js';
import { version } from './dist/src/config/version.js';
import { managerModule } from './dist/src/manager.module.js';
import { breachesOf } from './test/support/openapi-compatibility.ts';

const ACCOUNT = '/api/v1/accounts/{account}';

const document = await readDocument();
if (process.argv.includes('--document')) process.stdout.write(JSON.stringify(document));
else if (process.argv.includes('--released')) keepReleased();
else await writeAll();

function keepReleased() {
  const place = new URL('docs/reference/openapi.json', import.meta.url);
  const breaches = breachesOf(JSON.parse(fs.readFileSync(place, 'utf8')), document);
  if (breaches.length > 0 && !process.argv.includes('--breaking')) {
    process.stderr.write(
      `${breaches.join('\n')}\nThis breaks what was promised; if it is meant: --breaking\n`,
    );
    process.exitCode = 1;
  } else fs.writeFileSync(place, `${JSON.stringify(document)}\n`);
}

async function writeAll() {
  const made = {
    'src/client/routes.ts': await writeRoutes(),
    'docs/reference/cli.md': describeProgram(buildProgram(version)),
  };
  for (const [file, text] of Object.entries(made)) {
    const place = new URL(file, import.meta.url);
    if (!process.argv.includes('--check')) fs.writeFileSync(place, text);
    else if (!fs.existsSync(place) || fs.readFileSync(place, 'utf8') !== text) {
      process.stderr.write(`${file} is not what the code says: npm run generate\n`);
      process.exitCode = 1;
    }
  }
}

async function writeRoutes() {
  const types = await openapiTypes(belowScope(document), { alphabetize: true });
  return `// Made by \`npm run generate\` of the OpenAPI document: the roads below a scope, whichever scope it is.\n\n${astToString(types)}`;
}

async function readDocument() {
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const config = readConfig({ DATABASE_URL: 'postgres://127.0.0.1/none' });
  const app = await NestFactory.create(managerModule(config, silent, {}), new FastifyAdapter(), {
    logger: false,
    preview: true,
    abortOnError: false,
  });
  app.setGlobalPrefix('api/v1');
  return buildOpenApi(app, version);
}

/** Every scope has the same roads: those of an account stand for all, without what names it. Whatever is refused is a Problem. */
function belowScope(document) {
  const roads = Object.entries(document.paths).filter(
    ([path]) => (path === ACCOUNT || path.startsWith(`${ACCOUNT}/`)) && !path.includes('/orgs/{org}'),
  );
  return {
    ...document,
    paths: Object.fromEntries(roads.map(([path, item]) => [path.slice(ACCOUNT.length), shortRoad(item)])),
  };
}

function shortRoad(item) {
  return Object.fromEntries(Object.entries(item).map(([method, operation]) => [method, shorten(operation)]));
}

function shorten({ operationId: _, parameters = [], responses, ...operation }) {
  const good = Object.entries(responses).filter(([status]) => status < 400);
  const refusal = Object.entries(responses).find(([status]) => status >= 400)?.[1];
  return {
    ...operation,
    parameters: parameters.filter(({ in: place, name }) => place !== 'path' || name !== 'account'),
    responses: {
      ...Object.fromEntries(good),
      default: { ...refusal, description: 'What was refused, and why' },
    },
  };
}
