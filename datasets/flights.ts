import { clockTime, csv, defineDataset, integer, text, timestamp } from '../rules/kit.ts';

export default defineDataset({
  name: 'flights',
  about: 'Departures from New York, as each carrier reports them the morning after.',
  table: 'flight',
  source: csv({ missing: 'NA', drift: 'freeze' }),
  columns: {
    year: integer({ min: 1987, max: 2100 }).orReject('no-day'), // the source's first year is 1987
    month: integer({ min: 1, max: 12 }).orReject('no-day'),
    day: integer({ min: 1, max: 31 }).orReject('no-day'),
    dep_time: clockTime().orReject('incomplete'), // a cancelled flight has none
    sched_dep_time: clockTime().orReject('no-timetable'),
    dep_delay: integer().orReject('incomplete'), // minutes, negative when early; goes with dep_time
    arr_time: clockTime().orReject('incomplete'),
    sched_arr_time: clockTime().orReject('no-timetable'),
    arr_delay: integer().orReject('incomplete'), // minutes, negative when early; a diverted flight has none
    carrier: text({ max: 2 }).orReject('no-carrier'),
    flight: integer({ min: 1, max: 9999 }).orReject('no-flight-number'),
    tailnum: text({ max: 6 }), // not known for every cancelled flight
    origin: text({ max: 3 }).orReject('no-route'),
    dest: text({ max: 3 }).orReject('no-route'),
    air_time: integer({ min: 1 }).orReject('incomplete'), // minutes
    distance: integer({ min: 1 }).orReject('no-route'), // miles
    hour: integer({ min: 0, max: 24 }).orReject('no-timetable'), // of sched_dep_time
    minute: integer({ min: 0, max: 59 }).orReject('no-timetable'),
    time_hour: timestamp().orReject('no-timetable'), // the scheduled hour as an instant
  },
  key: ['carrier', 'flight', 'origin', 'sched_dep_time'],
  dayOfRow: { year: 'year', month: 'month', day: 'day' },
  write: 'replaceDay',
  schedule: { at: '02:00', dueBy: '05:00' },
  audits: [
    {
      name: 'carrier-unknown',
      severity: 'warn',
      sql: `
        select f.carrier, f.flight, f.origin, f.dest, f.sched_dep_time
        from :table f
        where not exists (select from warehouse.airline a where a.carrier = f.carrier)`,
    },
    {
      name: 'destination-unknown',
      severity: 'warn',
      sql: `
        select f.carrier, f.flight, f.origin, f.dest, f.sched_dep_time
        from :table f
        where not exists (select from warehouse.airport a where a.faa = f.dest)`,
    },
  ],
});
