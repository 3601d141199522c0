-- Creates the roles, once for a cluster. Run by a superuser; running it again changes nothing.
-- owner      owns the ledger and its functions; nobody logs in as it
-- publisher  owns the business tables and the functions that publish; nobody logs in as it
-- migrator   runs migrations by becoming owner or publisher
-- loader     the worker: owns nothing, deletes nothing (R15)
-- reader     reads what is published
do $$
begin
  if to_regrole('nighttrain_owner') is null then create role nighttrain_owner nologin; end if;
  if to_regrole('nighttrain_publisher') is null then create role nighttrain_publisher nologin; end if;
  if to_regrole('nighttrain_migrator') is null then create role nighttrain_migrator login; end if;
  if to_regrole('nighttrain_loader') is null then create role nighttrain_loader login; end if;
  if to_regrole('nighttrain_reader') is null then create role nighttrain_reader login; end if;
end
$$;

grant nighttrain_owner, nighttrain_publisher to nighttrain_migrator;

-- Who audits becomes a role that can write nothing; the loader's own rights stay those that it is granted by name.
alter role nighttrain_loader noinherit;
grant nighttrain_reader to nighttrain_loader;
