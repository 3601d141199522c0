-- Taking a dataset day over (§3, Epochs). Safe: it creates new functions only.
set local role nighttrain_owner;

-- Makes `new_owner` the only run that may load the day, from a new epoch on. Commit it before evicting anybody.
create function nighttrain.take_over(of_dataset text, of_date date, new_owner text) returns bigint
language sql security definer set search_path = pg_catalog, pg_temp
as $$
  insert into nighttrain.run_fence (dataset, business_date, epoch, owner_run_id)
  values (of_dataset, of_date, 1, new_owner)
  on conflict (dataset, business_date) do update
    set epoch = run_fence.epoch + 1, owner_run_id = new_owner, taken_at = clock_timestamp()
  returning epoch
$$;

-- The epoch of the owner's next load attempt; null where the day has another owner by now: fenced.
create function nighttrain.advance_epoch(of_dataset text, of_date date, owner text) returns bigint
language sql security definer set search_path = pg_catalog, pg_temp
as $$
  update nighttrain.run_fence
  set epoch = epoch + 1, taken_at = clock_timestamp()
  where dataset = of_dataset and business_date = of_date and owner_run_id = owner
  returning epoch
$$;

-- Holds the fence still, so that what the ledger says of the day stays true until the caller's transaction ends (R8).
create function nighttrain.lock_fence(of_dataset text, of_date date) returns bigint
language sql security definer set search_path = pg_catalog, pg_temp
as $$
  select epoch from nighttrain.run_fence where dataset = of_dataset and business_date = of_date for update
$$;

grant execute on function
  nighttrain.take_over(text, date, text), nighttrain.advance_epoch(text, date, text), nighttrain.lock_fence(text, date)
to nighttrain_loader;
