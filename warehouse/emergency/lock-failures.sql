-- Attempts of the last 24 hours that failed by deadlock, serialization or a lock that somebody held for too long.
-- Safe: it reads the attempts of a day.
select dataset, business_date, epoch, state, ended_at, error ->> 'message' as error, error ->> 'detail' as detail
from nighttrain.attempt
where ended_at > clock_timestamp() - interval '24 hours' and state = 'failed'
  and error ->> 'message' ~ '40P01|40001|55P03|in use for too long'
order by ended_at desc
