import { csv, defineDataset, double, integer, oneOf, text } from '../rules/kit.ts';

export default defineDataset({
  name: 'airports',
  about: 'Airports by the code that flights name them with. It lacks some: see the audits of flights.',
  table: 'airport',
  source: csv({ missing: 'NA', drift: 'freeze' }),
  columns: {
    faa: text({ max: 3 }).orReject('no-code'),
    name: text({ max: 200 }).orReject('no-name'),
    lat: double({ min: -90, max: 90 }).orReject('no-position'),
    lon: double({ min: -180, max: 180 }).orReject('no-position'),
    alt: integer().orReject('no-position'), // feet; -54 in the Californian desert
    tz: integer({ min: -12, max: 14 }).orReject('no-time-zone'), // hours from UTC in winter
    dst: oneOf('A', 'N', 'U').orReject('no-time-zone'), // as in the US, none, unknown
    tzone: text({ max: 64 }), // of the IANA database; three airports have none
  },
  key: ['faa'],
  write: 'merge',
  schedule: { at: '01:30', dueBy: '05:00' },
});
