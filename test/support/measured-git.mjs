// One operation of the compiled in-process engine in a process of its own, and what it cost this process: the longest time
// its event loop stood still, and by how much its memory grew. Time is the processor's, of this thread alone: a machine that
// is busy with something else does not count.
import { InProcessGit } from '../../dist/src/git/in-process-git.js';

const [url, operation, argument, options] = process.argv.slice(2);
const git = new InProcessGit({ url }, { allowHttp: true, allowPrivate: true, ...JSON.parse(options) });
const warm = new InProcessGit({ url: `${url}?` }, { allowHttp: true, allowPrivate: true });
const work = {
  head: () => git.head(argument),
  heads: async () => Object.keys((await git.heads()).branches).length,
  list: async () => (await git.list(argument, '')).length,
  /** Saves of so many bytes each, in one push. */
  commit: async () => {
    const [base, count, bytes] = argument.split(' ');
    const who = { name: 'Ada', email: 'ada@sallyport.invalid' };
    const content = (n) => Buffer.alloc(Number(bytes), `${n}: Sallyport\n`);
    const steps = Array.from({ length: Number(count) }, (_, n) => ({
      message: 'Save\n',
      author: who,
      committer: who,
      timestamp: 1_700_000_000 + n,
      changes: [{ path: `file-00${n}.yaml`, content: content(n), expect: null }],
    }));
    return (await git.commit({ branch: 'main', base, create: false, steps })).status;
  },
  read: async () => (await git.read(argument, ['a.yaml']))[0]?.content.length,
};

// What is loaded late is loaded now.
await warm.head('main').catch(() => undefined);
globalThis.gc();
const before = process.memoryUsage.rss();
let most = before;
let stoodStill = 0;
let turn = process.threadCpuUsage();
const look = () => {
  const { user, system } = process.threadCpuUsage(turn);
  stoodStill = Math.max(stoodStill, user + system);
  most = Math.max(most, process.memoryUsage.rss());
  turn = process.threadCpuUsage();
};
const timer = setInterval(look, 2);
const begun = performance.now();
const outcome = await work[operation]().catch((error) => error.code);
const ms = performance.now() - begun;
look();
clearInterval(timer);
process.stdout.write(
  JSON.stringify({
    outcome,
    ms,
    stoodStillMs: stoodStill / 1_000,
    grownMiB: (most - before) / 2 ** 20,
  }),
);
process.exit();
