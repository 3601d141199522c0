import type { Reporter, TestModule } from 'vitest/node';

/**
 * A vitest reporter that closes the run with `12 passed, 0 failed` alone on a line, for readers that know no vitest.
 * A file that could not be run, an error outside any test, a run without tests and a teardown that failed count as
 * failed: the line never looks better than the exit code.
 */
export class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const results = modules.flatMap((module) =>
      [...module.children.allTests()].map((test) => test.result().state),
    );
    const brokenFiles = modules.filter((module) => module.errors().length > 0).length;
    const passed = results.filter((state) => state === 'passed').length;
    const failed =
      results.filter((state) => state === 'failed').length + brokenFiles + unhandledErrors.length;
    const other = results.length - results.filter((state) => state === 'passed' || state === 'failed').length;
    process.once('exit', (exitCode) => {
      if (other > 0) process.stdout.write(`${other} did not run\n`);
      process.stdout.write(`${passed} passed, ${failed === 0 && exitCode !== 0 ? 1 : failed} failed\n`);
    });
  }
}
