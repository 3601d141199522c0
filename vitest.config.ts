import { defineConfig } from 'vitest/config';
import { ClosingLine } from './test/support/closing-line.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/engines.ts',
    reporters: ['default', new ClosingLine()],
    pool: 'forks',
    isolate: false, // three processes for all files: loading TypeORM and Temporal's SDK takes each a second and more
    maxWorkers: 3, // on two cores: much of the time is waiting for what must not happen
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
