-- The table of dataset bank-transactions, as datasets/bank-transactions.ts declares it.
-- Safe at any time: it makes a new, empty table and touches nothing that exists.
create table warehouse.bank_transaction (
  business_date date not null,
  transaction_id bigint not null,
  booked_at timestamp with time zone not null,
  account_id bigint not null,
  kind text not null,
  amount numeric(14,2) not null,
  label text,
  primary key (business_date, transaction_id)
) partition by list (business_date);
