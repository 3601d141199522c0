-- Addresses that were paged within the last hour and that the latest page has not reached: it failed, was not delivered,
-- or nobody knows yet. No row means that everybody was reached, as far as can be known: of a mail nobody ever learns more than
-- that its server took it, and who has answered an SMS has had it. Safe: it reads the outbox of an hour.
select d.person, d.channel, d.state, d.tries, d.error, a.code, a.rule, d.queued_at
from (
  select distinct on (person, channel, address) * from nighttrain.alert_delivery
  where queued_at > clock_timestamp() - interval '1 hour'
  order by person, channel, address, queued_at desc
) d join nighttrain.alert a using (alert_id)
where d.state <> 'delivered'
  and not (d.state = 'sent' and (d.channel = 'email' or a.firing = d.firing and a.acknowledged_by = d.person))
order by d.queued_at desc
