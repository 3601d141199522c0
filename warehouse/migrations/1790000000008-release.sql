-- Rejected rows that go back through validation, and which of them went where. Safe: a nullable column, new tables.
set local role nighttrain_owner;

-- What the attempt has read, once its rows were judged: the places of its rejected rows are places in there.
alter table nighttrain.attempt add manifest text;
update nighttrain.attempt a set manifest = b.manifest from nighttrain.load_batch b where b.load_id = a.load_id;

-- A quarantine that was released. What control answered is the request of the same id; what became of it is the state
-- of the attempt that carries it out.
create table nighttrain.quarantine_release (
  release_id uuid primary key,
  dataset text not null,
  business_date date not null,
  -- The attempt whose rejected rows go back, and what it had read.
  of_epoch bigint not null,
  manifest text not null,
  reason text not null,
  requested_by text not null,
  -- The corrected file as it lies in landing; none where a rule was mended.
  file_key text,
  file_bytes bigint,
  file_sha256 text check (file_sha256 ~ '^[0-9a-f]{64}$'),
  -- The epochs in whose landing folders its input lies: they are kept for as long as that of its attempt (R19).
  landed_epochs bigint[] not null,
  asked_at timestamptz not null default clock_timestamp(),
  -- The attempt that carries it out.
  epoch bigint,
  foreign key (dataset, business_date, of_epoch) references nighttrain.attempt,
  check (num_nulls(file_key, file_bytes, file_sha256) in (0, 3))
);
create index on nighttrain.quarantine_release (dataset, business_date);

-- Which rejected row went where; the first 100,000 of a release, all of them are in landing.
create table nighttrain.quarantine_release_row (
  release_id uuid not null references nighttrain.quarantine_release,
  part integer not null,
  record bigint not null,
  -- What had rejected it.
  rule text not null,
  -- Where it stands now: in the corrected part, or where it was.
  new_part integer not null,
  new_record bigint not null,
  -- A staged row is loaded once its attempt is.
  became text not null check (became in ('staged', 'rejected', 'discarded', 'deduplicated')),
  became_rule text,
  primary key (release_id, part, record),
  check ((became = 'rejected') = (became_rule is not null))
);

grant insert, update on nighttrain.quarantine_release, nighttrain.quarantine_release_row to nighttrain_loader;
