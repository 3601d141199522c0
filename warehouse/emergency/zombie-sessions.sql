-- Load sessions whose epoch is no longer current: they cannot commit, and still hold connections and locks.
-- No row means that none is left. Safe: it reads pg_stat_activity and the fence.
select m[1] as dataset, m[2] as business_date, m[3]::bigint as epoch, f.epoch as current_epoch, s.pid,
  s.state, concat_ws(' ', s.wait_event_type, s.wait_event) as waits_for,
  date_trunc('second', clock_timestamp() - s.backend_start)::text as age
from pg_stat_activity s
  cross join lateral regexp_match(s.application_name,
    '^nt:([a-z][a-z0-9-]{0,31}):([0-9]{4}-[0-9]{2}-[0-9]{2}):([0-9]{1,18})$') m
  left join nighttrain.run_fence f on f.dataset = m[1] and f.business_date = m[2]::date
where s.datname = current_database() and s.usename = current_user and m is not null
  and (f.epoch is null or m[3]::bigint < f.epoch)
order by s.backend_start
