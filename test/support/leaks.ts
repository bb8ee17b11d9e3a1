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
    ...quotedForms(value),
    ...inUrls(value),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    bytes.toString('utf16le'),
    Buffer.from(bytes.toReversed()).toString('latin1'),
    ...inside,
    ...url,
  ];
}

/** How a value could be left somewhere: what is planted, so that it is seen to be found. */
export const writings: [form: string, write: (value: string) => string][] = [
  ['plain', (value) => value],
  ['base64', (value) => Buffer.from(value).toString('base64')],
  ['base64, behind something else', (value) => Buffer.from(`user:${value}`).toString('base64')],
  ['base64url', (value) => Buffer.from(value).toString('base64url')],
  ['hex', (value) => Buffer.from(value).toString('hex')],
  ['URL-encoded', (value) => encodeURIComponent(value)],
  ['sent by a form', (value) => new URLSearchParams({ value }).toString()],
  ['in a URL', (value) => Object.assign(new URL('http://user@host'), { password: value }).href],
  ['JSON', (value) => JSON.stringify({ value })],
  ['JSON within JSON', (value) => JSON.stringify(JSON.stringify({ value }))],
  ['JSON in ASCII', (value) => `{"value":"${quote(value)[1]}"}`],
];

/** As it is in JSON, as that is in JSON, and once more; V8 writes its snapshots in JSON, too. */
function quotedForms(value: string): string[] {
  const forms = [new Set([value])];
  for (let depth = 0; depth < 3; depth++)
    forms.push(new Set([...(forms.at(-1) as Set<string>)].flatMap((form) => quote(form))));
  return forms.flatMap((set) => [...set]);
}

/** Also as JSON is written for whoever reads ASCII alone, with digits of either size. */
function quote(text: string): string[] {
  const json = JSON.stringify(text).slice(1, -1);
  const digits = (unit: string): string => unit.charCodeAt(0).toString(16).padStart(4, '0');
  const other = /[\u0080-\uffff]/g;
  return [
    json,
    json.replaceAll(other, (unit) => `\\u${digits(unit)}`),
    json.replaceAll(other, (unit) => `\\u${digits(unit).toUpperCase()}`),
  ];
}

/** As a component, as what a form sends, and as a password before a host; in digits of either size. */
function inUrls(value: string): string[] {
  const url = Object.assign(new URL('http://host'), { password: value });
  const component = encodeURIComponent(value);
  const forms = [component, new URLSearchParams([['', value]]).toString().slice(1), url.password];
  const small = (text: string): string => text.replaceAll(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase());
  return [...forms, ...forms.map(small)];
}

/** As V8 has texts in memory: with one byte a letter where that is enough, or else with two. */
const inMemory = (value: string): Buffer[] =>
  (['utf16le', 'latin1'] as const).map((encoding) => Buffer.from(value, encoding));

export class LeakSearch {
  readonly #needles: Buffer[];

  constructor(values: string[]) {
    this.#needles = [
      ...[...new Set(values.flatMap(formsOf))].map((form) => Buffer.from(form, 'utf8')),
      ...values.flatMap((value) => [value, JSON.stringify(value).slice(1, -1)]).flatMap(inMemory),
    ];
  }

  /** The longest form: what is looked at in pieces has to overlap by as much. */
  get bytesMax(): number {
    return Math.max(...this.#needles.map(({ byteLength }) => byteLength));
  }

  /** Whether these bytes hold one of the values, also below a compression. */
  holds(bytes: Buffer | string): boolean {
    const buffer = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
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
        const { rows: content } = await client.query<(Buffer | string | null)[]>({
          text: `select * from ${name}`,
          rowMode: 'array',
          types: { getTypeParser: asStored },
        });
        if (content.flat().some((cell) => cell !== null && this.holds(cell))) found.push(name);
      }
      return found;
    } finally {
      await client.end();
    }
  }
}

const BYTEA = 17;
/** Bytes as they are, everything else as the text that PostgreSQL shows it as. */
const asStored = (type: number) =>
  type === BYTEA ? (text: string) => Buffer.from(text.slice(2), 'hex') : (text: string) => text;

/** Arguments and environments of every process that lives while it watches. */
export class ProcessWatch {
  readonly #leaks = new Set<string>();
  readonly #search: LeakSearch;
  readonly #timer: NodeJS.Timeout;
  /** What was looked at and need not be again, by file. */
  readonly #known = new Map<string, Buffer>();
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
      ] as const) {
        if (this.#known.get(`${what} ${pid}`)?.equals(bytes)) continue;
        this.#known.set(`${what} ${pid}`, bytes);
        if (this.#search.holds(bytes)) this.#leaks.add(`${what} of ${name}`);
      }
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
