import { date, defineDataset, double, integer, oneOf, rest, text } from '../rules/kit.ts';

export default defineDataset({
  name: 'stations',
  about: 'Freight stations of the railways of Central Africa; movements refer to them.',
  table: 'station',
  source: rest({ baseUrlFrom: 'FREIGHT_API_URL', tokenFrom: 'FREIGHT_API_TOKEN', path: '/v1/stations' }),
  columns: {
    code: text({ max: 8 }).orReject('no-code'),
    name: text({ max: 200 }).orReject('no-name'),
    country: oneOf('CF', 'CG', 'CM', 'GA', 'GQ', 'TD').orReject('no-country'), // ISO 3166, where XAF is money
    region: text({ max: 100 }),
    lat: double({ min: -90, max: 90 }).orReject('no-position'),
    lon: double({ min: -180, max: 180 }).orReject('no-position'),
    opened: date(), // not known for the oldest
    sidings: integer({ min: 0, max: 1000 }).orReject('no-sidings'),
  },
  key: ['code'],
  write: 'merge',
  schedule: { at: '01:00', dueBy: '04:00' },
});
