-- Attempts at the day of which nobody knows how they ended, or which are recorded otherwise than the ledger says.
-- No row means that the day is settled. Safe: it reads the day's few rows.
select a.epoch, a.kind, a.state, b.load_id is not null as ledger_has_it, a.started_at, a.owner_run_id
from nighttrain.attempt a
  left join nighttrain.load_batch b using (dataset, business_date, owner_run_id)
where a.dataset = :dataset and a.business_date = :date::date
  and (a.state = 'running' or (a.state = 'loaded') <> (b.load_id is not null))
order by a.epoch
