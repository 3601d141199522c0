import { setTimeout as wait } from 'node:timers/promises';
import { once } from 'node:events';
import { pino } from 'pino';

/** Where lines go besides stderr. */
export interface LineExport {
  /** Takes a line, or drops it where the thread that sends them does not keep up: nobody waits for a collector. */
  write(line: Readonly<Record<string, unknown>>): void;
  /** Sends what is left, within a bound. */
  close(): Promise<void>;
}

/** What pino's own type of a thread's stream leaves out. */
interface Thread extends ReturnType<typeof pino.transport> {
  readonly writable?: boolean;
  readonly writableNeedDrain?: boolean;
  unref?(): void;
}

/** A collector that is dead keeps nobody from ending for longer than this. */
const LONGEST_CLOSE_MS = 3_000;

/** Numbers of pino's levels and times, which the transport reads. */
const { values: LEVELS } = pino.levels;

/**
 * Sends lines to the collector that OTEL_EXPORTER_OTLP_ENDPOINT names, from a thread of its own; the rest of
 * OpenTelemetry's variables (headers, protocol, time-outs) are read by its own library there.
 * @param onBroken told once, where the thread has died
 */
export function openLineExport(onBroken: (error: unknown) => void): LineExport {
  const stream: Thread = pino.transport({
    target: import.meta.resolve('pino-opentelemetry-transport'),
    options: { loggerName: 'nighttrain', resourceAttributes: { 'service.name': 'nighttrain' } },
    // At the end `close` is called; by itself it would hold up the process's exit for as long as a collector is silent.
    worker: { autoEnd: false, execArgv: [] },
  });
  let isBroken = false;
  stream.on('error', (error: unknown) => {
    if (!isBroken) onBroken(error);
    isBroken = true;
  });
  stream.emit('message', {
    code: 'PINO_CONFIG',
    config: { levels: pino.levels, messageKey: 'msg', errorKey: 'err' },
  });
  return {
    write: ({ level, time, ...line }) => {
      if (isBroken || !stream.writable || stream.writableNeedDrain) return;
      const numbers = { level: LEVELS[String(level)] ?? LEVELS['info'], time: Date.parse(String(time)) };
      stream.write(`${JSON.stringify({ ...numbers, ...line })}\n`);
    },
    close: async () => {
      if (isBroken || !stream.writable) return;
      const closed = once(stream, 'close').catch(() => undefined); // told to onBroken
      stream.end();
      // Held by this timer alone: the thread by itself keeps no process alive.
      const enough = new AbortController();
      const late = wait(LONGEST_CLOSE_MS, undefined, { signal: enough.signal }).catch(() => undefined);
      await Promise.race([closed, late]);
      enough.abort();
      stream.unref?.();
    },
  };
}
