-- Critical tables whose guard is missing, disabled, or stops less than it should; guards' functions that were replaced; and
-- missing event triggers (R15).
-- Safe: it reads the catalog.
select null::text as dataset, null::date as business_date, format('%s %s', g.object_name, g.problem) as problem
from nighttrain.missing_guards() g
