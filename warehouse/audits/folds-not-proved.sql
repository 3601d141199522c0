-- Days that are folded into a table of their month without a proof that they are the same there (R1).
-- Safe: it reads the ledger.
select p.dataset, p.business_date, format('is folded into %s, which no fold has proved', p.folded_into) as problem
from nighttrain.published_day p
where p.folded_into is not null and not exists (
  select from nighttrain.fold_day f join nighttrain.load_batch b using (load_id)
  where f.load_id = p.load_id and f.to_table = p.folded_into and f.rows = b.rows_loaded)
