-- The table of dataset bank-accounts, as datasets/bank-accounts.ts declares it.
-- Safe at any time: it makes two new tables and touches nothing that exists.
create table warehouse.bank_account (
  account_id bigint not null,
  customer_id bigint not null,
  currency text not null,
  opened_on date not null,
  opening_balance numeric(14,2) not null,
  closing_balance numeric(14,2) not null,
  balance_on date not null,
  load_id uuid not null,
  version date not null,
  primary key (account_id)
);

create table warehouse_history.bank_account (
  like warehouse.bank_account,
  replaced_by uuid not null,
  replaced_at timestamptz not null
);
