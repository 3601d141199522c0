import { bigint, csv, date, defineDataset, oneOf, text } from '../rules/kit.ts';

export default defineDataset({
  name: 'bank-customers',
  about: 'Who banks here; accounts refer to them.',
  table: 'bank_customer',
  source: csv({ endsLastLine: true }),
  columns: {
    customer_id: bigint().orReject('no-id'),
    name: text({ max: 200 }).personal().orReject('no-name'),
    born: date().personal().orReject('no-birthday'),
    country: oneOf('FR', 'ES', 'IT', 'DE', 'BE').orReject('no-country'),
    since: date().orReject('no-start'),
  },
  key: ['customer_id'],
  write: 'merge',
  schedule: { at: '01:00', dueBy: '05:00' },
});
