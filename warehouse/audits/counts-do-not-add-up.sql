-- Batches whose counts do not add up (R4), whose night should have been refused (R2, R3), or whose epoch no fence ever gave
-- (R6). Safe: it reads the ledger.
select dataset, business_date, format('%s rows read are not %s loaded, %s rejected, %s discarded, %s deduplicated',
  rows_read, rows_loaded, rows_rejected, rows_discarded, rows_deduplicated) as problem
from nighttrain.load_batch
where rows_read <> rows_loaded + rows_rejected + rows_discarded + rows_deduplicated
union all
select b.dataset, b.business_date, format('epoch %s was loaded, the fence is at %s', b.epoch, coalesce(f.epoch::text, 'none'))
from nighttrain.load_batch b left join nighttrain.run_fence f using (dataset, business_date)
where f.epoch is null or b.epoch > f.epoch
