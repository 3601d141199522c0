-- The table of dataset flights, as datasets/flights.ts declares it.
-- Safe at any time: it makes a new, empty table and touches nothing that exists.
create table warehouse.flight (
  business_date date not null,
  year integer not null,
  month integer not null,
  day integer not null,
  dep_time integer not null,
  sched_dep_time integer not null,
  dep_delay integer not null,
  arr_time integer not null,
  sched_arr_time integer not null,
  arr_delay integer not null,
  carrier text not null,
  flight integer not null,
  tailnum text,
  origin text not null,
  dest text not null,
  air_time integer not null,
  distance integer not null,
  hour integer not null,
  minute integer not null,
  time_hour timestamp with time zone not null,
  primary key (business_date, carrier, flight, origin, sched_dep_time)
) partition by list (business_date);
