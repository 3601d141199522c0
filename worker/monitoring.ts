import { z } from 'zod';

/** How this installation is watched from outside. */
export interface Monitoring {
  /** Where /healthz, /readyz and /metrics are served. */
  readonly host: string;
  /** Of a worker; 0: any that is free. */
  readonly port: number;
  /** Of the watchdog, which may share a machine with a worker. */
  readonly watchdogPort: number;
  /** What the watchdog calls every minute, so that its own silence is seen; a secret as a whole. */
  readonly deadManUrl: string | undefined;
  /** Whether lines of the log go to a collector of OpenTelemetry, too. */
  readonly exportsLog: boolean;
}

export const NO_MONITORING: Monitoring = {
  host: '127.0.0.1',
  port: 0,
  watchdogPort: 0,
  deadManUrl: undefined,
  exportsLog: false,
};

const port = z
  .string()
  .refine((text) => /^\d{1,5}$/.test(text) && Number(text) < 65_536, 'is not a port')
  .optional();

const httpUrl = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), 'is not an http(s) URL')
  .optional();

export const MONITORING_VARIABLES = {
  NIGHTTRAIN_HEALTH_HOST: z.string().min(1).optional(),
  NIGHTTRAIN_HEALTH_PORT: port,
  NIGHTTRAIN_WATCHDOG_PORT: port,
  NIGHTTRAIN_DEADMAN_URL: httpUrl,
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl,
  OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: httpUrl,
};

type Values = { readonly [name in keyof typeof MONITORING_VARIABLES]?: string | undefined };

/** The variables, checked, as what they mean. */
export function monitoringOf(values: Values): Monitoring {
  return {
    host: values.NIGHTTRAIN_HEALTH_HOST ?? NO_MONITORING.host,
    port: Number(values.NIGHTTRAIN_HEALTH_PORT ?? NO_MONITORING.port),
    watchdogPort: Number(values.NIGHTTRAIN_WATCHDOG_PORT ?? NO_MONITORING.watchdogPort),
    deadManUrl: values.NIGHTTRAIN_DEADMAN_URL,
    exportsLog: (values.OTEL_EXPORTER_OTLP_LOGS_ENDPOINT ?? values.OTEL_EXPORTER_OTLP_ENDPOINT) !== undefined,
  };
}
