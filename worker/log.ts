import { DefaultLogger, type LogEntry, type LogLevel, Runtime } from '@temporalio/worker';
import { pino, type Logger } from 'pino';
import { stepFields } from '../activities/step-lines.ts';
import { openLineExport, type LineExport } from './otlp.ts';
import { lineRedactor } from './redacted-line.ts';

export interface LogOptions {
  /** What no line may show, by its value (R17). */
  readonly secrets?: readonly string[];
  /** Lines go to the collector of OTEL_EXPORTER_OTLP_ENDPOINT, too. */
  readonly exported?: boolean;
}

/** A log, and what ends it. */
export interface OpenLog {
  readonly log: Logger;
  /** Sends what is left to the collector, within seconds. */
  readonly close: () => Promise<void>;
}

/** Log lines are JSON on stderr: stdout belongs to what a command answers (§6). */
export function openLog(level: string, { secrets = [], exported = false }: LogOptions = {}): OpenLog {
  const stderr = pino.destination({ dest: 2, sync: true });
  const redact = lineRedactor(secrets);
  let collector: LineExport | undefined;
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: stepFields,
      serializers: { err: errorInLog },
    },
    {
      write: (line: string) => {
        const shown = redact(line);
        stderr.write(`${JSON.stringify(shown)}\n`);
        collector?.write(shown);
      },
    },
  );
  if (exported) {
    collector = openLineExport((error) => {
      collector = undefined;
      log.error({ err: error }, 'lines no longer go to the collector of OTEL_EXPORTER_OTLP_ENDPOINT');
    });
  }
  return { log, close: async () => collector?.close() };
}

/** A log that needs no end. */
export function createLog(level: string, options: Omit<LogOptions, 'exported'> = {}): Logger {
  return openLog(level, options).log;
}

/** Of a driver's error no more: it also carries the statement with its values, and the row that was wrong (R17). */
function errorInLog(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, stack, cause } = error;
  const { code } = error as { readonly code?: unknown };
  return {
    type: name,
    message,
    ...(code !== undefined && { code }),
    stack,
    ...(cause !== undefined && { cause: errorInLog(cause) }),
  };
}

/**
 * Sends the SDK's own lines the same way. Once in a process.
 * @param metricsAddress where the SDK serves its metrics, host:port; nowhere without it
 */
export function installRuntime(log: Logger, metricsAddress?: string): void {
  const sdk = log.child({ from: 'temporal' });
  const write = ({ level, message, meta }: LogEntry) => sdk[LEVELS[level]]({ ...meta }, message);
  Runtime.install({
    logger: new DefaultLogger('INFO', write),
    // Signals are ours: the worker drains before the engines stop.
    shutdownSignals: [],
    telemetryOptions: {
      logging: { forward: {}, filter: 'temporalio_sdk_core=WARN,temporalio_client=WARN' },
      ...(metricsAddress !== undefined && {
        metrics: {
          prometheus: {
            bindAddress: metricsAddress,
            countersTotalSuffix: true,
            unitSuffix: true,
            useSecondsForDurations: true,
          },
        },
      }),
    },
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
