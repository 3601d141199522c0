import { beforeAll, expect, test } from 'vitest';
import type { DataSource } from 'typeorm';
import { auditWarehouse } from '../../activities/audit-warehouse.ts';
import type { Dataset } from '../../rules/dataset.ts';
import { countVersions } from '../../warehouse/integrity-counts.ts';
import { alarmIn } from '../support/alarm.ts';
import { loadFares } from '../support/by-hand.ts';
import { fares } from '../support/datasets.ts';
import { firstOf, foldFares, partsOf } from '../support/fold.ts';
import { shareHouse } from '../support/house.ts';
import { until } from '../support/intake.ts';

/** R1, R11: audits, and folds that move days between their looking one up and their asking it. */

const house = shareHouse();
let loader: DataSource;

beforeAll(async () => {
  loader = await house().open(house().loaderUrl, 'audits');
});

async function loadDays(month: string): Promise<void> {
  for (const day of ['01', '02']) await loadFares(house(), `${month}-${day}`, { rows: 3, amount: 1 });
}

/** Until the audits wait for somebody's lock. */
async function auditsWait(): Promise<void> {
  const waiting = `select from pg_stat_activity
    where datname = current_database() and application_name = 'audits' and wait_event_type = 'Lock'`;
  await until(async () => (await house().ask(waiting)).length > 0);
}

/** A fold or unfold of a month that stands within its COMMIT: its tables are exchanged, and nobody sees it yet. */
async function withinCommit(month: string, kind: 'fold' | 'unfold'): Promise<{ commit(): Promise<void> }> {
  const session = (await house().open(house().loaderUrl, `${kind} by hand`)).createQueryRunner();
  await session.startTransaction();
  const [opened] = (await session.query(`select nighttrain.open_fold('fares', $1, $2) as fold`, [
    firstOf(month),
    kind,
  ])) as { fold: string }[];
  const days = (await session.query(
    `select business_date as date, from_table as "from", to_table as "to" from nighttrain.fold_day where fold_id = $1`,
    [opened?.fold],
  )) as { date: string; from: string; to: string }[];
  for (const { date, from, to } of days)
    await session.query(
      `insert into warehouse.${to} select * from warehouse.${from} where business_date = '${date}'`,
    );
  await session.query('select nighttrain.check_fold($1)', [opened?.fold]);
  await session.query('set constraints nighttrain.publish_fold immediate');
  return {
    commit: async () => {
      await session.commitTransaction();
      await session.release();
    },
  };
}

test.each(['fold', 'unfold'] as const)(
  'a day whose table a COMMIT of the %s takes away while it is asked is counted where it lies then',
  async (kind) => {
    const month = kind === 'fold' ? '2023-01' : '2023-02';
    await loadDays(month);
    if (kind === 'unfold') await foldFares(house(), month);
    const standing = await withinCommit(month, kind);
    const counted = countVersions(loader);
    await auditsWait();
    await standing.commit();
    expect(await counted).toEqual([]);
    expect(await partsOf(house(), month)).toHaveLength(kind === 'fold' ? 1 : 2);
  },
);

test('days of a month that is folded before their turn to be counted are none that are gone', async () => {
  await loadDays('2023-03');
  await loadDays('2023-04');
  const [first] = await partsOf(house(), '2023-03');
  let counted: ReturnType<typeof countVersions> | undefined;
  await house().database.transaction(async (tx) => {
    await tx.query(`lock table ${first?.name} in access exclusive mode`);
    counted = countVersions(loader);
    await auditsWait();
    await foldFares(house(), '2023-04');
  });
  expect(await counted).toEqual([]);
});

test('a dataset’s own audits ask its last day where it lies once it has been folded meanwhile, and that day alone', async () => {
  const month = '2023-05';
  await loadFares(house(), `${month}-01`, { rows: 3, amount: 0 });
  await loadFares(house(), `${month}-02`, { rows: 2, amount: 0 });
  const audited: Dataset = {
    ...fares,
    audits: [
      // once the table is looked up; it finds nothing
      {
        name: 'waits',
        severity: 'warn',
        sql: `select from pg_advisory_xact_lock_shared(4711) l where l::text = 'x'`,
      },
      { name: 'free-rides', severity: 'warn', sql: 'select * from :table where amount = 0' },
    ],
  };
  const deps = {
    warehouse: loader,
    datasets: new Map([['fares', audited]]),
    alarm: alarmIn(house(), loader),
    log: house().log,
  };
  let outcomes: ReturnType<typeof auditWarehouse> | undefined;
  await house().database.transaction(async (tx) => {
    await tx.query('select pg_advisory_xact_lock(4711)');
    outcomes = auditWarehouse(deps);
    await auditsWait();
    await foldFares(house(), month);
  });
  const found = (await outcomes)?.filter(({ rowsFound }) => rowsFound > 0);
  expect(found).toMatchObject([{ audit: 'free-rides', businessDate: '2023-05-02', rowsFound: 2 }]);
});
