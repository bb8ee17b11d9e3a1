// Reads the project's own pages and sources, for the tests that compare them.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export const readText = (file: string): string => fs.readFileSync(path.join(root, file), 'utf8');

/** Files below these folders, as paths from the root. What npm and builds put there is left out. */
export function listFiles(...folders: string[]): string[] {
  const ignored = new Set(['node_modules', 'dist', '.git', '.sallyport']);
  return folders.flatMap((folder) =>
    fs
      .readdirSync(path.join(root, folder), { withFileTypes: true })
      .filter(({ name }) => !ignored.has(name))
      .flatMap((entry) => {
        const at = path.posix.join(folder, entry.name);
        return entry.isDirectory() ? listFiles(at) : [at];
      }),
  );
}

export interface TableRow {
  /** The heading the table stands under. */
  section: string;
  /** Names of the columns. */
  columns: string[];
  cells: string[];
}

/** Every row of every table of the page, in order. */
export function tableRows(page: string): TableRow[] {
  const rows: TableRow[] = [];
  let section = '';
  let columns: string[] | undefined;
  for (const line of page.split('\n')) {
    section = /^#+ (.+)$/.exec(line)?.[1] ?? section;
    if (!line.startsWith('|')) columns = undefined;
    else if (columns === undefined) columns = splitRow(line);
    else if (!/^\|[-|]+\|$/.test(line)) rows.push({ section, columns, cells: splitRow(line) });
  }
  return rows;
}

const splitRow = (line: string): string[] =>
  line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());

/** '`x`' → 'x' */
export const plain = (cell = ''): string => cell.replace(/^`(.*)`$/, '$1');

/** '65,536' → 65536 */
export const toNumber = (text: string): number => Number(text.replaceAll(',', ''));

/** Value of a constant that a module keeps to itself: a product of whole numbers. */
export function constantOf(file: string, name: string): number {
  const product = new RegExp(`^(?:export )?const ${name} = ([\\d_* ]+);$`, 'm').exec(readText(file))?.[1];
  if (product === undefined) throw new Error(`${file} has no constant ${name}`);
  return product
    .replaceAll('_', '')
    .split('*')
    .reduce((result, factor) => result * Number(factor), 1);
}
