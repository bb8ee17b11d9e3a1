// The folder of one repository: a bare one whose whole state is ours. What a killed command left in it is swept away, and what
// git would obey without being told is never left standing.
import fs from 'node:fs';
import path from 'node:path';

/** The whole configuration of a repository; everything else comes with each command. */
const CONFIG = '[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n';
/** From so many packs on, they are made one. */
const PACKS_MAX = 60;
/** Stands in the folder while an operation runs, and after one that did not end well. */
const UNFINISHED = 'sallyport-unfinished';
/** Files that lend objects, cut or exchange history, or run something. None of them is ever ours. */
const OBEYED = [
  'objects/info/alternates',
  'objects/info/http-alternates',
  'info/grafts',
  'info/attributes',
  'refs/replace',
  'shallow',
  'commondir',
  'config.worktree',
  'hooks',
];
/** What commands that were killed leave behind; nobody else works here. */
const LEFT_BEHIND = /\.lock$|^\.?tmp[_-]|^incoming-|^tmp_objdir-|^bulk-/;

export class RepositoryFolder {
  constructor(readonly path: string) {}

  exists(): boolean {
    return fs.existsSync(path.join(this.path, 'HEAD'));
  }

  /** Makes an empty place for a new repository. */
  clear(): void {
    this.remove();
    fs.mkdirSync(this.path, { recursive: true, mode: 0o700 });
  }

  remove(): void {
    fs.rmSync(this.path, { recursive: true, force: true });
  }

  /** Makes it fit for an operation, whatever the last one left. */
  begin(): void {
    const note = path.join(this.path, UNFINISHED);
    this.sweep();
    for (const name of OBEYED) fs.rmSync(path.join(this.path, name), { recursive: true, force: true });
    this.resetConfig();
    fs.writeFileSync(note, '');
  }

  /** Takes away what killed commands left, if the last operation did not end well. */
  sweep(): void {
    if (fs.existsSync(path.join(this.path, UNFINISHED))) sweep(this.path);
  }

  /** The operation has ended well. */
  end(): void {
    fs.rmSync(path.join(this.path, UNFINISHED), { force: true });
  }

  /** A partial fetch notes down that missing files may be fetched at any time; see PROMISOR. */
  resetConfig(): void {
    const file = path.join(this.path, 'config');
    if (!fs.existsSync(this.path) || readIfThere(file) === CONFIG) return;
    fs.writeFileSync(file, CONFIG);
  }

  /** Whether its objects lie in so many packs that reading becomes slow. */
  isScattered(): boolean {
    const packs = path.join(this.path, 'objects', 'pack');
    if (!fs.existsSync(packs)) return false;
    return fs.readdirSync(packs).filter((file) => file.endsWith('.pack')).length > PACKS_MAX;
  }
}

function sweep(folder: string): void {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (LEFT_BEHIND.test(entry.name)) fs.rmSync(file, { recursive: true, force: true });
    else if (entry.isDirectory()) sweep(file);
  }
}

function readIfThere(file: string): string | null {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : null;
}
