// Somebody who works in a clone of the repository, and keeps it: pushes, forced or not, cost no new clone.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { git, gitOverNetwork } from './repository.js';

export class ForeignClone {
  readonly #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-clone-'));

  static async of(url: string): Promise<ForeignClone> {
    const clone = new ForeignClone();
    await gitOverNetwork(clone.#folder, 'clone', '-q', url, '.');
    return clone;
  }

  /** A commit on the branch, which is made from `main` where there is none; undefined where somebody else was first. */
  async push(branch: string, files: Record<string, string | null>): Promise<string | undefined> {
    await this.#checkOut(branch);
    return this.#commitAndPush(branch, files, []);
  }

  /** The same over the commit before the branch's last one, whatever that was. */
  async forcePush(branch: string, files: Record<string, string | null>): Promise<string | undefined> {
    const tip = await this.#checkOut(branch);
    const parent = git(this.#folder, 'rev-list', '--max-count=1', '--skip=1', 'HEAD').trim();
    if (parent !== '') git(this.#folder, 'reset', '-q', '--hard', parent);
    return this.#commitAndPush(branch, files, [`--force-with-lease=refs/heads/${branch}:${tip}`]);
  }

  /** Whether it was there. */
  async deleteBranch(branch: string): Promise<boolean> {
    return this.#try('push', '-q', 'origin', `:refs/heads/${branch}`);
  }

  /** Empty where the branch is not there. */
  async #checkOut(branch: string): Promise<string> {
    await gitOverNetwork(this.#folder, 'fetch', '-q', '--prune', 'origin');
    const remote = git(
      this.#folder,
      'for-each-ref',
      '--format=%(objectname)',
      `refs/remotes/origin/${branch}`,
    ).trim();
    git(this.#folder, 'checkout', '-q', '--detach', remote === '' ? 'refs/remotes/origin/main' : remote);
    return remote;
  }

  async #commitAndPush(
    branch: string,
    files: Record<string, string | null>,
    more: string[],
  ): Promise<string | undefined> {
    for (const [name, content] of Object.entries(files)) {
      const file = path.join(this.#folder, name);
      fs.mkdirSync(path.dirname(file), { recursive: true });
      if (content === null) fs.rmSync(file, { force: true });
      else fs.writeFileSync(file, content);
    }
    git(this.#folder, 'add', '-A');
    git(this.#folder, 'commit', '-q', '--allow-empty', '-m', 'A change by somebody else');
    const commit = git(this.#folder, 'rev-parse', 'HEAD').trim();
    const isPushed = await this.#try('push', '-q', ...more, 'origin', `HEAD:refs/heads/${branch}`);
    return isPushed ? commit : undefined;
  }

  async #try(...args: string[]): Promise<boolean> {
    return gitOverNetwork(this.#folder, ...args).then(
      () => true,
      () => false,
    );
  }

  remove(): void {
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }
}
