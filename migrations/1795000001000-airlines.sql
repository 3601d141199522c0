-- The table of dataset airlines, as datasets/airlines.ts declares it.
-- Safe at any time: it makes two new tables and touches nothing that exists.
create table warehouse.airline (
  carrier text not null,
  name text not null,
  load_id uuid not null,
  version date not null,
  primary key (carrier)
);

create table warehouse_history.airline (
  like warehouse.airline,
  replaced_by uuid not null,
  replaced_at timestamptz not null
);
