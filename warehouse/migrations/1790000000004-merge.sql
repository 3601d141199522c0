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
  head bigint;
  join_on text;
  same text;
begin
  select p.* into strict policy
  from nighttrain.opened_table o join nighttrain.dataset_policy p using (dataset)
  where o.table_name = opened and p.write_mode = 'merge';
  if policy.version_column is not null then
    execute format('update warehouse.%I set version = %I', opened, policy.version_column);
  end if;
  -- Read before the rows: whoever merges in between moves the head, and COMMIT will see that.
  select seq into strict head from nighttrain.audit_chain_head where dataset = policy.dataset;
  select string_agg(format('s.%1$I = t.%1$I', k), ' and ') into strict join_on from unnest(policy.key_columns) k;
  select format('row(%s) is not distinct from row(%s)',
    string_agg(format('s.%I', c), ', '), string_agg(format('t.%I', c), ', '))
  into strict same
  from unnest(nighttrain.declared_columns(policy.table_name)) c;
  execute format(
    'create unlogged table warehouse.%I as
     select s.*, t.version is null as is_new
     from warehouse.%I s left join warehouse.%I t on %s
     where t.version is null or (not (%s) and s.version >= t.version)',
    opened || '_delta', opened, policy.table_name, join_on, same);
  execute format('select count(*) filter (where is_new), count(*) filter (where not is_new) from warehouse.%I',
    opened || '_delta') into inserted, updated;
  execute format(
    'select count(*) filter (where %s), count(*) filter (where not (%s) and s.version < t.version)
     from warehouse.%I s join warehouse.%I t on %s',
    same, same, opened, policy.table_name, join_on) into unchanged, stale;
  update nighttrain.opened_table set base_seq = head, delta_rows = inserted + updated where table_name = opened;
end
$$;

grant execute on function nighttrain.merge_delta(text) to nighttrain_loader;
