-- Rights by which somebody other than Night Train's own functions may delete or change what is published: of the loader, who
-- owns nothing (R15), and tables with an owner of their own. Safe: it reads the catalog.
with loader as (select * from pg_roles where rolname = 'nighttrain_loader'),
  ours as (
    select c.* from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('warehouse', 'warehouse_history', 'nighttrain') and c.relkind in ('r', 'p')
  ),
  owners as (select oid from pg_roles where rolname in ('nighttrain_owner', 'nighttrain_publisher'))
select null::text as dataset, null::date as business_date, 'the loader is a superuser' as problem from loader where rolsuper
union all
select null, null, format('the loader may become %s', r.rolname)
from pg_roles r, loader
where r.rolname in ('nighttrain_owner', 'nighttrain_publisher', 'nighttrain_migrator')
  and pg_has_role(loader.oid, r.oid, 'member')
union all
select null, null, format('the loader owns %s', c.oid::regclass) from pg_class c join loader on loader.oid = c.relowner
union all
select null, null, format('the loader owns the function %s', p.oid::regprocedure)
from pg_proc p join loader on loader.oid = p.proowner
union all
select null, null, format('the loader may %s %s', lower(right_to), ours.oid::regclass)
from ours, loader, unnest(array['DELETE', 'TRUNCATE']) right_to
where has_table_privilege(loader.oid, ours.oid, right_to)
union all
select null, null, format('%s belongs to %s', ours.oid::regclass, pg_get_userbyid(ours.relowner))
from ours
where ours.relowner not in (select oid from owners)
