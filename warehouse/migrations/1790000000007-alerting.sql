-- Who is told of an alert, who answered, and how it ended. Safe: new columns with defaults, and new tables.
set local role nighttrain_owner;

create sequence nighttrain.alert_code minvalue 1001;

alter table nighttrain.alert
  -- What a reply names: `ACK 4821`.
  add code bigint not null unique default nextval('nighttrain.alert_code'),
  add runbook text not null default '',
  -- How often it went from resolved to firing again: each firing is paged anew.
  add firing integer not null default 1,
  add paging text not null default 'quiet' check (paging in ('quiet', 'due', 'under way', 'over')),
  -- The people and levels of the on-call file, as they were when it fired.
  add on_call jsonb,
  -- The storm that it is part of: nobody is paged for it alone.
  add incident_id uuid references nighttrain.alert,
  add acknowledged_at timestamptz,
  add acknowledged_by text,
  add acknowledged_via text,
  add acknowledged_note text,
  add resolved_by text,
  add resolved_why text;
create index on nighttrain.alert (first_at);
create index on nighttrain.alert (paging) where paging in ('due', 'under way');

-- What happened to an alert, in order; nothing here is ever changed.
create table nighttrain.alert_event (
  alert_id uuid not null references nighttrain.alert,
  seq bigint generated always as identity,
  firing integer not null,
  kind text not null check (kind in ('fired', 'acknowledged', 'resolved', 'paged', 'exhausted', 'evidence')),
  by_whom text not null,
  via text not null,
  note text not null default '',
  at timestamptz not null default clock_timestamp(),
  primary key (alert_id, seq)
);
-- What a storm is judged by.
create index on nighttrain.alert_event (at) where kind = 'fired';
create index on nighttrain.alert (incident_id) where incident_id is not null;

-- The outbox: a row before the call, so that nobody is forgotten; who is paged twice has two tries in one row.
create table nighttrain.alert_delivery (
  delivery_id uuid primary key default gen_random_uuid(),
  alert_id uuid not null references nighttrain.alert,
  firing integer not null,
  round integer not null check (round > 0),
  level integer not null check (level > 0),
  person text not null,
  channel text not null check (channel in ('sms', 'email', 'webhook')),
  address text not null,
  state text not null default 'queued' check (state in ('queued', 'sent', 'delivered', 'undelivered', 'failed')),
  tries integer not null default 0,
  -- As the provider names the message: Twilio's SID, an e-mail's message id.
  provider_id text unique,
  error text,
  queued_at timestamptz not null default clock_timestamp(),
  sent_at timestamptz,
  settled_at timestamptz,
  unique (alert_id, firing, round, level, person, channel, address)
);

-- Links that acknowledge by one POST; only their hash is kept.
create table nighttrain.alert_link (
  token_sha256 bytea primary key,
  alert_id uuid not null references nighttrain.alert,
  firing integer not null,
  person text not null,
  expires_at timestamptz not null,
  used_at timestamptz
);

-- Callbacks and replies that were taken: the same one again changes nothing.
create table nighttrain.alert_callback (
  callback_id text primary key,
  taken_at timestamptz not null default clock_timestamp()
);

-- Findings that were archived, each by the name of its occurrence: one that waited in the spool, or whose report was
-- lost on its way, is taken over once.
create table nighttrain.alert_spooled (
  spool_id uuid primary key,
  taken_at timestamptz not null default clock_timestamp()
);

-- What was done about an alert: the transcript of a runbook.
create table nighttrain.alert_evidence (
  evidence_id uuid primary key default gen_random_uuid(),
  alert_id uuid references nighttrain.alert,
  runbook text not null,
  outcome text not null check (outcome in ('passed', 'failed', 'stopped')),
  by_whom text not null,
  started_at timestamptz not null,
  ended_at timestamptz not null,
  transcript text not null
);

grant select on nighttrain.alert_event, nighttrain.alert_delivery, nighttrain.alert_evidence to nighttrain_reader;
grant select, insert on nighttrain.alert_event, nighttrain.alert_evidence, nighttrain.alert_callback,
  nighttrain.alert_spooled to nighttrain_loader;
grant select, insert, update on nighttrain.alert_delivery, nighttrain.alert_link to nighttrain_loader;
grant usage on sequence nighttrain.alert_code to nighttrain_loader;

-- Forgets what was taken once so long ago that it cannot come again; alerts stay. The loader itself deletes nothing.
create function nighttrain.forget_taken(days integer) returns void
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
  delete from nighttrain.alert_spooled where taken_at < clock_timestamp() - make_interval(days => greatest(days, 1));
  delete from nighttrain.alert_callback where taken_at < clock_timestamp() - make_interval(days => greatest(days, 1));
  delete from nighttrain.alert_link where expires_at < clock_timestamp() - make_interval(days => greatest(days, 1));
end;
revoke execute on function nighttrain.forget_taken(integer) from public;
grant execute on function nighttrain.forget_taken(integer) to nighttrain_loader;
