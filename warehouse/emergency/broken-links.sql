-- Links of every dataset's audit chain that were changed, are missing, or do not fit the one before (R16).
-- No row means that the ledger is as it was committed. Safe: it reads the ledger, some seconds for a million batches.
select p.dataset, l.seq, l.problem
from nighttrain.dataset_policy p, lateral nighttrain.broken_links(p.dataset) l
order by p.dataset, l.seq
