import { bigint, csv, date, decimal, defineDataset, oneOf } from '../rules/kit.ts';

export default defineDataset({
  name: 'bank-accounts',
  about:
    'Accounts with the balance before and after the last day that moved them; transactions refer to them.',
  table: 'bank_account',
  source: csv({ endsLastLine: true }),
  columns: {
    account_id: bigint().orReject('no-id'),
    customer_id: bigint().references('bank_customer', 'customer_id').orReject('no-customer'),
    currency: oneOf('EUR', 'CHF', 'GBP').orReject('no-currency'),
    opened_on: date().orReject('no-opening'),
    opening_balance: decimal({ precision: 14, scale: 2 }).orReject('no-balance'), // before the first transaction of balance_on
    closing_balance: decimal({ precision: 14, scale: 2 }).orReject('no-balance'), // after its last one
    balance_on: date().orReject('no-balance'), // an account that rests keeps its row
  },
  key: ['account_id'],
  write: 'merge',
  schedule: { at: '01:30', dueBy: '05:00', after: ['bank-customers'] },
});
