-- What takes room in the warehouse: the tables of each schema by dataset, the largest first. Safe: it reads sizes.
select n.nspname as schema, regexp_replace(c.relname, '_[0-9]{6}([0-9]{2})?_.*$', '') as of_table, count(*) as tables,
  sum(pg_total_relation_size(c.oid)) as bytes, pg_size_pretty(sum(pg_total_relation_size(c.oid))) as size
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname in ('warehouse', 'warehouse_history', 'nighttrain') and c.relkind = 'r'
group by 1, 2
order by 4 desc
