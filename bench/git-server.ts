// The server all methods talk to: git's own http-backend behind nginx, as a host of one's own would be.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findProgram, freePort } from '../test/support/servers.js';

export interface GitServer {
  /** Repositories are at `<url>/<name>.git`. */
  url: string;
  stop: () => Promise<void>;
}

const READY_MS_MAX = 10_000;
const BACKENDS = 4;

/** Serves the bare repositories below `root`; its own files go to `home`. */
export async function startGitServer(root: string, home: string): Promise<GitServer> {
  const system = (): string[] => ['/usr/sbin'];
  const nginx = findProgram('nginx', 'nginx-light', system);
  const fcgiwrap = findProgram('fcgiwrap', 'fcgiwrap', system);
  const socket = path.join(home, 'cgi');
  const port = await freePort();
  const configuration = path.join(home, 'nginx.conf');
  fs.writeFileSync(configuration, describeServer({ root, home, socket, port }));
  // fcgiwrap leaves its workers behind unless its whole group is told.
  const cgi = spawn(fcgiwrap, ['-c', String(BACKENDS), '-s', `unix:${socket}`], {
    stdio: 'ignore',
    detached: true,
  });
  const web = spawn(nginx, ['-p', home, '-c', configuration], { stdio: ['ignore', 'ignore', 'inherit'] });
  await reachable(port, [cgi, web]);
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      await finish(web, false);
      await finish(cgi, true);
    },
  };
}

interface Place {
  root: string;
  home: string;
  socket: string;
  port: number;
}

function describeServer({ root, home, socket, port }: Place): string {
  const backend = `${execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim()}/git-http-backend`;
  const isRoot = process.getuid?.() === 0;
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `${isRoot ? 'user root;' : ''}
daemon off;
worker_processes 1;
pid ${home}/nginx.pid;
error_log ${home}/error.log;
events { worker_connections 256; }
http {
  access_log off;
  ${folders.map((name) => `${name}_temp_path ${home}/${name};`).join(' ')}
  keepalive_requests 1000000;
  keepalive_timeout 600;
  tcp_nodelay on;
  client_max_body_size 0;
  server {
    listen 127.0.0.1:${port};
    location = /ping { return 204; }
    location / {
      fastcgi_pass unix:${socket};
      fastcgi_buffering off;
      fastcgi_read_timeout 600;
      fastcgi_param SCRIPT_FILENAME ${backend};
      fastcgi_param GIT_PROJECT_ROOT ${root};
      fastcgi_param GIT_HTTP_EXPORT_ALL 1;
      fastcgi_param GIT_PROTOCOL $http_git_protocol;
      fastcgi_param GIT_CONFIG_NOSYSTEM 1;
      fastcgi_param GIT_CONFIG_GLOBAL /dev/null;
      fastcgi_param HOME ${home};
      fastcgi_param PATH_INFO $uri;
      fastcgi_param QUERY_STRING $query_string;
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param CONTENT_TYPE $content_type;
      fastcgi_param CONTENT_LENGTH $content_length;
      fastcgi_param REMOTE_ADDR $remote_addr;
      fastcgi_param SERVER_PROTOCOL $server_protocol;
    }
  }
}
`;
}

async function reachable(port: number, children: ChildProcess[]): Promise<void> {
  for (const end = Date.now() + READY_MS_MAX; Date.now() < end; await delay(20)) {
    if (children.some(({ exitCode }) => exitCode !== null))
      throw new Error('nginx or fcgiwrap ended at once');
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, '127.0.0.1');
      socket
        .once('error', () => resolve(false))
        .once('connect', () => {
          socket.destroy();
          resolve(true);
        });
    });
    if (isOpen) return;
  }
  throw new Error('nginx does not answer');
}

async function finish(child: ChildProcess, isGroup: boolean): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  if (isGroup && child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
  else child.kill('SIGTERM');
  await gone;
}
