// A process of its own with the native engine, as a second delegate would be. Needs the build.
import { Secret } from '../../dist/src/kernel/secret.js';
import { NativeGit } from '../../dist/workers/native-git/native-git.js';

process.once('message', (order) => void write(order));

async function write({ remote, root, branch, commits }) {
  const credential = {
    username: remote.username,
    open: async () => new Secret(Buffer.from(remote.password)),
  };
  const git = new NativeGit({ url: remote.url, credential }, { root, allowHttp: true, allowPrivate: true });
  const person = { name: 'Ada', email: 'ada@sallyport.invalid' };
  let answer = 'landed';
  for (let at = 1; at <= commits && answer === 'landed'; at++) {
    const changes = [{ path: `${branch}.yaml`, content: Buffer.from(`n: ${at}\n`) }];
    const step = {
      message: `Save ${at}\n`,
      author: person,
      committer: person,
      timestamp: 1_700_000_000,
      changes,
    };
    const chain = { branch, base: await git.head(branch), create: false, steps: [step] };
    answer = await git.commit(chain).then(
      ({ status }) => status,
      (error) => String(error),
    );
  }
  process.send(answer);
  process.disconnect();
}
