// The delegate's own record of every secret it opens: JSON lines in its data folder, each on disk before the secret is used. It
// is kept in pieces; old ones go once their manager has them, and never before, unless there are far too many.
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { AuditRecord } from '../../src/contract/audit.js';
import type { TaskInput, TaskOutput } from '../../src/contract/tasks.js';
import { Failure } from '../../src/kernel/failure.js';

export type AuditEntry = Omit<AuditRecord, 'sequence' | 'id' | 'at'>;

export interface AuditLimits {
  /** A piece that has grown so long is followed by another one. */
  pieceBytes: number;
  /** So many older pieces stay in any case, for whoever operates the delegate. */
  piecesKept: number;
  /** Of more older pieces than this the oldest goes although its manager does not have it. */
  piecesMax: number;
}

const LIMITS: AuditLimits = { pieceBytes: 4 * 1024 * 1024, piecesKept: 8, piecesMax: 64 };
/** The newest records are told without a look at the disk. */
const REMEMBERED_MAX = 1_000;
/** What is told at once, in bytes of lines. */
const TOLD_BYTES_MAX = 1024 * 1024;
const NAME = 'audit.log';

/** First line of every piece. */
const Head = z.strictObject({
  format: z.literal('sallyport-audit-1'),
  /** The same for all pieces; another one where somebody has taken them all away. */
  log: z.uuid(),
  /** Sequence number of its first record. */
  from: z.int().min(1),
});
type Head = z.infer<typeof Head>;

/** The piece that is written to. */
interface Current extends Head {
  handle: fs.FileHandle;
  inode: number;
  bytes: number;
}

interface Waiting {
  entry: AuditEntry;
  resolve: () => void;
  reject: (error: unknown) => void;
}

export class AuditFile {
  readonly #folder: string;
  readonly #limits: AuditLimits;
  readonly #onLoss: (from: number, to: number) => void;
  #current: Current | undefined;
  #latest = 0;
  /** Up to here its manager has them. */
  #fetched = 0;
  #remembered: AuditRecord[] = [];
  readonly #waiting: Waiting[] = [];
  /** What is done to the files, one after the other. */
  #work: Promise<unknown> = Promise.resolve();

  /** `onLoss` is told of records that went although no manager has them. */
  constructor(
    folder: string,
    onLoss: (from: number, to: number) => void = () => undefined,
    limits: Partial<AuditLimits> = {},
  ) {
    this.#folder = folder;
    this.#onLoss = onLoss;
    this.#limits = { ...LIMITS, ...limits };
  }

  /** Resolves once the entry is on disk for good. Those that come meanwhile share one write. @throws SECRET_AUDIT_UNWRITABLE */
  append(entry: AuditEntry): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, resolve, reject });
      void this.#inTurn(() => this.#write());
    });
  }

  /** Whether an entry could be written now, as far as that can be known before. @throws SECRET_AUDIT_UNWRITABLE */
  async prepare(): Promise<void> {
    await this.#inTurn(() => this.#ready());
  }

  /**
   * Up to `max` records after this one of the log of this name, the oldest first; from the start where it is of another log, or
   * is not there yet. What comes before need not be kept for the manager.
   * @throws SECRET_AUDIT_UNWRITABLE
   */
  async tell({
    log: asked,
    after: from,
    max,
  }: TaskInput<'secrets.audit'>): Promise<TaskOutput<'secrets.audit'>> {
    return this.#inTurn(async () => {
      const { log } = await this.#ready();
      const after = asked === log && from <= this.#latest ? from : 0;
      this.#fetched = Math.max(this.#fetched, after);
      return { log, after, records: bounded(await this.#after(after), max), latest: this.#latest };
    });
  }

  async close(): Promise<void> {
    await this.#inTurn(() => this.#leave());
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => undefined);
    return done;
  }

  async #write(): Promise<void> {
    const batch = this.#waiting.splice(0);
    if (batch.length === 0) return;
    try {
      const { handle } = await this.#ready();
      const records = batch.map(({ entry }, index) => ({
        sequence: this.#latest + 1 + index,
        id: randomUUID(),
        at: Date.now(),
        ...entry,
      }));
      const lines = Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''));
      await handle.appendFile(lines);
      await handle.datasync();
      this.#note(records, lines.length);
      for (const { resolve } of batch) resolve();
    } catch (error) {
      // What was written of it is looked at anew before the next one.
      await this.#leave().catch(() => undefined);
      for (const { reject } of batch) reject(this.#unwritable(error));
    }
  }

  #note(records: AuditRecord[], bytes: number): void {
    if (this.#current !== undefined) this.#current.bytes += bytes;
    this.#latest += records.length;
    this.#remembered = [...this.#remembered, ...records].slice(-REMEMBERED_MAX);
  }

  /** The piece to write to, as it stands on disk at this moment. @throws SECRET_AUDIT_UNWRITABLE */
  async #ready(): Promise<Current> {
    try {
      const known = this.#current;
      const isSame = known !== undefined && (await isUntouched(this.#place(), known));
      if (!isSame) await this.#leave();
      const current = isSame ? known : await this.#open();
      return current.bytes < this.#limits.pieceBytes || current.from > this.#latest
        ? current
        : await this.#turnOver(current);
    } catch (error) {
      throw this.#unwritable(error);
    }
  }

  /** Goes on where the last process ended; a line that was cut off goes, since nothing was used that it is about. */
  async #open(): Promise<Current> {
    await fs.mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
    const handle = await fs.open(this.#place(), flags, 0o600);
    try {
      const stat = await handle.stat();
      if (!stat.isFile()) throw new Error('it is not a regular file');
      if ((stat.mode & 0o077) !== 0)
        throw new Error(`its mode is ${(stat.mode & 0o777).toString(8)}, not 600`);
      const { text, bytes } = wholeLines(await handle.readFile());
      if (bytes < stat.size) await handle.truncate(bytes);
      const { head, records } = text === '' ? { head: undefined, records: [] } : parse(text);
      const begun = head ?? (await this.#begin(handle));
      this.#latest = records.at(-1)?.sequence ?? begun.from - 1;
      this.#remembered = records.slice(-REMEMBERED_MAX);
      this.#current = { ...begun, handle, inode: stat.ino, bytes: (await handle.stat()).size };
      return this.#current;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Writes the first line of a new piece: it follows the last one there is, or begins a log. */
  async #begin(handle: fs.FileHandle): Promise<Head> {
    const last = (await this.#pieces()).at(-1);
    const { head, records } = last === undefined ? { head: undefined, records: [] } : await this.#read(last);
    const from = (records.at(-1)?.sequence ?? (head?.from ?? 1) - 1) + 1;
    const begun: Head = { format: 'sallyport-audit-1', log: head?.log ?? randomUUID(), from };
    await handle.appendFile(`${JSON.stringify(begun)}\n`);
    await handle.sync();
    await this.#syncFolder();
    return begun;
  }

  async #turnOver(full: Current): Promise<Current> {
    await this.#leave();
    await fs.rename(this.#place(), this.#place(full.from));
    const current = await this.#open();
    await this.#forget(current);
    return current;
  }

  /** Of the older pieces, those go that nobody needs any more. */
  async #forget({ from: next }: Head): Promise<void> {
    const pieces = await this.#pieces();
    const { piecesKept, piecesMax } = this.#limits;
    for (const [index, from] of pieces.slice(0, Math.max(0, pieces.length - piecesKept)).entries()) {
      const last = (pieces[index + 1] ?? next) - 1;
      const isFetched = last <= this.#fetched;
      if (!isFetched && pieces.length - index <= piecesMax) return;
      await fs.rm(this.#place(from), { force: true });
      if (!isFetched) this.#onLoss(from, last);
    }
  }

  async #after(sequence: number): Promise<AuditRecord[]> {
    const isFollowing = (record: AuditRecord): boolean => record.sequence > sequence;
    const oldest = this.#remembered[0]?.sequence ?? this.#latest + 1;
    if (sequence >= oldest - 1) return this.#remembered.filter(isFollowing);
    const pieces = [...(await this.#pieces()), null];
    for (const [index, piece] of pieces.entries()) {
      const next = pieces[index + 1];
      if (typeof next === 'number' && next - 1 <= sequence) continue;
      const found = (await this.#read(piece)).records.filter(isFollowing);
      if (found.length > 0) return found;
    }
    return [];
  }

  /** Sequence numbers of the first records of the older pieces. */
  async #pieces(): Promise<number[]> {
    const names = await fs.readdir(this.#folder);
    return names
      .flatMap((name) => /^audit\.log\.(\d{1,16})$/.exec(name)?.[1] ?? [])
      .map(Number)
      .toSorted((one, other) => one - other);
  }

  async #read(piece: number | null): Promise<{ head: Head; records: AuditRecord[] }> {
    return parse(wholeLines(await fs.readFile(this.#place(piece))).text);
  }

  async #leave(): Promise<void> {
    const { handle } = this.#current ?? {};
    this.#current = undefined;
    await handle?.close();
  }

  async #syncFolder(): Promise<void> {
    const handle = await fs.open(this.#folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  #place(piece: number | null = null): string {
    return path.join(this.#folder, piece === null ? NAME : `${NAME}.${piece}`);
  }

  #unwritable(cause: unknown): Failure {
    if (cause instanceof Failure) return cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new Failure('SECRET_AUDIT_UNWRITABLE', { file: this.#place(), reason }, { cause }) as Failure;
  }
}

/** Whether the file is the one that was opened, and nobody else has written to it. */
async function isUntouched(file: string, { inode, bytes }: Current): Promise<boolean> {
  const stat = await fs.lstat(file).catch(() => undefined);
  return stat?.ino === inode && stat.size === bytes;
}

function wholeLines(content: Buffer): { text: string; bytes: number } {
  const bytes = content.lastIndexOf('\n') + 1;
  return { text: content.subarray(0, bytes).toString('utf8'), bytes };
}

/** A line that is damaged is told of by the number that is missing. */
function parse(text: string): { head: Head; records: AuditRecord[] } {
  const [first = '', ...lines] = text.split('\n');
  const head = Head.safeParse(read(first));
  if (!head.success) throw new Error('it is not what this version of the delegate writes');
  return { head: head.data, records: lines.flatMap((line) => AuditRecord.safeParse(read(line)).data ?? []) };
}

function read(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function bounded(records: AuditRecord[], max: number): AuditRecord[] {
  let bytes = 0;
  return records.slice(0, max).filter((record, index) => {
    bytes += JSON.stringify(record).length;
    return index === 0 || bytes <= TOLD_BYTES_MAX;
  });
}
