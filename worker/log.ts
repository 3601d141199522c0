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
      serializers: { err: errorInLog, error: errorInLog }, // `error`: as Temporal's SDK calls its own
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
