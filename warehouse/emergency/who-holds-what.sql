-- Who waits for a lock, who holds it, and since when. No row means that nobody waits.
-- Safe: it reads what PostgreSQL keeps in memory. What another role's session runs is shown to superusers alone.
select w.pid as waits, w.application_name as waiting, h.pid as holds, h.application_name as holding,
  h.usename as holder_role, l.relation::regclass::text as relation, l.mode as wanted,
  date_trunc('second', clock_timestamp() - l.waitstart)::text as waited
from pg_stat_activity w
  cross join lateral unnest(pg_blocking_pids(w.pid)) as b(pid)
  join pg_stat_activity h on h.pid = b.pid
  left join lateral (select * from pg_locks where pid = w.pid and not granted limit 1) l on true
where w.datname = current_database()
order by l.waitstart nulls last
