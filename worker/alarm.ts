import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import type { Deps } from '../activities/deps.ts';
import { alarmOf } from '../alerting/alarm/alarm.ts';
import type { OnCall } from '../rules/on-call.ts';
import type { Config } from './config.ts';
import { escalationsOf } from './escalations.ts';

/** What raises alerts and has people paged, of a worker or of a command. */
export function openAlarm(parts: {
  readonly config: Pick<Config, 'home'>;
  readonly warehouse: DataSource;
  readonly temporal: Client;
  readonly onCall: () => OnCall | undefined;
  readonly log: Logger;
}): Pick<Deps, 'alarm' | 'escalations' | 'onCall'> {
  const { config, warehouse, onCall, log } = parts;
  const escalations = escalationsOf(parts.temporal);
  const alarm = alarmOf({
    warehouse,
    spoolFolder: join(config.home, 'spool'),
    startEscalation: (alertId) => escalations.start(alertId),
    alertChanged: (alertId) => escalations.alertChanged(alertId),
    onCall,
    log,
  });
  return { alarm, escalations, onCall };
}
