// Names that are no files, whatever a tree says: the folder itself, the one above, and the repository's own in any spelling.
// A tree that holds them stays as it is; nothing of ours lists, reads or writes them.
import type { Path } from './git.js';

/** Code points that HFS+ leaves out when it compares names. */
const HFS_IGNORED = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;
/** What most names are, and no spelling of `.git` is. */
const UNSUSPICIOUS = /^(?!.*git)[\u0000-\u007f]*$/is;

/** `.git` in any spelling that HFS+, NTFS or the folding of case would take for it. */
export function isGitFolder(name: string): boolean {
  if (UNSUSPICIOUS.test(name)) return false;
  const seen = name.replace(HFS_IGNORED, '').normalize('NFKC').toLowerCase();
  const ntfs = (seen.split(/[:\\]/)[0] ?? '').replace(/[. ]+$/, '');
  return ntfs === '.git' || /^git~[0-9]+$/.test(ntfs);
}

/** Whether a name in a path can be a file's or directory's. */
export function isFileName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !isGitFolder(name);
}

/** Whether all names of the path can. */
export function isFilePath(path: Path): boolean {
  return path.split('/').every(isFileName);
}
