-- Days that are published without a batch of their own, batches whose day is not published, and days of which readers see
-- another version than the ledger's last (R1, R7). Safe: it reads the ledger.
select p.dataset, p.business_date, 'is published without a batch of its own' as problem
from nighttrain.published_day p left join nighttrain.load_batch b using (load_id)
where b.load_id is null or (b.dataset, b.business_date) <> (p.dataset, p.business_date)
union all
select distinct b.dataset, b.business_date, 'has a batch, and is not published'
from nighttrain.load_batch b
where not exists (
  select from nighttrain.published_day p where (p.dataset, p.business_date) = (b.dataset, b.business_date))
union all
select p.dataset, p.business_date, 'readers see an older version than the ledger''s last'
from nighttrain.published_day p
where p.load_id is distinct from (
  select b.load_id from nighttrain.load_batch b join nighttrain.audit_chain c using (load_id)
  where (b.dataset, b.business_date) = (p.dataset, p.business_date) order by c.seq desc limit 1)
