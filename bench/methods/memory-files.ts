// A file system in memory, as isomorphic-git takes one in place of node:fs.
interface Node {
  content: Buffer | null;
  children: Map<string, Node> | null;
  mtimeMs: number;
  ino: number;
}

class FileError extends Error {
  constructor(
    readonly code: 'ENOENT' | 'ENOTDIR' | 'EEXIST' | 'ENOTEMPTY',
    path: string,
  ) {
    super(`${code}: ${path}`);
  }
}

/** What isomorphic-git calls: `fs.promises`. */
export class MemoryFiles {
  readonly promises = {
    readFile: async (path: string, options?: { encoding?: string } | string) => this.#read(path, options),
    writeFile: async (path: string, data: Uint8Array | string) => this.#write(path, data),
    unlink: async (path: string) => void this.#parentOf(path).delete(nameOf(path)),
    readdir: async (path: string) => [...this.#directory(path).keys()].toSorted(),
    mkdir: async (path: string) => this.#makeDirectory(path),
    rmdir: async (path: string) => this.#removeDirectory(path),
    stat: async (path: string) => describe(this.#require(path)),
    lstat: async (path: string) => describe(this.#require(path)),
    readlink: async (path: string) => this.#read(path),
    symlink: async (target: string, path: string) => this.#write(path, target),
    chmod: async () => undefined,
    rename: async (from: string, to: string) => {
      this.#parentOf(to).set(nameOf(to), this.#require(from));
      this.#parentOf(from).delete(nameOf(from));
    },
  };
  readonly #root: Node = { content: null, children: new Map(), mtimeMs: 0, ino: 0 };
  #nodes = 0;

  #read(path: string, options?: { encoding?: string } | string): Buffer | string {
    const { content } = this.#require(path);
    if (content === null) throw new FileError('ENOENT', path);
    const encoding = typeof options === 'string' ? options : options?.encoding;
    return encoding === undefined ? content : content.toString('utf8');
  }

  #write(path: string, data: Uint8Array | string): void {
    const parent = this.#parentOf(path);
    parent.set(nameOf(path), this.#make(Buffer.from(data), null));
  }

  #makeDirectory(path: string): void {
    const parent = this.#parentOf(path);
    if (parent.has(nameOf(path))) throw new FileError('EEXIST', path);
    parent.set(nameOf(path), this.#make(null, new Map()));
  }

  #removeDirectory(path: string): void {
    if (this.#directory(path).size > 0) throw new FileError('ENOTEMPTY', path);
    this.#parentOf(path).delete(nameOf(path));
  }

  #make(content: Buffer | null, children: Map<string, Node> | null): Node {
    return { content, children, mtimeMs: Date.now(), ino: ++this.#nodes };
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of namesOf(path)) node = node?.children?.get(name);
    return node;
  }

  #require(path: string): Node {
    const node = this.#find(path);
    if (node === undefined) throw new FileError('ENOENT', path);
    return node;
  }

  #directory(path: string): Map<string, Node> {
    const { children } = this.#require(path);
    if (children === null) throw new FileError('ENOTDIR', path);
    return children;
  }

  #parentOf(path: string): Map<string, Node> {
    return this.#directory(namesOf(path).slice(0, -1).join('/'));
  }
}

const namesOf = (path: string): string[] => path.split('/').filter((name) => name !== '' && name !== '.');
const nameOf = (path: string): string => namesOf(path).at(-1) ?? '';

function describe({ content, children, mtimeMs, ino }: Node): object {
  return {
    type: children === null ? 'file' : 'dir',
    mode: children === null ? 0o100644 : 0o40000,
    size: content?.length ?? 0,
    ino,
    mtimeMs,
    ctimeMs: mtimeMs,
    uid: 0,
    gid: 0,
    dev: 1,
    isFile: () => children === null,
    isDirectory: () => children !== null,
    isSymbolicLink: () => false,
  };
}
