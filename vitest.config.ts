import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What waits for minutes, for processes that are killed or servers that are installed, begins first and does not hold up the end. */
const slow =
  /crash|browser|master-key|jgit|dulwich|nginx|native-git|fairness|poison|many\.|imports\.test|interleavings|guides|flows\/(refresh|credentials|subscriptions|pull-requests|webhooks|start)\./;

const thorough = [
  'test/flows/bench-*.test.ts',
  'test/flows/{fairness,master-key,poison,secret-canaries,secret-freshness,wrapped-group-keys,chaos}.test.ts',
  'test/flows/{secret-operations,master-key,group-rotation}-crash.test.ts',
  'test/flows/{doctor,doctor-ill-servers,group-rotation-silence,moved-secrets,queue-dump,shared-tokens,unkept-tokens,way-back-crash}.test.ts',
  'test/flows/{network-namespaces,delegate-doctor,git-command,git-command-line,api-slow,many}.test.ts',
  'test/conformance/native-git-{damage,keys,limits,ssh}.test.ts',
  'test/conformance/{delegated-git-postgres,dulwich,git-protocol-0,git-protocol-0-as-installed,git-protocol-1,git-without-filter,jgit,large-directory,nginx}.test.ts',
  'test/hostile/load.test.ts',
];

class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return [
      ...sorted.filter(({ moduleId }) => slow.test(moduleId)),
      ...sorted.filter(({ moduleId }) => !slow.test(moduleId)),
    ];
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // What takes longest of all: for `THOROUGH=1 npm test`, since the suite has to stay within its time.
    exclude: process.env.THOROUGH === '1' ? [] : thorough,
    globalSetup: ['test/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 3,
    sequence: { sequencer: SlowestFirst },
    // Machines are slow, and busy: what is waited for has a limit of its own, and says what it was. This is for what has none.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    teardownTimeout: 60_000,
    expect: { poll: { timeout: 60_000 } },
    reporters: ['default', './test/closing-line.reporter.ts'],
  },
});
