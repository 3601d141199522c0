import { csv, defineDataset, text } from '../rules/kit.ts';

export default defineDataset({
  name: 'airlines',
  about: 'The carriers that report their flights, by the code that flights name them with.',
  table: 'airline',
  source: csv({ missing: 'NA', drift: 'freeze' }),
  columns: {
    carrier: text({ max: 2 }).orReject('no-code'),
    name: text({ max: 200 }).orReject('no-name'),
  },
  key: ['carrier'],
  write: 'merge',
  schedule: { at: '01:30', dueBy: '05:00' },
});
