import { bigint, csv, decimal, defineDataset, oneOf, text, timestamp } from '../rules/kit.ts';

export default defineDataset({
  name: 'bank-transactions',
  about: 'What was booked on each account in a day.',
  table: 'bank_transaction',
  source: csv({ endsLastLine: true }),
  columns: {
    transaction_id: bigint().orReject('no-id'),
    booked_at: timestamp().orReject('no-time'),
    account_id: bigint().references('bank_account', 'account_id').orReject('no-account'),
    kind: oneOf('card', 'cash', 'direct-debit', 'fee', 'interest', 'salary', 'transfer').orReject('no-kind'),
    amount: decimal({ precision: 14, scale: 2 }).orReject('no-amount'), // the account's currency; negative when money leaves
    label: text({ max: 140 }), // as the customer reads it on the statement
  },
  key: ['transaction_id'],
  dayOfRow: { column: 'booked_at' },
  write: 'replaceDay',
  schedule: { at: '02:00', dueBy: '06:00', after: ['bank-accounts'] },
  audits: [
    {
      // Accounts that a later day has moved since then cannot be judged any more, and are left out.
      name: 'balance-differs',
      severity: 'warn',
      sql: `
        select a.account_id, a.opening_balance, coalesce(t.moved, 0) as moved, a.closing_balance, a.balance_on
        from warehouse.bank_account a
          left join (select account_id, sum(amount) as moved from :table group by account_id) t using (account_id)
        where (a.balance_on = :businessDate and a.opening_balance + coalesce(t.moved, 0) <> a.closing_balance)
          or (a.balance_on < :businessDate and t.moved <> 0)`,
    },
  ],
});
