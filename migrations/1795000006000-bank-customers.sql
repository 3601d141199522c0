-- The table of dataset bank-customers, as datasets/bank-customers.ts declares it.
-- Safe at any time: it makes two new tables and touches nothing that exists.
create table warehouse.bank_customer (
  customer_id bigint not null,
  name text not null,
  born date not null,
  country text not null,
  since date not null,
  load_id uuid not null,
  version date not null,
  primary key (customer_id)
);

create table warehouse_history.bank_customer (
  like warehouse.bank_customer,
  replaced_by uuid not null,
  replaced_at timestamptz not null
);
