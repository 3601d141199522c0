-- Attempts that are recorded as loaded of which the ledger knows nothing, and the other way round (R7, R8).
-- Safe: it reads attempts and the ledger.
select a.dataset, a.business_date, format('the attempt of epoch %s is recorded as loaded, the ledger has no batch of it',
  a.epoch) as problem
from nighttrain.attempt a
where a.state = 'loaded' and not exists (
  select from nighttrain.load_batch b where b.load_id = a.load_id and b.owner_run_id = a.owner_run_id)
union all
select a.dataset, a.business_date, format('the attempt of epoch %s is recorded as %s, the ledger says that it loaded',
  a.epoch, a.state)
from nighttrain.attempt a join nighttrain.load_batch b using (dataset, business_date, owner_run_id)
where a.state not in ('loaded', 'running')
