import { bigint, date, decimal, defineDataset, oneOf, rest, text, timestamp } from '../rules/kit.ts';

export default defineDataset({
  name: 'freight-movements',
  about: 'Each wagon of freight that left a station on the day, with its client and what it was charged.',
  table: 'freight_movement',
  source: rest({
    baseUrlFrom: 'FREIGHT_API_URL',
    tokenFrom: 'FREIGHT_API_TOKEN',
    path: '/v1/movements',
    dateParameter: 'date',
  }),
  columns: {
    movement_id: text({ max: 40 }).orReject('no-id'),
    // The railway's own day. It runs on UTC+1: the UTC day of `departure` would put the first hour on the day before.
    business_day: date().orReject('no-day'),
    train: text({ max: 20 }).orReject('no-train'),
    wagon: text({ max: 20 }).orReject('no-wagon'),
    origin: text({ max: 8 }).references('station', 'code').orReject('no-route'),
    destination: text({ max: 8 }).references('station', 'code').orReject('no-route'),
    commodity: oneOf(
      'alumina',
      'cement',
      'cereals',
      'cocoa',
      'containers',
      'cotton',
      'fertiliser',
      'fuel',
      'manganese',
      'scrap',
      'sugar',
      'timber',
    ).orReject('no-commodity'),
    tonnes: decimal({ precision: 9, scale: 3 }).orReject('no-weight'),
    departure: timestamp().orReject('no-departure'),
    arrival: timestamp(), // none while the train is under way
    client: text({ max: 200 }).personal().orReject('no-client'),
    amount_xaf: bigint().orReject('no-amount'), // the franc has no smaller unit
  },
  key: ['movement_id'],
  dayOfRow: { column: 'business_day' },
  write: 'replaceDay',
  schedule: { at: '02:30', dueBy: '06:00', after: ['stations'] },
});
