-- What nobody may change or delete by hand, whatever their rights (R15). Safe: new functions, triggers that stop statements
-- which no part of Night Train sends, and a function that gives every published day such a trigger.
set local role nighttrain_owner;

-- What guards have stopped, and who opened them deliberately. The transaction of a statement that is stopped is rolled
-- back: its trace is in sequences, which no rollback takes back, until the sweep moves it here.
create table nighttrain.guard_event (
  event_id bigint generated always as identity primary key,
  kind text not null check (kind in ('stopped', 'opened')),
  -- Its number, where it was stopped.
  trip bigint unique,
  -- More than one where nobody looked for so long that the details of the first were written over.
  times bigint not null default 1,
  action text,
  object_name text,
  session_role text,
  effective_role text,
  client_address inet,
  pid integer,
  -- What whoever opened it gave as reason; `migration <name>` where `migrate` did.
  reason text,
  xact xid8,
  at timestamptz not null default clock_timestamp(),
  reported_at timestamptz,
  unique (xact, action, object_name),
  check ((kind = 'stopped') = (trip is not null))
);
create index on nighttrain.guard_event (event_id) where reported_at is null;

create sequence nighttrain.guard_trip;
-- The details of the last 16, a slot each, packed into numbers: setval outlives a rollback as nextval does.
do $$
declare
  slot integer;
  part text;
begin
  for slot in 0..15 loop
    foreach part in array array['trip', 'at', 'who', 'what', 'source'] loop
      execute format('create sequence nighttrain.guard_trip_%s_%s minvalue -9223372036854775808 start 0', slot, part);
    end loop;
  end loop;
end
$$;

-- Stops a statement and leaves its trace; or lets it pass and keeps that, where the break-glass setting gives a reason.
-- NT005: stopped by a guard.
create function nighttrain.stop_or_record(stopped_action text, object_id oid, object_name text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  reason text := nullif(btrim(current_setting('nighttrain.break_glass', true)), '');
  actions constant text[] := array['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'ALTER', 'DROP'];
  acting_as text := case current_setting('role') when 'none' then session_user else current_setting('role') end;
  trip bigint;
  slot text;
begin
  if reason is not null then
    insert into nighttrain.guard_event
      (kind, action, object_name, session_role, effective_role, client_address, pid, reason, xact)
    values ('opened', stopped_action, stop_or_record.object_name, session_user, acting_as, inet_client_addr(),
      pg_backend_pid(), left(reason, 1000), pg_current_xact_id())
    on conflict do nothing;
    return;
  end if;
  -- One at a time, until the transaction is rolled back. Not nextval: it logs 32 numbers ahead, which after a crash or on a
  -- standby that takes over would all have been stopped. The slot's number goes first and the last number comes last, so
  -- that whoever takes traces meanwhile sees all of one or none.
  perform pg_advisory_xact_lock(hashtext('nighttrain guard trip'));
  select case when is_called then last_value + 1 else 1 end into trip from nighttrain.guard_trip;
  slot := format('nighttrain.guard_trip_%s_', trip % 16);
  perform setval((slot || 'trip')::regclass, trip);
  perform setval((slot || 'at')::regclass, (extract(epoch from clock_timestamp()) * 1000000)::bigint);
  perform setval((slot || 'who')::regclass,
    (to_regrole(quote_ident(session_user))::oid::bigint << 32) | to_regrole(quote_ident(acting_as))::oid::bigint);
  perform setval((slot || 'what')::regclass,
    (object_id::bigint << 32) | (pg_backend_pid()::bigint << 4) | array_position(actions, stopped_action));
  perform setval((slot || 'source')::regclass, case
    when inet_client_addr() is null then 0
    when family(inet_client_addr()) = 4 then inet_client_addr() - inet '0.0.0.0'
    else -1
  end);
  perform setval('nighttrain.guard_trip', trip);
  raise log 'nighttrain: a guard stopped % of % by % (as %) from %', stopped_action, object_name, session_user,
    acting_as, coalesce(host(inet_client_addr()), 'this machine');
  raise exception '% of % is guarded: it was stopped, and is recorded', stopped_action, object_name
    using errcode = 'NT005',
      hint = 'Night Train''s own commands change and delete what may go. To do it by hand all the same, for a reason that '
        'will be kept: set local nighttrain.break_glass = ''why''; in the transaction.';
end
$$;

-- Of every guarded table. Its trigger's condition lets pass whatever runs inside a SECURITY DEFINER function of
-- ours: nobody else comes to those roles without having set them.
create function nighttrain.guard() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform nighttrain.stop_or_record(tg_op, tg_relid, format('%I.%I', tg_table_schema, tg_table_name));
  return null;
end
$$;

-- Gives a table its guard, or its guard back. @param stops bits as in pg_trigger.tgtype: 4 INSERT, 8 DELETE, 16 UPDATE,
-- 32 TRUNCATE
create function nighttrain.put_guard(of_table regclass, stops integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
  execute format(
    'create or replace trigger guard before %s on %s for each statement
     when (current_user not in (''nighttrain_owner'', ''nighttrain_publisher'')
       or current_user = current_setting(''role'') or current_user = session_user)
     execute function nighttrain.guard()',
    concat_ws(' or ', case when stops & 4 > 0 then 'insert' end, case when stops & 8 > 0 then 'delete' end,
      case when stops & 16 > 0 then 'update' end, case when stops & 32 > 0 then 'truncate' end),
    of_table);
end
$$;

-- Every table that must have a guard, and what this must stop.
create function nighttrain.guarded_tables() returns table (of_table regclass, stops integer)
language sql stable set search_path = pg_catalog, pg_temp
as $$
  select c.oid::regclass, g.stops
  from (values
    ('load_batch', 56), ('audit_chain', 56), ('audit_chain_head', 40), ('published_day', 56), ('run_fence', 40),
    ('dataset_policy', 40), ('attempt', 40), ('quarantine', 56), ('request', 40), ('audit_result', 56),
    ('alert', 40), ('alert_event', 56), ('alert_delivery', 40), ('alert_evidence', 56),
    ('quarantine_release', 40), ('quarantine_release_row', 40), ('guard_event', 56), ('fold', 56), ('fold_day', 56)
  ) g(name, stops)
    join pg_class c on c.relname = g.name and c.relnamespace = 'nighttrain'::regnamespace
  union all
  select c.oid::regclass, 60
  from nighttrain.dataset_policy p
    join pg_class c on c.relname = p.table_name
      and c.relnamespace in ('warehouse'::regnamespace, 'warehouse_history'::regnamespace)
  union all
  select c.oid::regclass, 60
  from nighttrain.load_batch b
    join pg_class c on c.relname = b.table_name
      and c.relnamespace in ('warehouse'::regnamespace, 'warehouse_history'::regnamespace)
  union all
  select distinct c.oid::regclass, 60
  from nighttrain.published_day p
    join pg_class c on c.relname = p.folded_into and c.relnamespace = 'warehouse'::regnamespace
$$;

-- What is wrong with the guard of a table; null where nothing is. The condition is as PostgreSQL writes it.
create function nighttrain.guard_problem(of_table regclass, stops integer) returns text
language sql stable set search_path = pg_catalog, pg_temp set quote_all_identifiers = off
as $$
  select case
      when t.oid is null then 'has no guard'
      when t.tgenabled not in ('O', 'A') then 'has a guard that is disabled'
      when t.tgtype <> 2 + stops then 'has a guard that stops other things than it should'
      when pg_get_expr(t.tgqual, t.tgrelid) is distinct from
        '((CURRENT_USER <> ALL (ARRAY[''nighttrain_owner''::name, ''nighttrain_publisher''::name]))'
        ' OR (CURRENT_USER = current_setting(''role''::text)) OR (CURRENT_USER = SESSION_USER))'
        then 'has a guard that lets others pass than it should'
    end
  from (select 1) one
    left join pg_trigger t on t.tgrelid = of_table and t.tgname = 'guard' and t.tgfoid = 'nighttrain.guard()'::regprocedure
$$;

-- Functions that guard and are no longer as they were made: whoever makes one leaves what its source was in its comment.
create function nighttrain.replaced_guards() returns table (object_name text, problem text)
language sql stable set search_path = pg_catalog, pg_temp
as $$
  select format('function nighttrain.%s', proname), 'was replaced: whoever calls it may be stopped no more'
  from pg_proc p
  where pronamespace = 'nighttrain'::regnamespace and proname in ('guard', 'stop_or_record', 'guard_ddl')
    and obj_description(oid, 'pg_proc') is distinct from 'md5 ' || md5(prosrc)
$$;
do $$
begin
  execute (
    select string_agg(format('comment on function %s is %L', oid::regprocedure, 'md5 ' || md5(prosrc)), '; ')
    from pg_proc where pronamespace = 'nighttrain'::regnamespace and proname in ('guard', 'stop_or_record'));
end
$$;

-- Guards that are not as they must be; none means good.
create function nighttrain.missing_guards() returns table (object_name text, problem text)
language sql stable set search_path = pg_catalog, pg_temp
as $$
  select g.of_table::text, nighttrain.guard_problem(g.of_table, g.stops)
  from nighttrain.guarded_tables() g
  where nighttrain.guard_problem(g.of_table, g.stops) is not null
  union all
  select * from nighttrain.replaced_guards()
  union all
  select format('event trigger %s', e.name), case
      when t.oid is null then 'is missing: nothing stops a DROP or ALTER by hand' else 'is disabled'
    end
  from (values ('nighttrain_guard_ddl'), ('nighttrain_guard_drop')) e(name)
    left join pg_event_trigger t on t.evtname = e.name
  where t.oid is null or t.evtenabled not in ('O', 'A')
$$;

-- Puts at most `most` guards where they are missing, on tables that the current role owns; answers how many.
create function nighttrain.put_missing_guards(most integer) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
  missing record;
  done bigint := 0;
begin
  for missing in
    select g.* from nighttrain.guarded_tables() g
      join pg_class c on c.oid = g.of_table and c.relowner = current_user::regrole
    where nighttrain.guard_problem(g.of_table, g.stops) is not null
    limit most
  loop
    perform nighttrain.put_guard(missing.of_table, missing.stops);
    done := done + 1;
  end loop;
  return done;
end
$$;

-- Moves the traces of what was stopped into the table, and answers how many there were. Migrations open the guards as a
-- matter of course: what one did in the very transaction that recorded it as applied is no news.
create function nighttrain.take_trips() returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  actions constant text[] := array['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'ALTER', 'DROP'];
  seen bigint;
  last bigint;
  slot text;
  kept_trip bigint;
  stopped_at bigint;
  who bigint;
  what bigint;
  source bigint;
begin
  update nighttrain.guard_event e set reported_at = clock_timestamp()
  where e.reported_at is null
    and exists (select from nighttrain.migration m where e.reason = 'migration ' || m.name and m.xmin = e.xact::xid);
  select coalesce(max(trip), 0) into seen from nighttrain.guard_event;
  select case when is_called then last_value else 0 end into last from nighttrain.guard_trip;
  if last - seen > 16 then
    insert into nighttrain.guard_event (kind, trip, times) values ('stopped', last - 16, last - 16 - seen)
    on conflict do nothing;
  end if;
  for number in greatest(seen + 1, last - 15)..last loop
    slot := format('nighttrain.guard_trip_%s_', number % 16);
    execute format('select last_value from %sat', slot) into stopped_at;
    execute format('select last_value from %swho', slot) into who;
    execute format('select last_value from %swhat', slot) into what;
    execute format('select last_value from %ssource', slot) into source;
    execute format('select last_value from %strip', slot) into kept_trip; -- last: it is written first
    if kept_trip <> number then -- another has just written over it
      insert into nighttrain.guard_event (kind, trip) values ('stopped', number) on conflict do nothing;
      continue;
    end if;
    insert into nighttrain.guard_event
      (kind, trip, action, object_name, session_role, effective_role, client_address, pid, at)
    values ('stopped', number, actions[(what & 15)::integer], nighttrain.object_named((what >> 32 & 4294967295)::oid),
      (select rolname from pg_roles where oid = (who >> 32 & 4294967295)::oid),
      (select rolname from pg_roles where oid = (who & 4294967295)::oid),
      case when source > 0 then inet '0.0.0.0' + source end, (what >> 4 & 268435455)::integer,
      to_timestamp(stopped_at / 1000000.0))
    on conflict do nothing;
  end loop;
  return last - seen;
end
$$;

-- What a trace is about: it keeps a number alone.
create function nighttrain.object_named(object_id oid) returns text
language sql stable set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    (select oid::regclass::text from pg_class where oid = object_id),
    (select 'schema ' || nspname from pg_namespace where oid = object_id),
    (select 'trigger ' || tgname || ' on ' || tgrelid::regclass from pg_trigger where oid = object_id),
    (select 'function ' || oid::regprocedure from pg_proc where oid = object_id),
    (select 'constraint ' || conname || ' of ' || conrelid::regclass from pg_constraint where oid = object_id))
$$;

-- What nobody was told of yet.
create function nighttrain.unreported_guard_events() returns setof nighttrain.guard_event
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select e.* from nighttrain.guard_event e
  where e.reported_at is null
  order by e.event_id limit 1000
$$;

create function nighttrain.guard_events_reported(ids bigint[]) returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$
  update nighttrain.guard_event set reported_at = clock_timestamp() where event_id = any (ids)
$$;

grant execute on function nighttrain.guard(), nighttrain.put_guard(regclass, integer),
  nighttrain.guarded_tables(), nighttrain.guard_problem(regclass, integer), nighttrain.put_missing_guards(integer)
to nighttrain_publisher;
grant execute on function nighttrain.stop_or_record(text, oid, text) to nighttrain_publisher, nighttrain_migrator;
grant execute on function nighttrain.missing_guards(), nighttrain.guarded_tables(),
  nighttrain.guard_problem(regclass, integer), nighttrain.replaced_guards()
to nighttrain_loader, nighttrain_reader;
grant execute on function nighttrain.take_trips(), nighttrain.unreported_guard_events(),
  nighttrain.guard_events_reported(bigint[]) to nighttrain_loader;

select nighttrain.put_missing_guards(1000);
