// JGit: Git in Java, with its servlet on Jetty.
import path from 'node:path';
import { findProgram } from '../servers.js';
import type { GitServer } from './git-server.js';
import { besideThis, startServerProgram } from './server-program.js';

const JARS = '/usr/share/java';
const jars = [
  ...['org.eclipse.jgit', 'org.eclipse.jgit.http.server', 'javaewah', 'gson', 'slf4j-api', 'slf4j-nop'],
  ...['servlet-api', 'jetty9-server', 'jetty9-servlet', 'jetty9-security', 'jetty9-http', 'jetty9-io'],
  ...['jetty9-util', 'jetty9-util-ajax'],
].map((name) => path.join(JARS, `${name}.jar`));

export const jgit: GitServer = {
  name: 'JGit',
  triedWith: 'JGit 4.11.9, Jetty 9.4.57',
  features: { agent: 'JGit', protocol: 0, filter: false, shallow: true, wants: 'commits' },
  lacks: ['hooks', 'kept-default'],
  isSlow: true,
  // JGit wants to be told.
  config: { 'http.receivepack': 'true' },
  start: (root, account) => {
    findProgram('org.eclipse.jgit.http.server.jar', 'libjgit-java', () => [JARS]);
    findProgram('javac', 'default-jdk-headless');
    const args = ['-Xshare:auto', '-XX:TieredStopAtLevel=1', '--class-path', jars.join(':')];
    return startServerProgram('java', [...args, besideThis('jgit-server.java')], root, account);
  },
};
