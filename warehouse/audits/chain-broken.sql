-- Links of a dataset's audit chain that were changed, are missing, or do not fit the one before (R16).
-- Safe: it reads the ledger, some seconds for a million batches.
select p.dataset, b.business_date, format('link %s: %s', l.seq, l.problem) as problem
from nighttrain.dataset_policy p
  cross join lateral nighttrain.broken_links(p.dataset) l
  left join nighttrain.audit_chain c on c.dataset = p.dataset and c.seq = l.seq
  left join nighttrain.load_batch b using (load_id)
