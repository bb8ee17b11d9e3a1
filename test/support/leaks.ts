// Looks for a value, in every form it could have taken, wherever a program leaves traces.
import fs from 'node:fs';
import path from 'node:path';
import { gunzipSync, inflateSync } from 'node:zlib';
import pg from 'pg';

/** The value as it would look in plain, quoted, encoded, and inside a base64 text at any of its three alignments. */
export function formsOf(value: string): string[] {
  const bytes = Buffer.from(value);
  const inside = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    // The first and last characters also depend on the neighbours.
    return text.slice(shift === 0 ? 0 : shift + 1, -2);
  });
  const url = inside.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  return [
    value,
    JSON.stringify(value).slice(1, -1),
    JSON.stringify(JSON.stringify(value)).slice(3, -3),
    encodeURIComponent(value),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    bytes.toString('utf16le'),
    Buffer.from(bytes.toReversed()).toString('latin1'),
    ...inside,
    ...url,
  ];
}

export class LeakSearch {
  readonly #needles: Buffer[];

  constructor(values: string[]) {
    this.#needles = [...new Set(values.flatMap(formsOf))].map((form) => Buffer.from(form, 'utf8'));
  }

  /** Whether these bytes hold one of the values, also below a compression. */
  holds(bytes: Buffer | string): boolean {
    const buffer = Buffer.from(bytes);
    if (this.#needles.some((needle) => buffer.includes(needle))) return true;
    return [gunzipSync, inflateSync].some((inflate) => {
      try {
        const plain: Buffer = inflate(buffer);
        return this.#needles.some((needle) => plain.includes(needle));
      } catch {
        return false;
      }
    });
  }

  /** Files below the folder that hold one of the values. */
  files(folder: string, except: (file: string) => boolean = () => false): string[] {
    if (!fs.existsSync(folder)) return [];
    return fs
      .readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .filter((file) => !except(file) && this.holds(readIfThere(file)));
  }

  /** Tables of the database, of every schema but the system's, with a row that holds one of the values. */
  async tables(databaseUrl: string): Promise<string[]> {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    try {
      const { rows } = await client.query<{ name: string }>(
        `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
         where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`,
      );
      const found: string[] = [];
      for (const { name } of rows) {
        const content = await client.query<{ row: string }>(`select to_jsonb(t)::text as row from ${name} t`);
        // As JSON: bytes are shown as hexadecimal digits, and texts quoted, which are forms that are looked for.
        if (content.rows.some(({ row }) => this.holds(row))) found.push(name);
      }
      return found;
    } finally {
      await client.end();
    }
  }
}

/** Arguments and environments of every process that lives while it watches. */
export class ProcessWatch {
  readonly #leaks = new Set<string>();
  readonly #search: LeakSearch;
  readonly #timer: NodeJS.Timeout;
  /** Git commands it has seen, by name: without any there would be nothing to look at. */
  readonly seen = new Set<string>();

  constructor(search: LeakSearch) {
    this.#search = search;
    this.#timer = setInterval(() => this.#look(), 2);
  }

  /** Ends the watch; what it found, as `cmdline of git`. */
  stop(): string[] {
    clearInterval(this.#timer);
    return [...this.#leaks];
  }

  #look(): void {
    for (const pid of fs
      .readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
      const commandLine = readIfThere(`/proc/${pid}/cmdline`);
      const name = commandLine.toString('latin1').split('\0').slice(0, 2).join(' ');
      if (/\bgit(-[a-z]+)?\b/.test(name)) this.seen.add(name);
      for (const [what, bytes] of [
        ['cmdline', commandLine],
        ['environ', readIfThere(`/proc/${pid}/environ`)],
      ] as const)
        if (this.#search.holds(bytes)) this.#leaks.add(`${what} of ${name}`);
    }
  }
}

function readIfThere(file: string): Buffer {
  try {
    return fs.readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}
