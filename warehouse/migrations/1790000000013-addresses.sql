-- Whom to tell that an alert was answered, and nobody's number or address for who only reads. Safe: a column that may be null,
-- an index on few rows, and rights that are taken from a role that writes nothing.
set local role nighttrain_owner;

-- What the provider was told of the alert after its page, where it keeps an incident of its own.
alter table nighttrain.alert_delivery
  add told text check (told in ('acknowledged', 'resolved'));
create index on nighttrain.alert_delivery (alert_id)
  where channel = 'webhook' and address like 'pagerduty %' and told is distinct from 'resolved';
-- Pages of which it is not known what became of them.
create index on nighttrain.alert_delivery (queued_at) where state = 'sent';

-- `on_call` has everybody's numbers, and the URLs of webhooks, which let whoever knows them write.
revoke select on nighttrain.alert, nighttrain.alert_delivery, nighttrain.alert_link, nighttrain.alert_callback
  from nighttrain_reader;
grant select (alert_id, rule, severity, dataset, business_date, subject, sentence, facts, state, times, first_at, last_at,
  resolved_at, code, runbook, firing, paging, incident_id, acknowledged_at, acknowledged_by, acknowledged_via,
  acknowledged_note, resolved_by, resolved_why) on nighttrain.alert to nighttrain_reader;
grant select (delivery_id, alert_id, firing, round, level, person, channel, state, tries, error, queued_at, sent_at,
  settled_at, told) on nighttrain.alert_delivery to nighttrain_reader;
