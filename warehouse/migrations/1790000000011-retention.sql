-- Results of audits that no load ran, and how long everything is kept (R19). Safe: columns that may be null, and a function that
-- deletes nothing younger than its kind is kept for.
set local role nighttrain_owner;

-- The run of `audit run` or of the nightly audits; null where a load ran the audit on its own day.
alter table nighttrain.audit_result
  drop constraint audit_result_pkey,
  alter dataset drop not null,
  alter business_date drop not null,
  alter epoch drop not null,
  add audit_run uuid,
  add unique nulls not distinct (dataset, business_date, epoch, audit, audit_run),
  add check ((audit_run is null) = (epoch is not null));

-- Quarantine alone is large: its time is found by blocks.
create index on nighttrain.quarantine using brin (quarantined_at);

-- Removes at most `most` records of one kind that are older than so many days, or counts all of them; answers how many.
-- The loader may call it: it can have records kept for longer, and no kind for less than its time (R15).
-- What is not over stays, however old: attempts that run or that readers see the day of, alerts that are open, requests
-- without an answer.
create function nighttrain.expire_records(of_kind text, days integer, most integer, for_real boolean) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  least_days constant integer := case of_kind when 'quarantine' then 90 else 400 end;
  cutoff timestamptz := clock_timestamp() - make_interval(days => greatest(days, least_days));
  found_in text;
  gone uuid[];
  done bigint;
begin
  found_in := case of_kind
    when 'quarantine' then 'quarantine t where t.quarantined_at < $1'
    when 'quarantine_release_row' then
      'quarantine_release_row t where exists (
         select from nighttrain.quarantine_release r where r.release_id = t.release_id and r.asked_at < $1)'
    when 'quarantine_release' then
      'quarantine_release t where t.asked_at < $1 and not exists (
         select from nighttrain.quarantine_release_row r where r.release_id = t.release_id)'
    when 'attempt' then
      'attempt t where t.ended_at < $1
         and not exists (select from nighttrain.published_day p where p.load_id = t.load_id)
         and exists (select from nighttrain.attempt later where later.dataset = t.dataset
           and later.business_date = t.business_date and later.epoch > t.epoch)
         and not exists (select from nighttrain.quarantine_release r where r.dataset = t.dataset
           and r.business_date = t.business_date and t.epoch in (r.of_epoch, r.epoch))'
    when 'fold_day' then -- the proof of where a day lies now stays
      'fold_day t where exists (
         select from nighttrain.fold f where f.fold_id = t.fold_id and f.folded_at < $1)
         and not exists (select from nighttrain.published_day p
           where p.load_id = t.load_id and p.folded_into = t.to_table)'
    when 'fold' then
      'fold t where t.folded_at < $1
         and not exists (select from nighttrain.fold_day d where d.fold_id = t.fold_id)'
    when 'request' then 'request t where t.received_at < $1 and t.state <> ''accepted'''
    when 'audit_result' then 'audit_result t where t.ran_at < $1'
    when 'alert_evidence' then 'alert_evidence t where t.ended_at < $1 and t.alert_id is null'
    when 'alert' then
      'alert t where t.state = ''resolved'' and t.resolved_at < $1
         and not exists (select from nighttrain.alert m where m.incident_id = t.alert_id)'
    -- the last trace stays: the next ones are counted from it
    when 'guard_event' then
      'guard_event t where t.at < $1
         and t.trip is distinct from (select max(trip) from nighttrain.guard_event)'
  end;
  if found_in is null then raise exception 'there are no records of the kind %', of_kind; end if;
  if not for_real then
    execute format('select count(*) from nighttrain.%s', found_in) into done using cutoff;
    return done;
  end if;
  if of_kind = 'alert' then -- with all that is told of it
    execute format('select array_agg(alert_id) from (select t.alert_id from nighttrain.%s limit $2 for update of t) a', found_in)
    into gone using cutoff, most;
    delete from nighttrain.alert_event where alert_id = any (gone);
    delete from nighttrain.alert_delivery where alert_id = any (gone);
    delete from nighttrain.alert_link where alert_id = any (gone);
    delete from nighttrain.alert_evidence where alert_id = any (gone);
    delete from nighttrain.alert where alert_id = any (gone);
  else
    execute format('delete from nighttrain.%I where ctid = any (array(select t.ctid from nighttrain.%s limit $2))',
      of_kind, found_in)
    using cutoff, most;
  end if;
  get diagnostics done = row_count;
  return done;
end
$$;
grant execute on function nighttrain.expire_records(text, integer, integer, boolean) to nighttrain_loader;
