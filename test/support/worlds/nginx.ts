// Git's own http-backend as it is mostly run: behind nginx, by fcgiwrap. nginx knows the account and compresses.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { endProcess, findProgram, freePort, loopback, reachable, within } from '../servers.js';
import { gitHost } from './git-http-backend.js';
import type { Account, GitServer, RunningServer } from './git-server.js';

const PROCESSES = 4;

export const nginx: GitServer = {
  ...gitHost,
  name: 'git http-backend, nginx and fcgiwrap',
  triedWith: 'git 2.39.5, nginx 1.22.1, fcgiwrap 1.1.0',
  start: startNginx,
};

export async function startNginx(root: string, account: Account, network = loopback): Promise<RunningServer> {
  const programs = {
    nginx: findProgram('nginx', 'nginx-light', () => ['/usr/sbin']),
    fcgiwrap: findProgram('fcgiwrap', 'fcgiwrap', () => ['/usr/sbin']),
  };
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-nginx-'));
  const port = await freePort();
  fs.writeFileSync(path.join(home, 'accounts'), describeAccount(account));
  fs.writeFileSync(path.join(home, 'nginx.conf'), describeHost(home, root, `${network.address}:${port}`));
  const options = { env: { PATH: process.env.PATH ?? '' }, cwd: home, stdio: 'ignore' as const };
  const socket = `unix:${path.join(home, 'socket')}`;
  // It leaves its own children behind when it is ended alone.
  const wrapper = spawn(...within(network, programs.fcgiwrap, ['-c', String(PROCESSES), '-s', socket]), {
    ...options,
    detached: true,
  });
  const command = within(network, programs.nginx, ['-p', home, '-c', 'nginx.conf', '-e', 'error.log']);
  const server = spawn(...command, options);
  await reachable(port, server, 'nginx', network);
  return {
    url: `http://${network.address}:${port}`,
    close: async () => {
      await endProcess(server, 'SIGTERM');
      const gone = once(wrapper, 'exit');
      if (wrapper.pid !== undefined) process.kill(-wrapper.pid, 'SIGTERM');
      await gone;
      fs.rmSync(home, { recursive: true, force: true });
    },
  };
}

function describeAccount({ username, password }: Account): string {
  return `${username}:{SHA}${createHash('sha1').update(password).digest('base64')}\n`;
}

function describeHost(home: string, root: string, address: string): string {
  const backend = path.join(execFileSync('git', ['--exec-path']).toString().trim(), 'git-http-backend');
  const folders = ['client_body', 'fastcgi', 'proxy', 'scgi', 'uwsgi'];
  const parameters: [string, string][] = [
    ['SCRIPT_FILENAME', backend],
    ['GIT_PROJECT_ROOT', root],
    ['GIT_HTTP_EXPORT_ALL', '1'],
    ['GIT_PROTOCOL', '$http_git_protocol'],
    ['HTTP_CONTENT_ENCODING', '$http_content_encoding'],
    ['PATH_INFO', '$uri'],
    ['QUERY_STRING', '$query_string'],
    ['REQUEST_METHOD', '$request_method'],
    ['CONTENT_TYPE', '$content_type'],
    ['CONTENT_LENGTH', '$content_length'],
    ['REMOTE_ADDR', '$remote_addr'],
    ['REMOTE_USER', '$remote_user'],
  ];
  const lines = [
    // Heeded only where it is run by root.
    'user root;',
    'daemon off;',
    'worker_processes 1;',
    'pid nginx.pid;',
    'events { worker_connections 256; }',
    'http {',
    'access_log off;',
    'client_max_body_size 0;',
    'gzip on;',
    'gzip_min_length 1;',
    'gzip_types *;',
    ...folders.map((folder) => `${folder}_temp_path ${path.join(home, folder)};`),
    'server {',
    `listen ${address};`,
    'auth_basic "nginx";',
    `auth_basic_user_file ${path.join(home, 'accounts')};`,
    'location / {',
    `fastcgi_pass unix:${path.join(home, 'socket')};`,
    ...parameters.map(([name, value]) => `fastcgi_param ${name} "${value}";`),
    '}}}',
  ];
  return lines.join('\n');
}
