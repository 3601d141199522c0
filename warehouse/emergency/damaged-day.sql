-- The day, where the table that readers see is gone or does not hold as many rows as the ledger says.
-- No row means that it is whole. For replaceDay datasets: a merged table holds many days. Safe: it counts one day.
select b.dataset, b.business_date, coalesce(p.folded_into, b.table_name) as table_name, b.rows_loaded as ledger_says,
  n.there, b.load_id
from nighttrain.published_day p
  join nighttrain.load_batch b using (load_id)
  join nighttrain.dataset_policy d on d.dataset = b.dataset and d.write_mode = 'replaceDay'
  cross join lateral (
    select case when to_regclass(format('warehouse.%I', coalesce(p.folded_into, b.table_name))) is not null then
      (xpath('/row/n/text()', query_to_xml(
        format('select count(*) as n from warehouse.%I where business_date = %L', d.table_name, b.business_date),
        false, true, '')))[1]::text::bigint end as there
  ) n
where p.dataset = :dataset and p.business_date = :date::date and n.there is distinct from b.rows_loaded
