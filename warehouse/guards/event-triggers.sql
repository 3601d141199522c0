-- Guards tables and schemas against DROP and ALTER by hand (R15). An event trigger needs a superuser, and runs its function with
-- the rights of whoever it watches: the function belongs to the superuser too, or its owner could become any role.
-- Safe: it looks at statements that drop or alter what is ours, and lets all others pass.
create or replace function nighttrain.guard_ddl() returns event_trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
  ours constant text[] := array['nighttrain', 'warehouse', 'warehouse_history'];
  owners constant oid[] := array['nighttrain_owner'::regrole, 'nighttrain_publisher'::regrole]::oid[];
  object record;
begin
  -- Inside a SECURITY DEFINER function of ours: nobody else comes to these roles without having set them.
  if current_user in ('nighttrain_owner', 'nighttrain_publisher')
    and current_user <> current_setting('role') and current_user <> session_user then
    return;
  end if;
  if tg_event = 'sql_drop' then
    select 'DROP' as action, objid, object_identity as name into object
    from pg_event_trigger_dropped_objects()
    where original and object_type not in ('view', 'materialized view')
      and (coalesce(schema_name, object_identity) = any (ours)
        or object_identity ~ ' (on|for) (nighttrain|warehouse|warehouse_history)\.')
    limit 1;
  else
    select 'ALTER' as action, objid, object_identity as name into object
    from pg_event_trigger_ddl_commands()
    where command_tag like 'ALTER %' and object_type not in ('view', 'materialized view')
      and (coalesce(schema_name, object_identity) = any (ours)
        or object_identity ~ ' (on|for) (nighttrain|warehouse|warehouse_history)\.'
        -- what has just been given another name or schema still has its owner
        or exists (select from pg_class where oid = objid and relowner = any (owners))
        or exists (select from pg_namespace where oid = objid and nspowner = any (owners)))
      and object_identity <> 'nighttrain.migration' -- handed over by every migration
    limit 1;
  end if;
  if found then perform nighttrain.stop_or_record(object.action, object.objid, object.name); end if;
end
$$;
revoke execute on function nighttrain.guard_ddl() from public;

do $$
begin
  if not exists (select from pg_event_trigger where evtname = 'nighttrain_guard_ddl') then
    create event trigger nighttrain_guard_ddl on ddl_command_end execute function nighttrain.guard_ddl();
  end if;
  if not exists (select from pg_event_trigger where evtname = 'nighttrain_guard_drop') then
    create event trigger nighttrain_guard_drop on sql_drop execute function nighttrain.guard_ddl();
  end if;
end
$$;
-- By which an audit finds a function that somebody has replaced.
do $$
begin
  execute format('comment on function nighttrain.guard_ddl() is %L',
    (select 'md5 ' || md5(prosrc) from pg_proc where oid = 'nighttrain.guard_ddl()'::regprocedure));
end
$$;
alter event trigger nighttrain_guard_ddl enable;
alter event trigger nighttrain_guard_drop enable;
