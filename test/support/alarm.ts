import type { DataSource } from 'typeorm';
import type { Alarm } from '../../alerting/alarm/alarm.ts';
import type { OnCall } from '../../rules/on-call.ts';
import { openAlarm } from '../../worker/alarm.ts';
import type { House } from './house.ts';

/** The alarm of a house, outside its workers. @param onCall by default nobody is */
export function alarmIn(house: House, warehouse: DataSource, onCall?: OnCall): Alarm {
  const { client: temporal, log } = house;
  const config = { home: house.folder };
  return openAlarm({ config, warehouse, temporal, onCall: () => onCall, log }).alarm;
}
