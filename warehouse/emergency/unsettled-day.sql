-- Attempts at the day of which nobody knows how they end, for their run still owns the day and may yet commit; and those
-- that are recorded otherwise than the ledger says. No row means that the day is settled: an attempt that lost its day
-- can no longer commit, and the sweep closes it within a minute. Safe: it reads the day's few rows.
select a.epoch, a.kind, a.state, b.load_id is not null as ledger_has_it, a.started_at, a.owner_run_id
from nighttrain.attempt a
  left join nighttrain.run_fence f using (dataset, business_date, owner_run_id)
  left join nighttrain.load_batch b using (dataset, business_date, owner_run_id)
where a.dataset = :dataset and a.business_date = :date::date
  and case a.state when 'running' then f.epoch is not null else (a.state = 'loaded') <> (b.load_id is not null) end
order by a.epoch
