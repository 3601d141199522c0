-- How the loader, who owns nothing, gets a table to fill (R15). Safe: it creates new functions only.
-- The functions belong to the publisher, who owns the business tables.
set local role nighttrain_owner;
grant create on schema nighttrain to nighttrain_publisher;
set local role nighttrain_publisher;

-- Opens an empty table for one version of a day, in the caller's transaction and at its top level:
-- COPY FREEZE works only into a table of the same (sub)transaction, so there is no exception block here.
create function nighttrain.open_day(of_dataset text, of_date date, of_epoch bigint, of_load uuid, number integer)
returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  policy nighttrain.dataset_policy;
  parent regclass;
  column_list text;
  opened text;
begin
  select * into policy from nighttrain.dataset_policy where dataset = of_dataset;
  if not found then
    raise exception 'no dataset % is known here', of_dataset
      using errcode = 'NT004', hint = 'Run `npx nighttrain migrate`.';
  end if;
  opened := format('%s_%s_%s_%s', policy.table_name, to_char(of_date, 'YYYYMMDD'), of_epoch, number);
  parent := format('warehouse.%I', policy.table_name)::regclass;
  -- From the catalog, not by LIKE: that holds a lock on the parent until COMMIT, so that a load which is slow or frozen
  -- held up every replay of its dataset, and two replays each other (tried: 55P03 after 5 s, and 40P01; R11).
  select string_agg(
    format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))
      || case when a.attcollation <> t.typcollation then format(' collate %s', a.attcollation::regcollation) else '' end
      || case when a.attnotnull then ' not null' else '' end
      || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), ''),
    ', ' order by a.attnum)
  into strict column_list
  from pg_attribute a
    join pg_type t on t.oid = a.atttypid
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attrelid = parent and a.attnum > 0 and not a.attisdropped;
  if policy.write_mode = 'replaceDay' then
    select column_list || coalesce(string_agg(format(', constraint %I %s', conname, pg_get_constraintdef(oid)), ''), '')
    into strict column_list
    from pg_constraint where conrelid = parent and contype = 'c';
    execute format('create table warehouse.%I (%s)', opened, column_list);
    -- With this check ATTACH PARTITION believes the rows without reading them.
    execute format('alter table warehouse.%I alter business_date set default %L, add check (business_date = %L)',
      opened, of_date, of_date);
  else
    -- Dropped again inside COMMIT: no need for WAL.
    execute format('create unlogged table warehouse.%I (%s)', opened, column_list);
    execute format('alter table warehouse.%I alter load_id set default %L', opened, of_load);
    if policy.version_column is null then
      execute format('alter table warehouse.%I alter version set default %L', opened, of_date);
    else
      execute format('alter table warehouse.%I alter version drop not null', opened);
    end if;
  end if;
  execute format('grant insert on warehouse.%I to nighttrain_loader', opened);
  insert into nighttrain.opened_table (table_name, dataset, business_date, epoch, load_id)
  values (opened, of_dataset, of_date, of_epoch, of_load);
  return opened;
end
$$;

-- Builds the key and the other indexes of an opened table after the COPY; false where two rows share a key.
create function nighttrain.build_keys(opened text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  policy nighttrain.dataset_policy;
  key_list text;
  definition text;
begin
  select p.* into strict policy
  from nighttrain.opened_table o join nighttrain.dataset_policy p using (dataset)
  where o.table_name = opened;
  select string_agg(format('%I', a.attname), ', ' order by k.ord) into strict key_list
  from pg_index i
    cross join unnest(i.indkey::smallint[]) with ordinality k(attnum, ord)
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
  where i.indrelid = format('warehouse.%I', policy.table_name)::regclass and i.indisprimary;
  begin
    execute format('alter table warehouse.%I add primary key (%s)', opened, key_list);
  exception when unique_violation then
    return false;
  end;
  if policy.write_mode = 'replaceDay' then
    for definition in
      select substring(pg_get_indexdef(indexrelid) from ' USING .*$')
      from pg_index
      where indrelid = format('warehouse.%I', policy.table_name)::regclass and not indisprimary
    loop
      execute format('create index on warehouse.%I %s', opened, definition);
    end loop;
  end if;
  return true;
end
$$;

grant execute on function
  nighttrain.open_day(text, date, bigint, uuid, integer), nighttrain.build_keys(text)
to nighttrain_loader;
