import type { DataSource } from 'typeorm';
import { addDays, firstOfMonth, type BusinessDate } from '../rules/business-date.ts';
import type { Dataset } from '../rules/dataset.ts';
import { latestOwed } from '../rules/night.ts';
import { policyEntity, type DatasetPolicy } from './entities/dataset-policy.ts';

/** What the ledger will judge the dataset by (R2, R6). */
export function policyOf(dataset: Dataset): DatasetPolicy {
  return {
    dataset: dataset.name,
    tableName: dataset.table,
    writeMode: dataset.write,
    keyColumns: [...dataset.key],
    versionColumn: dataset.versionBy ?? null,
    rejectLimitPercent: dataset.rejectLimitPercent,
    allowEmpty: dataset.allowEmpty,
    historyDays: dataset.historyDays,
    foldAfter: dataset.foldAfter,
  };
}

/** Writes the declarations' limits where the trigger reads them, and opens a hash chain for each new dataset. */
export async function writePolicies(admin: DataSource, datasets: readonly Dataset[]): Promise<void> {
  await admin.transaction(async (tx) => {
    await tx.query('set local role nighttrain_owner');
    for (const dataset of datasets) {
      const policy = policyOf(dataset);
      await tx.query(
        `insert into nighttrain.dataset_policy
           (dataset, table_name, write_mode, key_columns, version_column, reject_limit_percent, allow_empty,
            history_days, fold_after)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (dataset) do update set
           table_name = excluded.table_name, write_mode = excluded.write_mode, key_columns = excluded.key_columns,
           version_column = excluded.version_column, reject_limit_percent = excluded.reject_limit_percent,
           allow_empty = excluded.allow_empty, history_days = excluded.history_days,
           fold_after = excluded.fold_after`,
        [
          policy.dataset,
          policy.tableName,
          policy.writeMode,
          policy.keyColumns,
          policy.versionColumn,
          policy.rejectLimitPercent,
          policy.allowEmpty,
          policy.historyDays,
          policy.foldAfter,
        ],
      );
      await tx.query(
        `update nighttrain.dataset_policy set scheduled_since = coalesce(scheduled_since, $2) where dataset = $1`,
        [policy.dataset, firstOwed(dataset)],
      );
      await tx.query(
        `insert into nighttrain.audit_chain_head (dataset, seq, hash) values ($1, 0, '') on conflict do nothing`,
        [policy.dataset],
      );
    }
  });
}

/** The first date that a schedule owes which begins now: that of its next night. */
function firstOwed({ schedule }: Dataset): BusinessDate | null {
  if (!schedule) return null;
  const latest = latestOwed(schedule, new Date().toISOString());
  return schedule.cadence === 'monthly' ? firstOfMonth(addDays(latest, 32)) : addDays(latest, 1);
}

/** How the policies in the database differ from the declarations, a sentence each; none where they agree. */
export async function policyDifferences(warehouse: DataSource, dataset: Dataset): Promise<string[]> {
  const declared = policyOf(dataset);
  const found = await warehouse.getRepository(policyEntity).findOneBy({ dataset: dataset.name });
  if (!found) return [`the warehouse does not know dataset ${dataset.name}`];
  return (Object.keys(declared) as (keyof DatasetPolicy)[])
    .filter((name) => JSON.stringify(declared[name]) !== JSON.stringify(found[name]))
    .map(
      (name) =>
        `${name} is declared ${JSON.stringify(declared[name])}, the warehouse has ${JSON.stringify(found[name])}`,
    );
}
