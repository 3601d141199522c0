-- What a merge would change (§5). Safe: it creates new functions only.
set local role nighttrain_publisher;

-- The columns that a dataset declares: all of its table but the warehouse's own.
create function nighttrain.declared_columns(of_table text) returns text[]
language sql stable set search_path = pg_catalog, pg_temp
as $$
  select array_agg(attname::text order by attnum)
  from pg_attribute
  where attrelid = format('warehouse.%I', of_table)::regclass
    and attnum > 0 and not attisdropped and attname not in ('business_date', 'load_id', 'version')
$$;

-- Leaves in `<opened>_delta` the rows of an opened table that the merge would insert or update, and counts all of
-- them: unchanged rows have what the table has, stale ones are older than what it has. COMMIT writes the delta alone.
create function nighttrain.merge_delta(
  opened text,
  out inserted bigint, out updated bigint, out unchanged bigint, out stale bigint
)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  policy nighttrain.dataset_policy;
  delta text := opened || '_delta';
  head bigint;
  new_version text;
  columns text;
  join_on text;
  same text;
begin
  select p.* into strict policy
  from nighttrain.opened_table o join nighttrain.dataset_policy p using (dataset)
  where o.table_name = opened and p.write_mode = 'merge';
  -- Read before the rows: whoever merges in between moves the head, and COMMIT will see that.
  select seq into strict head from nighttrain.audit_chain_head where dataset = policy.dataset;
  new_version := format('s.%I', coalesce(policy.version_column, 'version'));
  select string_agg(format('s.%1$I = t.%1$I', k), ' and ') into strict join_on from unnest(policy.key_columns) k;
  select string_agg(format('s.%I', c), ', '),
    format('row(%s) is not distinct from row(%s)',
      string_agg(format('s.%I', c), ', '), string_agg(format('t.%I', c), ', '))
  into strict columns, same
  from unnest(nighttrain.declared_columns(policy.table_name)) c;
  -- A left join keeps every new row: those that it leaves out here are unchanged. The stale ones leave again below.
  execute format(
    'create unlogged table warehouse.%I as
     select %s, s.load_id, %s as version,
       case when t.version is null then ''inserted'' when %3$s >= t.version then ''updated'' else ''stale'' end as verdict
     from warehouse.%I s left join warehouse.%I t on %s
     where t.version is null or not (%s)',
    delta, columns, new_version, opened, policy.table_name, join_on, same);
  execute format(
    'select count(*) filter (where verdict = ''inserted''), count(*) filter (where verdict = ''updated''),
       count(*) filter (where verdict = ''stale''), (select count(*) from warehouse.%I) - count(*)
     from warehouse.%I',
    opened, delta) into inserted, updated, stale, unchanged;
  if stale > 0 then
    execute format('delete from warehouse.%I where verdict = ''stale''', delta);
  end if;
  update nighttrain.opened_table set base_seq = head, delta_rows = inserted + updated where table_name = opened;
end
$$;

grant execute on function nighttrain.merge_delta(text) to nighttrain_loader;
