-- The days of old months in one table each, and days again when one of them is replayed (R1, R6, R11, R15).
-- Safe: a column with a default, new tables, and new functions.
set local role nighttrain_owner;

-- Days after which a day is folded, counted from its date.
alter table nighttrain.dataset_policy add fold_after integer not null default 90 check (fold_after > 0);

-- One row a fold or unfold, committed with the tables that it made: COMMIT judges and publishes them. The rows of a day are
-- the same before and after, so that a fold needs no epoch: whatever was published meanwhile wins.
create table nighttrain.fold (
  fold_id uuid primary key,
  dataset text not null references nighttrain.dataset_policy,
  month date not null check (extract(day from month) = 1),
  kind text not null check (kind in ('fold', 'unfold')),
  is_checked boolean not null default false,
  folded_at timestamptz not null default clock_timestamp()
);

-- Which version of a day went where, and the proof that it is the same there.
create table nighttrain.fold_day (
  fold_id uuid not null references nighttrain.fold,
  business_date date not null,
  load_id uuid not null references nighttrain.load_batch,
  from_table text not null,
  to_table text not null,
  rows bigint,
  checksum numeric,
  primary key (fold_id, business_date)
);

-- No two tables have one name: whoever made the other may be frozen, and would be waited for.
create sequence nighttrain.fold_number;

grant insert, update on nighttrain.fold, nighttrain.fold_day to nighttrain_publisher;
grant usage on sequence nighttrain.fold_number to nighttrain_publisher;

select nighttrain.put_missing_guards(1000);
grant create on schema nighttrain to nighttrain_publisher;
set local role nighttrain_publisher;

-- The columns of a dataset's table in their order, to be listed.
create function nighttrain.column_list(of_table text) returns text
language sql stable set search_path = pg_catalog, pg_temp
as $$
  select string_agg(format('%I', attname), ', ' order by attnum)
  from pg_attribute
  where attrelid = format('warehouse.%I', of_table)::regclass and attnum > 0 and not attisdropped
$$;

-- Makes a table for some days of a dataset: from the catalog, as open_day does, and with a check by which ATTACH PARTITION
-- believes the rows without reading them.
create function nighttrain.create_part(of_table text, part text, days date[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
  parent regclass := format('warehouse.%I', of_table)::regclass;
  columns text;
  checks text;
begin
  select string_agg(
    format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))
      || case when a.attcollation <> t.typcollation then format(' collate %s', a.attcollation::regcollation) else '' end
      || case when a.attnotnull then ' not null' else '' end
      || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), ''),
    ', ' order by a.attnum)
  into strict columns
  from pg_attribute a
    join pg_type t on t.oid = a.atttypid
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attrelid = parent and a.attnum > 0 and not a.attisdropped;
  select coalesce(string_agg(format(', constraint %I %s', conname, pg_get_constraintdef(oid)), ''), '')
  into strict checks
  from pg_constraint where conrelid = parent and contype = 'c';
  execute format('create table warehouse.%I (%s%s, check (business_date = any (%L::date[])))',
    part, columns, checks, days);
  execute format('grant insert on warehouse.%I to nighttrain_loader', part);
end
$$;

-- Builds a part's key and indexes like those of its dataset's table.
create function nighttrain.index_part(of_table text, part text) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
  statement text;
begin
  for statement in
    select case
        when i.indisprimary then
          format('alter table warehouse.%I add primary key %s', part, substring(d.definition from '\(.*\)$'))
        else format('create index on warehouse.%I %s', part, substring(d.definition from ' USING .*$'))
      end
    from pg_index i cross join lateral pg_get_indexdef(i.indexrelid) as d(definition)
    where i.indrelid = format('warehouse.%I', of_table)::regclass
    order by i.indisprimary desc
  loop
    execute statement;
  end loop;
end
$$;

-- Opens empty tables for the days of a month, in the caller's transaction and at its top level, as COPY FREEZE demands: one
-- for all of them, or one for each that is folded. Answers the fold, whose days are in fold_day.
create function nighttrain.open_fold(of_dataset text, of_month date, what text) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  policy nighttrain.dataset_policy;
  opened uuid := gen_random_uuid();
  number bigint := nextval('nighttrain.fold_number');
  part record;
begin
  select * into policy from nighttrain.dataset_policy where dataset = of_dataset and write_mode = 'replaceDay';
  if not found then
    raise exception 'no dataset % with days is known here', of_dataset using errcode = 'NT004';
  end if;
  if what = 'fold'
    and (clock_timestamp() at time zone 'utc')::date - ((of_month + interval '1 month')::date - 1) <= policy.fold_after
  then
    raise exception '% of % is not older than % days', to_char(of_month, 'YYYY-MM'), of_dataset, policy.fold_after
      using errcode = 'NT004';
  end if;
  insert into nighttrain.fold (fold_id, dataset, month, kind) values (opened, of_dataset, of_month, what);
  insert into nighttrain.fold_day (fold_id, business_date, load_id, from_table, to_table)
  select opened, p.business_date, p.load_id, coalesce(p.folded_into, b.table_name),
    case what
      when 'fold' then format('%s_%s_m%s', policy.table_name, to_char(of_month, 'YYYYMM'), number)
      else format('%s_%s_u%s', policy.table_name, to_char(p.business_date, 'YYYYMMDD'), number)
    end
  from nighttrain.published_day p join nighttrain.load_batch b using (load_id)
  where p.dataset = of_dataset and p.business_date >= of_month and p.business_date < of_month + interval '1 month'
    -- Of a table that is gone no day is left; a day that has its own table needs no other.
    and (what = 'fold' or to_regclass('warehouse.' || quote_ident(p.folded_into)) is not null);
  if what = 'unfold' and not exists (
    select from nighttrain.published_day p
    where p.dataset = of_dataset and p.business_date >= of_month and p.business_date < of_month + interval '1 month'
      and p.folded_into is not null)
  then
    raise exception '% of % was unfolded meanwhile', to_char(of_month, 'YYYY-MM'), of_dataset using errcode = '40001';
  end if;
  for part in
    select to_table, array_agg(business_date order by business_date) as days
    from nighttrain.fold_day where fold_id = opened
    group by to_table
  loop
    perform nighttrain.create_part(policy.table_name, part.to_table, part.days);
    if what = 'unfold' then -- as open_day made it
      execute format('alter table warehouse.%I alter business_date set default %L', part.to_table, part.days[1]);
    end if;
  end loop;
  return opened;
end
$$;

-- Counts and fingerprints a day in one of its tables. The lock on that is let go of at once: it is taken in a subtransaction
-- that is rolled back, or whoever replays the day would wait for a fold that is slow or frozen (R11).
create function nighttrain.fingerprint(
  part text, column_list text, of_date date, out rows bigint, out checksum numeric
)
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
  execute format(
    'select count(*), coalesce(sum(hash_record_extended(row(%s), 0)), 0) from warehouse.%I where business_date = $1',
    column_list, part) into rows, checksum using of_date;
  raise exception using errcode = 'NT000', message = 'its lock is let go of';
exception
  when sqlstate 'NT000' then null;
  when undefined_table then
    raise exception 'a version of % was replaced meanwhile', of_date using errcode = '40001';
end
$$;

-- Closes the tables of a fold to the loader, builds their keys, and proves that each day is the same in its new place, row
-- by row, and before it gives up its own table that it has as many of them as the ledger says. Of a day that somebody has
-- damaged since, an unfold moves what is left: what mends it is a replay, and that wants the month unfolded.
create function nighttrain.check_fold(of_fold uuid) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  policy nighttrain.dataset_policy;
  what text;
  all_columns text;
  part text;
  moved record;
  was record;
  is_now record;
begin
  select p.* into strict policy
  from nighttrain.fold f join nighttrain.dataset_policy p using (dataset)
  where f.fold_id = of_fold and not f.is_checked;
  select kind into strict what from nighttrain.fold where fold_id = of_fold;
  all_columns := nighttrain.column_list(policy.table_name);
  for part in select distinct to_table from nighttrain.fold_day where fold_id = of_fold loop
    execute format('revoke insert on warehouse.%I from nighttrain_loader', part);
    perform nighttrain.index_part(policy.table_name, part);
  end loop;
  for moved in
    select d.*, b.rows_loaded from nighttrain.fold_day d join nighttrain.load_batch b using (load_id)
    where d.fold_id = of_fold order by d.business_date
  loop
    was := nighttrain.fingerprint(moved.from_table, all_columns, moved.business_date);
    is_now := nighttrain.fingerprint(moved.to_table, all_columns, moved.business_date);
    if what = 'fold' and was.rows <> moved.rows_loaded then
      raise exception 'the ledger says % rows of % of %, warehouse.% has %',
        moved.rows_loaded, policy.dataset, moved.business_date, moved.from_table, was.rows using errcode = 'NT004';
    end if;
    if was is distinct from is_now then
      raise exception '% of % is not the same in warehouse.% and in warehouse.%',
        policy.dataset, moved.business_date, moved.from_table, moved.to_table using errcode = 'NT004';
    end if;
    update nighttrain.fold_day set rows = is_now.rows, checksum = is_now.checksum
    where fold_id = of_fold and business_date = moved.business_date;
  end loop;
  update nighttrain.fold set is_checked = true where fold_id = of_fold;
end
$$;

-- Puts the tables of a fold in the places of those that its days were in, inside COMMIT: lock time-out, fences, what was
-- copied is what is published, tables. The fences come first here too, so that a fold and a load never wait for each other
-- in a circle; and the dataset's table before its parts, as readers lock them.
create function nighttrain.publish_fold() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  this nighttrain.fold;
  parent text;
  part record;
begin
  -- Nobody waits for a fold, and a load waits for an unfold: only the one may make readers wait as long as a load does.
  perform set_config('lock_timeout', case new.kind when 'fold' then '1s' else '5s' end, true);

  select * into strict this from nighttrain.fold where fold_id = new.fold_id;
  if not this.is_checked then
    raise exception 'fold % was not checked', this.fold_id using errcode = 'NT004';
  end if;
  select table_name into strict parent from nighttrain.dataset_policy where dataset = this.dataset;

  perform from nighttrain.run_fence f
  where f.dataset = this.dataset
    and f.business_date in (select d.business_date from nighttrain.fold_day d where d.fold_id = this.fold_id)
  order by f.business_date
  for update;
  if this.kind = 'fold' and exists (
    select from nighttrain.attempt a join nighttrain.fold_day d using (business_date)
    where d.fold_id = this.fold_id and a.dataset = this.dataset and a.state = 'running'
  ) then
    raise exception 'a day of % of % is being loaded', to_char(this.month, 'YYYY-MM'), this.dataset
      using errcode = '40001';
  end if;
  if exists (
    select from nighttrain.fold_day d
      left join nighttrain.published_day p on p.dataset = this.dataset and p.business_date = d.business_date
      left join nighttrain.load_batch b on b.load_id = p.load_id
    where d.fold_id = this.fold_id
      and (p.load_id, coalesce(p.folded_into, b.table_name)) is distinct from (d.load_id, d.from_table)
  ) or exists (
    select from nighttrain.published_day p
    where p.dataset = this.dataset
      and p.folded_into in (select d.from_table from nighttrain.fold_day d where d.fold_id = this.fold_id)
      and p.business_date not in (select d.business_date from nighttrain.fold_day d where d.fold_id = this.fold_id)
  ) then
    raise exception 'a day of % of % was published meanwhile', to_char(this.month, 'YYYY-MM'), this.dataset
      using errcode = '40001';
  end if;

  execute format('lock table only warehouse.%I in access exclusive mode', parent); -- its other parts are nobody's matter
  perform set_config('lock_timeout', '1s', true); -- readers wait for each of these now
  for part in select distinct d.from_table from nighttrain.fold_day d where d.fold_id = this.fold_id loop
    execute format('drop table warehouse.%I', part.from_table); -- every row of it is in the new ones
  end loop;
  for part in
    select d.to_table,
      case this.kind when 'fold' then d.to_table else min(b.table_name) end as final_name,
      string_agg(format('%L', d.business_date), ', ' order by d.business_date) as days
    from nighttrain.fold_day d join nighttrain.load_batch b using (load_id)
    where d.fold_id = this.fold_id
    group by d.to_table
  loop
    if part.final_name <> part.to_table then -- the table that the ledger names, again
      execute format('alter table warehouse.%I rename to %I', part.to_table, part.final_name);
    end if;
    perform nighttrain.put_guard(format('warehouse.%I', part.final_name)::regclass, 60);
    execute format('alter table warehouse.%I attach partition warehouse.%I for values in (%s)',
      parent, part.final_name, part.days);
  end loop;
  update nighttrain.published_day p
  set folded_into = case this.kind when 'fold' then d.to_table end
  from nighttrain.fold_day d
  where d.fold_id = this.fold_id and p.dataset = this.dataset and p.business_date = d.business_date;
  if this.kind = 'unfold' then -- what is gone keeps no day from being replayed
    update nighttrain.published_day p set folded_into = null
    where p.dataset = this.dataset
      and p.business_date >= this.month and p.business_date < this.month + interval '1 month'
      and p.folded_into is not null and to_regclass(format('warehouse.%I', p.folded_into)) is null;
  end if;
  return null;
end
$$;

grant execute on function nighttrain.open_fold(text, date, text), nighttrain.check_fold(uuid) to nighttrain_loader;
grant execute on function nighttrain.publish_fold() to nighttrain_owner;

set local role nighttrain_owner;
revoke create on schema nighttrain from nighttrain_publisher;
create constraint trigger publish_fold
after insert on nighttrain.fold
deferrable initially deferred
for each row execute function nighttrain.publish_fold();
