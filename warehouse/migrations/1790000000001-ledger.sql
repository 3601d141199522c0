-- The ledger and its neighbours. Safe: it creates new tables only.
set local role nighttrain_owner;

-- What the trigger judges by. Written by `migrate` from the declarations, never by the loader (R6).
create table nighttrain.dataset_policy (
  dataset text primary key check (dataset ~ '^[a-z][a-z0-9-]{0,31}$'),
  table_name text not null unique check (table_name ~ '^[a-z][a-z0-9_]{0,38}$'),
  write_mode text not null check (write_mode in ('replaceDay', 'merge')),
  key_columns text[] not null,
  version_column text,
  reject_limit_percent integer not null check (reject_limit_percent between 0 and 100),
  allow_empty boolean not null,
  history_days integer not null check (history_days >= 0)
);

-- The fencing token: who owns a dataset day, and which epoch may still commit (R6).
create table nighttrain.run_fence (
  dataset text not null references nighttrain.dataset_policy,
  business_date date not null,
  epoch bigint not null check (epoch > 0),
  owner_run_id text not null,
  taken_at timestamptz not null default clock_timestamp(),
  primary key (dataset, business_date)
);

-- The proof of a night, committed with its rows.
create table nighttrain.load_batch (
  load_id uuid primary key,
  dataset text not null references nighttrain.dataset_policy,
  business_date date not null,
  epoch bigint not null,
  owner_run_id text not null,
  table_name text not null,
  rows_read bigint not null check (rows_read >= 0),
  rows_loaded bigint not null check (rows_loaded >= 0),
  rows_rejected bigint not null check (rows_rejected >= 0),
  rows_discarded bigint not null check (rows_discarded >= 0),
  rows_deduplicated bigint not null check (rows_deduplicated >= 0),
  content_sha256 text not null check (content_sha256 ~ '^[0-9a-f]{64}$'),
  manifest text not null,
  started_at timestamptz not null,
  unique (dataset, business_date, epoch),
  constraint conservation -- R4
    check (rows_read = rows_loaded + rows_rejected + rows_discarded + rows_deduplicated)
);
create index on nighttrain.load_batch (owner_run_id);

-- The audit trail: one link a committed batch, appended last (R16). Its time is the time of COMMIT.
create table nighttrain.audit_chain (
  dataset text not null references nighttrain.dataset_policy,
  seq bigint not null check (seq > 0),
  load_id uuid not null unique references nighttrain.load_batch,
  previous_hash bytea not null,
  hash bytea not null,
  committed_at timestamptz not null,
  primary key (dataset, seq)
);

create table nighttrain.audit_chain_head (
  dataset text primary key references nighttrain.dataset_policy,
  seq bigint not null,
  hash bytea not null
);

-- The version of a day that readers see now.
create table nighttrain.published_day (
  dataset text not null,
  business_date date not null,
  load_id uuid not null references nighttrain.load_batch,
  -- The month's table that holds the day; null where it is in the table that the ledger names.
  folded_into text,
  primary key (dataset, business_date),
  foreign key (dataset) references nighttrain.dataset_policy
);

-- Tables that the running transaction has opened and not yet published; empty to everybody else.
create table nighttrain.opened_table (
  table_name text primary key,
  dataset text not null,
  business_date date not null,
  epoch bigint not null,
  load_id uuid not null,
  -- merge: the chain that the delta was computed against, and how many rows the delta must change
  base_seq bigint,
  delta_rows bigint
);

-- One try at a dataset day; written outside the load transaction, so that a rollback keeps it (R5).
create table nighttrain.attempt (
  dataset text not null,
  business_date date not null,
  epoch bigint not null,
  load_epoch bigint,
  owner_run_id text not null,
  workflow_id text not null,
  kind text not null check (kind in ('nightly', 'run', 'replay', 'backfill')),
  state text not null default 'running' check (state in ('running', 'loaded', 'refused', 'failed', 'cancelled')),
  rows_read bigint,
  rows_loaded bigint,
  rows_rejected bigint,
  rows_discarded bigint,
  rows_deduplicated bigint,
  rejected_by_rule jsonb not null default '{}',
  warnings jsonb not null default '[]',
  load_id uuid,
  error jsonb,
  started_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  primary key (dataset, business_date, epoch),
  check ((state = 'running') = (ended_at is null))
);
create index on nighttrain.attempt (owner_run_id);

create table nighttrain.quarantine (
  dataset text not null,
  business_date date not null,
  epoch bigint not null,
  part integer not null,
  record bigint not null,
  rule text not null,
  line bigint,
  column_name text,
  reason text not null,
  raw text not null,
  quarantined_at timestamptz not null default clock_timestamp(),
  -- By date first: a new night's keys go to the end of the index, where PostgreSQL looks for no place for each of them.
  primary key (business_date, dataset, epoch, part, record, rule)
);

-- What operators asked for, and what they were answered.
create table nighttrain.request (
  request_id text primary key,
  kind text not null,
  dataset text,
  business_date date,
  requested_by text not null,
  reason text not null,
  payload jsonb not null,
  state text not null check (state in ('accepted', 'refused', 'started', 'failed')),
  answer text not null,
  received_at timestamptz not null default clock_timestamp(),
  answered_at timestamptz
);

create table nighttrain.audit_result (
  dataset text not null,
  business_date date not null,
  epoch bigint not null,
  audit text not null,
  severity text not null check (severity in ('warn', 'error')),
  rows_found bigint not null,
  sample jsonb not null,
  ran_at timestamptz not null default clock_timestamp(),
  primary key (dataset, business_date, epoch, audit)
);

grant insert on nighttrain.load_batch, nighttrain.quarantine, nighttrain.audit_result to nighttrain_loader;
grant insert, update on nighttrain.attempt, nighttrain.request to nighttrain_loader;
grant insert, update on nighttrain.published_day to nighttrain_publisher;
grant insert, update, delete on nighttrain.opened_table to nighttrain_publisher;
grant insert on nighttrain.audit_chain to nighttrain_publisher;
grant update on nighttrain.audit_chain_head to nighttrain_publisher;
grant update (taken_at) on nighttrain.run_fence to nighttrain_publisher; -- FOR SHARE asks for it
