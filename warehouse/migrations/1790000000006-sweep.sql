-- What the sweep goes by and leaves behind (R12, R13, R19). Safe: a nullable column, new tables and functions.
set local role nighttrain_owner;

-- The first business date that the dataset's schedule owes; before it no night is missing.
alter table nighttrain.dataset_policy add scheduled_since date;

-- What a person must know. One row a (rule, dataset, business date, subject), however often it is seen again.
create table nighttrain.alert (
  alert_id uuid primary key default gen_random_uuid(),
  rule text not null,
  severity text not null check (severity in ('warn', 'error', 'critical')),
  dataset text,
  business_date date,
  subject text not null default '',
  sentence text not null,
  facts jsonb not null default '{}',
  state text not null default 'firing' check (state in ('firing', 'acknowledged', 'resolved')),
  times bigint not null default 1,
  first_at timestamptz not null default clock_timestamp(),
  last_at timestamptz not null default clock_timestamp(),
  resolved_at timestamptz,
  unique nulls not distinct (rule, dataset, business_date, subject)
);
grant insert, update on nighttrain.alert to nighttrain_loader;

grant create on schema nighttrain to nighttrain_publisher;
set local role nighttrain_publisher;

-- Replaced versions whose time in warehouse_history is over (R10, R19): what `expire_history` would drop.
create function nighttrain.expired_versions() returns table (dataset text, business_date date, table_name text)
language sql stable set search_path = pg_catalog, pg_temp
as $$
  with version as (
    select b.dataset, b.business_date, b.table_name, p.history_days,
      lead(c.committed_at) over (partition by b.dataset, b.business_date order by c.seq) as replaced_at
    from nighttrain.load_batch b
      join nighttrain.audit_chain c using (load_id)
      join nighttrain.dataset_policy p on p.dataset = b.dataset and p.write_mode = 'replaceDay'
  )
  select dataset, business_date, table_name from version
  where replaced_at < clock_timestamp() - make_interval(days => history_days)
    and to_regclass(format('warehouse_history.%I', table_name)) is not null
$$;

-- Drops at most `most` of them, so that one call is short; answers how many. Published tables are never in that schema.
create function nighttrain.expire_history(most integer) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  expired record;
  policy nighttrain.dataset_policy;
  done bigint := 0;
begin
  perform set_config('lock_timeout', '5s', true);
  for expired in select * from nighttrain.expired_versions() limit most loop
    execute format('drop table warehouse_history.%I', expired.table_name);
    done := done + 1;
  end loop;
  for policy in select * from nighttrain.dataset_policy where write_mode = 'merge' loop
    execute format(
      'delete from warehouse_history.%I where replaced_at < clock_timestamp() - make_interval(days => %s)',
      policy.table_name, policy.history_days);
  end loop;
  return done;
end
$$;

grant execute on function nighttrain.expired_versions() to nighttrain_loader, nighttrain_reader;
grant execute on function nighttrain.expire_history(integer) to nighttrain_loader;

set local role nighttrain_owner;
revoke create on schema nighttrain from nighttrain_publisher;
