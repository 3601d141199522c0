-- Creates the schemas of one database, each owned by a role that nobody logs in as. Running it again changes nothing.
create schema if not exists nighttrain authorization nighttrain_owner;
create schema if not exists warehouse authorization nighttrain_publisher;
create schema if not exists warehouse_history authorization nighttrain_publisher;

grant usage on schema nighttrain to nighttrain_publisher, nighttrain_loader, nighttrain_reader;
grant usage on schema warehouse, warehouse_history to nighttrain_loader, nighttrain_reader;

-- What the publisher makes, everybody who may may read. The loader's other rights are granted table by table.
alter default privileges for role nighttrain_publisher in schema warehouse, warehouse_history
  grant select on tables to nighttrain_loader, nighttrain_reader;
alter default privileges for role nighttrain_owner in schema nighttrain
  grant select on tables to nighttrain_publisher, nighttrain_loader, nighttrain_reader;

-- PUBLIC may execute a new function by default: a SECURITY DEFINER function must be granted by name instead.
alter default privileges for role nighttrain_owner revoke execute on functions from public;
alter default privileges for role nighttrain_publisher revoke execute on functions from public;
