import type { DemoHouse } from './house.ts';
import type { Narrator } from './narrator.ts';
import { runCommand } from './processes.ts';

const DATE = '2013-02-04';

/** The session of the day's load, while it waits with all of its rows copied and none of them committed. */
const WAITS_BEFORE_COMMIT = `
  select count(*) = 1
  from pg_stat_activity
  where application_name like 'nt:flights:${DATE}:%' and wait_event_type = 'Lock'`;

const SESSION_IS_GONE = `
  select count(*) = 0 from pg_stat_activity where application_name like 'nt:flights:${DATE}:%'`;

/**
 * Strikes always at the same moment: another session keeps the ledger from being written, so that the load waits
 * with its rows copied; then its worker is killed, without a chance to tidy up.
 */
export async function killInMidLoad(house: DemoHouse, narrator: Narrator): Promise<void> {
  const inTheWay = await house.connect();
  const args = ['run', 'flights', '--date', DATE];
  narrator.command(`npx nighttrain ${args.join(' ')}`);
  let night;
  try {
    await inTheWay.query('begin; lock table nighttrain.load_batch in share mode');
    night = runCommand(house.shell, args, () => {}); // its words are told when it ends
    night.catch(() => undefined); // it is awaited below; an interrupted demo ends before that
    await house.until('the load begins', WAITS_BEFORE_COMMIT);
    narrator.tell('All rows are copied, the ledger is not yet written. Now: kill -9 of the worker.');
    await house.crashWorker();
    await house.until('PostgreSQL notices that the client is gone', SESSION_IS_GONE);
    narrator.expect('flights of 4 February in the warehouse', await house.flightsOf(DATE), 0);
    narrator.expect('tables left behind', await tablesOfDay(house), 0);
  } finally {
    await inTheWay.end();
  }
  narrator.command('npx nighttrain worker &');
  await house.startWorker();
  const { code, lines } = await night;
  for (const line of lines) narrator.said(line);
  narrator.expect('exit code of the run that was waiting all the time', code, 0);
  narrator.expect('flights of 4 February in the warehouse', await house.flightsOf(DATE), 918);
  narrator.expect('versions of it in the ledger', await batchesOfDay(house), 1);
}

function tablesOfDay(house: DemoHouse): Promise<unknown> {
  return house.value(`select count(*)::int from pg_class where relname like 'flight\\_20130204\\_%'`);
}

function batchesOfDay(house: DemoHouse): Promise<unknown> {
  return house.value(
    `select count(*)::int from nighttrain.load_batch where dataset = 'flights' and business_date = '${DATE}'`,
  );
}
