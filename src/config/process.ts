// What a process must be before it starts: the Node that npm delivers, and the environment it passes on.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    `Sallyport needs Node 22.19 or later and this is ${process.versions.node}: start it with npm (npm start, npm run manager, npm run delegate), which brings its own Node.\n`,
  );
  process.exit(1);
}

/** What the surroundings of this process lend it: where clouds leave identities is named there. */
export const surroundings = (): Readonly<Record<string, string | undefined>> => process.env;

/** npm runs a script in the folder of its package; what a user names by a relative path is where the user is. */
export function goWhereNpmWasCalled(script: string): void {
  const { INIT_CWD, npm_lifecycle_event } = process.env;
  if (npm_lifecycle_event === script && INIT_CWD !== undefined) process.chdir(INIT_CWD);
}

/** The environment for a child process of Sallyport's own: what this process was given, with these settings on top. */
export function childEnvironment(settings: Record<string, string>): NodeJS.ProcessEnv {
  return { ...process.env, ...settings };
}
