-- Pages of the last hour that reached nobody: of an alert that nobody has acknowledged, to whom no page of any channel
-- was delivered. No row means that whoever was paged was reached. Safe: it reads the outbox of an hour.
select a.code, a.rule, d.person, d.channel, d.state, d.tries, d.error, d.queued_at
from nighttrain.alert_delivery d join nighttrain.alert a using (alert_id)
where d.queued_at > clock_timestamp() - interval '1 hour' and d.state in ('failed', 'undelivered')
  and a.state = 'firing' and d.firing = a.firing
  and not exists (
    select from nighttrain.alert_delivery o
    where o.alert_id = d.alert_id and o.firing = d.firing and o.state = 'delivered'
  )
order by d.queued_at desc
