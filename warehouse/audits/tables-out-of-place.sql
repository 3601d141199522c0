-- Tables of a dataset that readers see and no published day names, and versions in warehouse_history that no batch names.
-- Safe: it reads the catalog and the ledger.
with named as (
  select p.dataset, coalesce(to_jsonb(p) ->> 'folded_into', b.table_name) as table_name
  from nighttrain.published_day p join nighttrain.load_batch b using (load_id)
)
select d.dataset, null::date as business_date,
  format('readers see %s, which no published day names', i.inhrelid::regclass) as problem
from nighttrain.dataset_policy d
  join pg_inherits i on i.inhparent = to_regclass(format('warehouse.%I', d.table_name))
  join pg_class c on c.oid = i.inhrelid
where not exists (select from named n where n.dataset = d.dataset and n.table_name = c.relname)
union all
select null, null, format('%s is the version of no batch', c.oid::regclass)
from pg_class c
where c.relnamespace = 'warehouse_history'::regnamespace and c.relkind = 'r'
  and not exists (select from nighttrain.load_batch b where b.table_name = c.relname)
  and not exists (select from nighttrain.dataset_policy d where d.table_name = c.relname)
