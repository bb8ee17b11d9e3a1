// The two small shell scripts between us and git, written into the engine's folder once per process.
import fs from 'node:fs';
import path from 'node:path';

export interface Scripts {
  /** Runs git with limits: `/bin/sh <wrapper> <arguments of git>`. */
  wrapper: string;
  /** What git calls to be told a user name or password. */
  askpass: string;
  /** An empty folder. */
  home: string;
}

/** Seconds between the polite end of a command that is out of time and the hard one. */
export const KILL_AFTER_SECONDS = 2;
const FILE_BLOCKS_MAX = 32 * 1024 * 1024; // of 512 bytes: 16 GiB
const MEMORY_KIB_MAX = 8 * 1024 * 1024;

// `timeout` leads a process group of its own and ends it whole: git and the helpers it started. The newline is for
// simple-git, which waits 50 ms after a command that printed nothing.
const WRAPPER = `#!/bin/sh
echo >&2
ulimit -c 0
ulimit -f ${FILE_BLOCKS_MAX}
ulimit -v ${MEMORY_KIB_MAX}
exec timeout --signal=TERM --kill-after=${KILL_AFTER_SECONDS} "$SALLYPORT_SECONDS_MAX" git "$@"
`;

// Both printf and read are part of the shell: the password never is an argument.
const ASKPASS = `#!/bin/sh
case "$1" in
Username*) printf '%s\\n' "$SALLYPORT_USERNAME" ;;
*) IFS= read -r line <"$SALLYPORT_PASSWORD_PIPE" && printf '%s\\n' "$line" ;;
esac
`;

/** Writes the scripts below `root`, which is made when it is not there and closed to others. */
export function writeScripts(root: string): Scripts {
  const home = path.join(root, 'home');
  fs.mkdirSync(home, { recursive: true, mode: 0o700 });
  fs.chmodSync(root, 0o700);
  return { wrapper: write(root, 'run-git', WRAPPER), askpass: write(root, 'askpass', ASKPASS), home };
}

/** In one move, since another command may be starting it. */
function write(root: string, name: string, text: string): string {
  const file = path.join(root, name);
  const fresh = `${file}-${process.pid}`;
  fs.writeFileSync(fresh, text, { mode: 0o700 });
  fs.renameSync(fresh, file);
  return file;
}
