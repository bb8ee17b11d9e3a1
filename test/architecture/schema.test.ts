// The tables as TypeScript sees them, and as the migrations make them.
import pg from 'pg';
import ts from 'typescript';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { Storage } from '../../src/storage/database.js';
import { createDatabase } from '../support/stack.js';
import { listFiles, readText } from './pages.js';

const SCHEMA = 'src/storage/schema.ts';
/** All files as one. */
const schemaText = listFiles('src/storage')
  .filter((file) => /schema\.ts$/.test(file))
  .map((file) => readText(file))
  .join('\n');

interface Column {
  table: string;
  column: string;
  type: string;
  nullable: boolean;
  /** Whether the database fills it when an insert leaves it out. */
  filled: boolean;
}

interface DatabaseColumn {
  table_name: string;
  column_name: string;
  udt_name: string;
  is_nullable: 'YES' | 'NO';
  column_default: string | null;
  is_identity: 'YES' | 'NO';
}

/** What a column of PostgreSQL's type may be called in TypeScript. */
const typesOf: Record<string, string[]> = {
  text: ['string'],
  _text: ['string[]'],
  timestamptz: ['Date'],
  bytea: ['Buffer'],
  jsonb: ['Json'],
  int4: ['number'],
  // As database.ts reads them; sequence numbers go back as text.
  int8: ['number', 'string'],
  bool: ['boolean'],
  uuid: ['string'],
  xid8: ['string'],
};

/** Columns that no code reads or writes. */
const silent = new Set([
  'deployment.singleton',
  'secret_manager.credential_is_builtin',
  'secret.is_builtin',
  'connector.needs_builtin',
  'subscription.secret_is_builtin',
  'subscription.previous_is_builtin',
  'webhook_secret.secret_is_builtin',
  'identity_provider.secret_is_builtin',
  'credential_secret.needs_builtin',
]);

let drop: () => Promise<void> = async () => undefined;
let real: DatabaseColumn[] = [];

beforeAll(async () => {
  const database = await createDatabase(inject('embeddedPostgres'), { from: 'template1' });
  drop = database.drop;
  const storage = new Storage(database.url);
  await storage.migrate();
  await storage.close();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query<DatabaseColumn>(
    `select table_name, column_name, udt_name, is_nullable, column_default, is_identity
     from information_schema.columns where table_schema = 'public' and table_name not like 'kysely_%'`,
  );
  await client.end();
  real = rows.filter(({ table_name, column_name }) => !silent.has(`${table_name}.${column_name}`));
});
afterAll(() => drop());

it('schema.ts has the tables and columns of the migrated database', () => {
  const seen = declared.map(({ table, column }) => `${table}.${column}`);
  const there = real.map(({ table_name, column_name }) => `${table_name}.${column_name}`);
  expect(there.length).toBeGreaterThan(50);
  expect(seen.toSorted()).toEqual(there.toSorted());
});

it('its types are those of the columns, null and defaults among them', () => {
  const wrong = real.filter((column) => {
    const { table_name, column_name, udt_name, is_nullable, column_default, is_identity } = column;
    const own = declared.find((one) => one.table === table_name && one.column === column_name);
    if (own === undefined) return true;
    const isFilled = column_default !== null || is_identity === 'YES';
    return !(
      typesOf[udt_name]?.includes(own.type) === true &&
      own.nullable === (is_nullable === 'YES') &&
      own.filled === isFilled
    );
  });
  expect(wrong).toEqual([]);
});

/** What the type names of the file stand for. */
const words = new Map(
  [...schemaText.matchAll(/^export type (\w+) = ([^;]+);/gm)].map(([, name = '', type = '']) => [name, type]),
);
const declared = readSchema();

/** The members of `Tables` and of the interfaces they name. */
function readSchema(): Column[] {
  const source = ts.createSourceFile(SCHEMA, schemaText, ts.ScriptTarget.Latest);
  const interfaces = new Map<string, ts.InterfaceDeclaration>();
  for (const statement of source.statements)
    if (ts.isInterfaceDeclaration(statement)) interfaces.set(statement.name.text, statement);
  const membersOf = (name: string): [name: string, type: string][] =>
    (interfaces.get(name)?.members ?? ts.factory.createNodeArray())
      .filter(ts.isPropertySignature)
      .map(({ name: member, type }) => [member.getText(source), type?.getText(source) ?? '']);
  return membersOf('Tables').flatMap(([table, name]) =>
    membersOf(name).map(([column, type]) => ({ table, column, ...readType(type) })),
  );
}

/** 'Generated<Date>' → Date, filled; 'Json<object> | null' → Json, nullable */
function readType(text: string): Omit<Column, 'table' | 'column'> {
  const nullable = text.endsWith(' | null');
  const bare = text.replace(/ \| null$/, '');
  const generated = /^Generated<(.+)>$/.exec(bare)?.[1];
  return { type: nameType(generated ?? bare), nullable, filled: generated !== undefined || bare === 'Stamp' };
}

function nameType(text: string): string {
  if (text === 'Stamp') return 'Date';
  if (text.startsWith('Json<')) return 'Json';
  const meant = words.get(text) ?? text;
  return /^'[a-z0-9-]+'( \| '[a-z0-9-]+')*$/.test(meant) ? 'string' : meant;
}
