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
    // Temporal's client may try a call again on a connection that its test has closed; nobody waits for the answer. Where
    // each file had a process of its own, that process had ended by then.
    onUnhandledError: ({ message, stack = '' }) =>
      !(message === 'Channel has been shut down' && stack.includes('/client/lib/grpc-retry.js')),
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
