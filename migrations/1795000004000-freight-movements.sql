-- The table of dataset freight-movements, as datasets/freight-movements.ts declares it.
-- Safe at any time: it makes a new, empty table and touches nothing that exists.
create table warehouse.freight_movement (
  business_date date not null,
  movement_id text not null,
  business_day date not null,
  train text not null,
  wagon text not null,
  origin text not null,
  destination text not null,
  commodity text not null,
  tonnes numeric(9,3) not null,
  departure timestamp with time zone not null,
  arrival timestamp with time zone,
  client text not null,
  amount_xaf bigint not null,
  primary key (business_date, movement_id)
) partition by list (business_date);
