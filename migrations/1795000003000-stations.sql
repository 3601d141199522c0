-- The table of dataset stations, as datasets/stations.ts declares it.
-- Safe at any time: it makes two new tables and touches nothing that exists.
create table warehouse.station (
  code text not null,
  name text not null,
  country text not null,
  region text,
  lat double precision not null,
  lon double precision not null,
  opened date,
  sidings integer not null,
  load_id uuid not null,
  version date not null,
  primary key (code)
);

create table warehouse_history.station (
  like warehouse.station,
  replaced_by uuid not null,
  replaced_at timestamptz not null
);
