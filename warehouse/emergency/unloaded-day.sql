-- The day, where readers do not see a version of it; no row means that it is loaded.
-- Safe: it reads two small tables by their keys.
select :dataset::text as dataset, :date::date as business_date,
  coalesce(a.state, 'missing') as state, a.error ->> 'message' as error
from (values (1)) one
  left join lateral (
    select state, error from nighttrain.attempt
    where dataset = :dataset and business_date = :date::date
    order by epoch desc limit 1
  ) a on true
where not exists (
  select from nighttrain.published_day where dataset = :dataset and business_date = :date::date
)
