import type { DataSource } from 'typeorm';
import { unguarded } from '../support/unguarded.ts';

/** Rules whose mechanism can be taken away, to see whether the fire notices. */
export const SABOTAGES = ['R1', 'R2', 'R4', 'R6', 'R7', 'R8', 'R9'] as const;
export type Sabotage = (typeof SABOTAGES)[number];

/** Takes away the database's half of a mechanism, as a superuser; the worker's is in saboteur.ts. */
export async function sabotageDatabase(database: DataSource, rule: Sabotage): Promise<void> {
  await DATABASE[rule]?.(database);
}

const DATABASE: Partial<Record<Sabotage, (database: DataSource) => Promise<unknown>>> = {
  // The swap leaves every second row aside, for a second transaction.
  R1: async (database) => {
    await database.query(`
      create schema sabotage;
      grant usage, create on schema sabotage to nighttrain_publisher;
      create procedure sabotage.publish_rest() language plpgsql as $$
      declare
        rest regclass;
      begin
        perform pg_sleep(0.1);
        for rest in select oid from pg_class where relnamespace = 'sabotage'::regnamespace and relkind = 'r' loop
          execute format('insert into warehouse.%I select * from %s',
            (select relname from pg_class where oid = rest), rest);
          execute format('drop table %s', rest);
        end loop;
      end
      $$`);
    await rewrite(
      database,
      'nighttrain.swap_day(text,text,date,text)',
      /(begin)(\s+if previous)/i,
      `$1
       execute format('create table sabotage.%1$$I as select * from warehouse.%1$$I where ctid::text ~ ''[02468]\\)$$''', opened);
       execute format('delete from warehouse.%1$$I where ctid::text ~ ''[02468]\\)$$''', opened);$2`,
    );
  },
  R2: (database) =>
    rewriteTrigger(database, /if new\.rows_rejected \* 100 >/, 'if false and new.rows_rejected * 100 >'),
  R4: async (database) => {
    await unguarded(database, 'alter table nighttrain.load_batch drop constraint conservation');
    await database.query(`
      create function nighttrain.derive_loaded() returns trigger language plpgsql as $$
      begin
        new.rows_loaded := new.rows_read - new.rows_discarded;
        return new;
      end
      $$`);
    await database.query(`
      create trigger derive_loaded before insert on nighttrain.load_batch
      for each row execute function nighttrain.derive_loaded()`);
  },
  R6: (database) =>
    rewriteTrigger(
      database,
      /if current_epoch is distinct from new\.epoch/,
      'if false and current_epoch is distinct from new.epoch',
    ),
};

function rewriteTrigger(database: DataSource, what: RegExp, by: string): Promise<void> {
  return rewrite(database, 'nighttrain.judge_and_publish()', what, by);
}

/** Replaces a piece of a function's text. */
async function rewrite(database: DataSource, name: string, what: RegExp, by: string): Promise<void> {
  const [row] = await database.query<{ definition: string }[]>(
    'select pg_get_functiondef($1::regprocedure) as definition',
    [name],
  );
  const definition = row?.definition ?? '';
  if (!what.test(definition)) throw new Error(`${name} has nothing to take away by ${String(what)}`);
  await database.query(definition.replace(what, by));
}
