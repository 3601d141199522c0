import type { Client } from '@temporalio/client';
import { pino } from 'pino';
import type { DataSource } from 'typeorm';
import type { Alarm } from '../alerting/alarm/alarm.ts';
import { readOnCall } from '../alerting/paging/on-call.ts';
import { ConfigurationError } from '../rules/errors.ts';
import type { OnCall } from '../rules/on-call.ts';
import { openAlarm } from '../worker/alarm.ts';
import type { Installation } from './installation.ts';
import type { Output } from './output.ts';

/** Raises alerts for a command that works without any worker. A broken on-call file is said, and does not stop it. */
export function openCommandAlarm(
  here: Pick<Installation, 'config' | 'datasets'> & {
    readonly warehouse: DataSource;
    readonly client: Client;
  },
  output: Output,
): Alarm {
  const onCall = readOrSay(here, output);
  const log = pino({ level: 'error', base: null }, pino.destination({ dest: 2, sync: true }));
  return openAlarm({ ...here, temporal: here.client, onCall: () => onCall, log }).alarm;
}

function readOrSay(
  { config, datasets }: Pick<Installation, 'config' | 'datasets'>,
  output: Output,
): OnCall | undefined {
  try {
    return readOnCall(config.projectRoot, datasets.keys());
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    output.error(error);
    output.note('Nobody is paged for what this command does; the alerts are archived all the same.');
    return undefined;
  }
}
