-- The ledger's deferred trigger: it has the last word on every night and publishes it, inside COMMIT (R1, R2, R6).
-- Safe: it creates new functions and a trigger on a table that is empty until now.
set local role nighttrain_publisher;

-- Puts a day's table in the place of the version before, which moves to warehouse_history; from now on it is guarded.
-- A version that was folded since the load looked is in no table of its own: 40001, and the load looks again. One whose
-- table is gone leaves nothing to move. The row is locked, for an old snapshot says nothing of a fold since.
create function nighttrain.swap_day(parent text, opened text, of_date date, previous text) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
  month_table text;
begin
  if previous is not null and to_regclass(format('warehouse.%I', previous)) is null then
    select p.folded_into into month_table
    from nighttrain.published_day p join nighttrain.dataset_policy d using (dataset)
    where d.table_name = parent and p.business_date = of_date
    for update of p;
    if month_table is not null then
      raise exception '% of warehouse.% was folded meanwhile', of_date, parent using errcode = '40001';
    end if;
  elsif previous is not null then
    execute format('alter table warehouse.%I detach partition warehouse.%I', parent, previous);
    execute format('alter table warehouse.%I set schema warehouse_history', previous);
  end if;
  execute format('revoke insert on warehouse.%I from nighttrain_loader', opened);
  perform nighttrain.put_guard(format('warehouse.%I', opened)::regclass, 60);
  execute format('alter table warehouse.%I attach partition warehouse.%I for values in (%L)', parent, opened, of_date);
end
$$;

-- Writes a delta into its table, with the rows as they were before to warehouse_history.
create function nighttrain.apply_delta(
  policy nighttrain.dataset_policy, opened nighttrain.opened_table
) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
  delta text := opened.table_name || '_delta';
  all_columns text[] := nighttrain.declared_columns(policy.table_name) || '{load_id,version}'::text[];
  column_list text;
  assignments text;
  join_on text;
  key_list text;
  written bigint;
begin
  select string_agg(format('%I', c), ', '), string_agg(format('%1$I = excluded.%1$I', c), ', ')
  into strict column_list, assignments from unnest(all_columns) c;
  select string_agg(format('%I', k), ', '), string_agg(format('d.%1$I = t.%1$I', k), ' and ')
  into strict key_list, join_on from unnest(policy.key_columns) k;
  execute format(
    'insert into warehouse_history.%1$I select t.*, %2$L::uuid, clock_timestamp()
     from warehouse.%1$I t join warehouse.%3$I d on %4$s',
    policy.table_name, opened.load_id, delta, join_on);
  execute format(
    'insert into warehouse.%1$I as t (%2$s) select %2$s from warehouse.%3$I order by %4$s
     on conflict (%4$s) do update set %5$s where t.version <= excluded.version',
    policy.table_name, column_list, delta, key_list, assignments);
  get diagnostics written = row_count;
  if written <> opened.delta_rows then
    raise exception 'the table changed under the merge: % of % rows written', written, opened.delta_rows
      using errcode = '40001';
  end if;
  execute format('drop table warehouse.%I', delta);
end
$$;

-- sha256(previous ‖ fields), each field behind its length, so that no two batches share an image (R16).
create function nighttrain.chain_hash(previous bytea, batch nighttrain.load_batch, committed_at timestamptz)
returns bytea
language sql immutable set search_path = pg_catalog, pg_temp
as $$
  select sha256(previous || string_agg(int4send(octet_length(field)) || field, '' order by ord))
  from unnest(array[
    batch.load_id::text, batch.dataset, to_char(batch.business_date, 'YYYY-MM-DD'), batch.epoch::text,
    batch.owner_run_id, batch.table_name, batch.rows_read::text, batch.rows_loaded::text,
    batch.rows_rejected::text, batch.rows_discarded::text, batch.rows_deduplicated::text,
    batch.content_sha256, batch.manifest,
    extract(epoch from batch.started_at)::text, extract(epoch from committed_at)::text
  ]) with ordinality as fields(value, ord),
  lateral convert_to(value, 'UTF8') as field
$$;

-- Lock time-out, fence, limit, swap, chain: always in that order, so that two publications never wait for each other
-- in a circle. NT001 fenced, NT002 refused, NT003 empty, NT004 not as agreed: none of them looks retryable.
create function nighttrain.judge_and_publish() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  policy nighttrain.dataset_policy;
  opened nighttrain.opened_table;
  current_epoch bigint;
  previous text;
  head nighttrain.audit_chain_head;
  leftover text;
  now_at timestamptz;
begin
  perform set_config('lock_timeout', '5s', true);

  select epoch into current_epoch from nighttrain.run_fence
  where dataset = new.dataset and business_date = new.business_date and owner_run_id = new.owner_run_id
  for share;
  if current_epoch is distinct from new.epoch then
    raise exception 'fenced: epoch % of % of % is no longer current', new.epoch, new.dataset, new.business_date
      using errcode = 'NT001';
  end if;

  select * into strict policy from nighttrain.dataset_policy where dataset = new.dataset;
  if new.rows_rejected * 100 > policy.reject_limit_percent * (new.rows_read - new.rows_discarded) then
    raise exception 'refused: % of % rows rejected, the limit is % %%',
      new.rows_rejected, new.rows_read - new.rows_discarded, policy.reject_limit_percent
      using errcode = 'NT002';
  end if;
  if new.rows_read - new.rows_discarded = 0 and not policy.allow_empty then
    raise exception 'refused: empty source' using errcode = 'NT003';
  end if;

  select * into opened from nighttrain.opened_table
  where table_name = new.table_name and dataset = new.dataset and business_date = new.business_date
    and epoch = new.epoch and load_id = new.load_id;
  if not found then
    raise exception 'table % was not opened for this batch', new.table_name using errcode = 'NT004';
  end if;
  if policy.write_mode = 'replaceDay' then
    select b.table_name into previous
    from nighttrain.published_day p join nighttrain.load_batch b using (load_id)
    where p.dataset = new.dataset and p.business_date = new.business_date;
    perform nighttrain.swap_day(policy.table_name, new.table_name, new.business_date, previous);
  else
    perform nighttrain.apply_delta(policy, opened);
  end if;
  for leftover in
    delete from nighttrain.opened_table
    where load_id = new.load_id
    returning table_name
  loop
    if policy.write_mode = 'merge' or leftover <> new.table_name then
      execute format('drop table warehouse.%I', leftover);
    end if;
  end loop;
  insert into nighttrain.published_day as p (dataset, business_date, load_id)
  values (new.dataset, new.business_date, new.load_id)
  on conflict (dataset, business_date) do update set load_id = excluded.load_id;

  select * into strict head from nighttrain.audit_chain_head where dataset = new.dataset for update;
  if head.seq <> opened.base_seq then
    raise exception 'another batch of % was merged meanwhile', new.dataset using errcode = '40001';
  end if;
  now_at := clock_timestamp();
  insert into nighttrain.audit_chain (dataset, seq, load_id, previous_hash, hash, committed_at)
  values (new.dataset, head.seq + 1, new.load_id, head.hash, nighttrain.chain_hash(head.hash, new, now_at), now_at);
  update nighttrain.audit_chain_head
  set seq = head.seq + 1, hash = nighttrain.chain_hash(head.hash, new, now_at)
  where dataset = new.dataset;
  return null;
end
$$;

-- Links of a dataset's chain that are changed, missing or do not fit the one before; none means good (R16).
create function nighttrain.broken_links(of_dataset text) returns table (seq bigint, problem text)
language sql stable set search_path = pg_catalog, pg_temp
as $$
  with link as (
    select c.seq, c.hash, c.previous_hash, b.load_id is null as lost,
      nighttrain.chain_hash(c.previous_hash, b, c.committed_at) as expected,
      lag(c.hash, 1, '\x'::bytea) over (order by c.seq) as before,
      row_number() over (order by c.seq) as place
    from nighttrain.audit_chain c left join nighttrain.load_batch b using (load_id)
    where c.dataset = of_dataset
  )
  select seq, 'its batch is gone' from link where lost
  union all
  select seq, 'its batch was changed' from link where not lost and hash <> expected
  union all
  select seq, 'it does not follow the link before' from link where previous_hash <> before or seq <> place
  union all
  select h.seq, 'the head is not the last link' from nighttrain.audit_chain_head h
  where h.dataset = of_dataset
    and (h.seq, h.hash) is distinct from
      coalesce((select (l.seq, l.hash) from link l order by l.seq desc limit 1), (0::bigint, '\x'::bytea))
  union all
  select 0, format('batch %s has no link', b.load_id) from nighttrain.load_batch b
  where b.dataset = of_dataset and not exists (select from nighttrain.audit_chain c where c.load_id = b.load_id)
  order by 1
$$;

grant execute on function nighttrain.judge_and_publish() to nighttrain_owner;
grant execute on function nighttrain.broken_links(text), nighttrain.chain_hash(bytea, nighttrain.load_batch, timestamptz)
to nighttrain_loader, nighttrain_reader;

set local role nighttrain_owner;
revoke create on schema nighttrain from nighttrain_publisher;
create constraint trigger judge_and_publish
after insert on nighttrain.load_batch
deferrable initially deferred
for each row execute function nighttrain.judge_and_publish();
