// Ends every run with the names of what was skipped, and one plain line that other programs can read.
import type { Reporter, TestModule } from 'vitest/node';

class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const count = { passed: 0, failed: errors.length, skipped: 0 };
    const skipped: string[] = [];
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      if (module.state() === 'failed' && tests.length === 0) count.failed += 1;
      for (const test of tests) {
        const { state } = test.result();
        if (state === 'skipped') skipped.push(`- ${module.relativeModuleId}: ${test.fullName}`);
        count[state === 'passed' || state === 'failed' ? state : 'skipped'] += 1;
      }
    }
    if (skipped.length > 0) console.log(`\nSkipped:\n${skipped.join('\n')}`);
    console.log(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
  }
}

export { ClosingLine as default };
