-- The table of dataset airports, as datasets/airports.ts declares it.
-- Safe at any time: it makes two new tables and touches nothing that exists.
create table warehouse.airport (
  faa text not null,
  name text not null,
  lat double precision not null,
  lon double precision not null,
  alt integer not null,
  tz integer not null,
  dst text not null,
  tzone text,
  load_id uuid not null,
  version date not null,
  primary key (faa)
);

create table warehouse_history.airport (
  like warehouse.airport,
  replaced_by uuid not null,
  replaced_at timestamptz not null
);
