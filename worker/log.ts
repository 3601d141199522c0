import { pino, type Logger } from 'pino';
import { DefaultLogger, type LogEntry, type LogLevel, Runtime } from '@temporalio/worker';

/** Log lines are JSON on stderr: stdout belongs to what a command answers (§6). */
export function createLog(level: string): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ['url', '*.url', 'password', '*.password', 'token', '*.token'], censor: '[secret]' },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}

/** Sends the SDK's own lines the same way. Once in a process. */
export function installRuntime(log: Logger): void {
  const sdk = log.child({ from: 'temporal' });
  const write = ({ level, message, meta }: LogEntry) => sdk[LEVELS[level]]({ ...meta }, message);
  Runtime.install({
    logger: new DefaultLogger('INFO', write),
    // Signals are ours: the worker drains before the engines stop.
    shutdownSignals: [],
    telemetryOptions: { logging: { forward: {}, filter: 'temporalio_sdk_core=WARN,temporalio_client=WARN' } },
  });
}

/** Lets go of the SDK's native half, which otherwise keeps a process alive whose worker never started. */
export function endRuntime(): Promise<void> {
  return Runtime.instance().shutdown();
}

const LEVELS: Record<LogLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error'> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'debug', // a worker's own comings and goings are no news to an operator
  WARN: 'warn',
  ERROR: 'error',
};
