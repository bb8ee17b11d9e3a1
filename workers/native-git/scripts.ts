// The small shell scripts between us, git and ssh, written into the engine's folder.
import fs from 'node:fs';
import path from 'node:path';

export interface Scripts {
  /** Runs git with limits: `/bin/sh <wrapper> <arguments of git>`. */
  wrapper: string;
  /** What git calls to be told a user name or password. */
  askpass: string;
  /** What git calls to reach a host over SSH. */
  ssh: string;
  /** Folder of the helper by which git reaches a host over HTTP: HELPER in `remote.<name>.vcs`. */
  helpers: string;
  /** Runs an agent of ssh: `/bin/sh <agent>`. */
  agent: string;
  /** What ssh-add calls to be told the passphrase of a key. */
  passphrase: string;
  /** An empty folder. */
  home: string;
}

/** Seconds between the polite end of a command that is out of time and the hard one. */
export const KILL_AFTER_SECONDS = 2;
/** Bytes git may want at once: the largest object that is not streamed. */
export const OBJECT_BYTES_MAX = 512 * 1024 * 1024;
/** Seconds one program may compute. */
export const CPU_SECONDS_MAX = 600;
const MEMORY_KIB_MAX = 4 * 1024 * 1024;

/** Under which git and its helpers find the private key of a client certificate. */
export const KEY_DESCRIPTOR = 9;

// A private key comes through a pipe, and is then a piece of memory that has no name: libcurl takes nothing but files.
// `timeout` leads a process group of its own and ends it whole: git and the helpers it started. It tells its id
// first, which is the group's; simple-git would also wait 50 ms after a command that printed nothing.
const WRAPPER = `#!/bin/sh
echo $$ >&2
ulimit -c 0
ulimit -f "$SALLYPORT_FILE_BLOCKS_MAX"
ulimit -t ${CPU_SECONDS_MAX}
ulimit -v ${MEMORY_KIB_MAX}
if [ -n "$SALLYPORT_KEY_PIPE" ]; then
  umask 077
  key=$(mktemp /dev/shm/sallyport-XXXXXXXXXX) || exit 125
  exec ${KEY_DESCRIPTOR}<>"$key"
  rm -f -- "$key"
  while IFS= read -r line; do
    printf '%s\\n' "$line" >&${KEY_DESCRIPTOR}
    case "$line" in -----END*) break ;; esac
  done <"$SALLYPORT_KEY_PIPE"
  unset line
fi
exec timeout --signal=TERM --kill-after=${KILL_AFTER_SECONDS} "$SALLYPORT_SECONDS_MAX" git "$@"
`;

// Both printf and read are part of the shell: the password never is an argument. A proxy that asks gets its own, if anything.
const ASKPASS = `#!/bin/sh
case "$1" in
"Username for 'http"*"://$SALLYPORT_HOST': ") printf '%s\\n' "$SALLYPORT_USERNAME" ;;
"Password for 'http"*"@$SALLYPORT_PROXY': ") IFS= read -r line <"$SALLYPORT_PROXY_PIPE" && printf '%s\\n' "$line" ;;
"Password for 'http"*"@$SALLYPORT_HOST': ") IFS= read -r line <"$SALLYPORT_PASSWORD_PIPE" && printf '%s\\n' "$line" ;;
esac
`;

/** What git calls the way over HTTP, so that it asks for our helper and not at once for its own. */
export const HELPER = 'sallyport';

// For an object that a pack should have brought, git would fetch again, and again for what that answer lacks, without end.
// Those fetches alone are run with settings on the command line.
const ONLY_ONCE = `if [ -n "$GIT_CONFIG_PARAMETERS" ]; then
  echo 'fatal: pack is corrupted: it lacks an object that it builds on' >&2
  exit 1
fi
`;

// git has put the folder of its own helpers before all others.
const HTTP = `#!/bin/sh
${ONLY_ONCE}exec git-remote-https "$@"
`;

// What stands first counts, so that nothing behind it changes it. The name is only what host keys are looked up by.
const SSH = `#!/bin/sh
${ONLY_ONCE}exec ssh -F /dev/null -T \\
  -o BatchMode=yes -o LogLevel=ERROR -o EscapeChar=none \\
  -o "HostName=$SALLYPORT_SSH_ADDRESS" -o "HostKeyAlias=$SALLYPORT_SSH_NAME" -o CheckHostIP=no \\
  -o StrictHostKeyChecking=yes -o "UserKnownHostsFile=$SALLYPORT_SSH_KNOWN_HOSTS" \\
  -o GlobalKnownHostsFile=/dev/null -o KnownHostsCommand=none -o VerifyHostKeyDNS=no -o UpdateHostKeys=no \\
  -o "IdentityAgent=$SALLYPORT_SSH_AGENT" -o IdentityFile=none -o PKCS11Provider=none -o AddKeysToAgent=no \\
  -o PreferredAuthentications=publickey -o PubkeyAuthentication=yes -o PasswordAuthentication=no \\
  -o KbdInteractiveAuthentication=no -o HostbasedAuthentication=no -o GSSAPIAuthentication=no \\
  -o ClearAllForwardings=yes -o ForwardAgent=no -o ForwardX11=no -o Tunnel=no -o PermitLocalCommand=no \\
  -o ProxyCommand=none -o ControlMaster=no -o ControlPath=none -o CanonicalizeHostname=no \\
  -o "ConnectTimeout=$SALLYPORT_SSH_CONNECT_SECONDS" -o ConnectionAttempts=1 \\
  -o ServerAliveInterval=10 -o ServerAliveCountMax=3 -o TCPKeepAlive=yes "$@"
`;

// Told once: asked again, the passphrase was wrong.
const PASSPHRASE = `#!/bin/sh
case "$1" in *again*) exit 1 ;; esac
IFS= read -r line <"$SALLYPORT_PASSWORD_PIPE" && printf '%s\\n' "$line"
`;

// The inner shell outlives the agent, whatever ends it, and takes its folder away.
const AGENT = `#!/bin/sh
ulimit -c 0
exec timeout --signal=TERM --kill-after=${KILL_AFTER_SECONDS} "$SALLYPORT_SECONDS_MAX" /bin/sh -c '
trap : TERM INT HUP
ssh-agent -D -a "$SALLYPORT_AGENT_FOLDER/agent"
rm -rf -- "$SALLYPORT_AGENT_FOLDER"'
`;

/** Writes the scripts below `root`, which is made when it is not there and closed to others. */
export function writeScripts(root: string): Scripts {
  const home = path.join(root, 'home');
  const helpers = path.join(root, 'helpers');
  for (const folder of [home, helpers]) fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  fs.chmodSync(root, 0o700);
  write(helpers, `git-remote-${HELPER}`, HTTP);
  return {
    helpers,
    wrapper: write(root, 'run-git', WRAPPER),
    askpass: write(root, 'askpass', ASKPASS),
    ssh: write(root, 'run-ssh', SSH),
    agent: write(root, 'run-agent', AGENT),
    passphrase: write(root, 'tell-passphrase', PASSPHRASE),
    home,
  };
}

/** In one move, since another command may be starting it; and only once, since a full disk takes nothing. */
function write(root: string, name: string, text: string): string {
  const file = path.join(root, name);
  if (fs.existsSync(file) && fs.readFileSync(file, 'utf8') === text) return file;
  const fresh = `${file}-${process.pid}`;
  fs.writeFileSync(fresh, text, { mode: 0o700 });
  fs.renameSync(fresh, file);
  return file;
}
