import type { DataSource } from 'typeorm';
import type { AttemptRow } from './entities/attempt.ts';
import { epochsOf } from './closed-attempt.ts';
import type { Quarantined } from './quarantine.ts';

type OfAttempt = Pick<AttemptRow, 'dataset' | 'businessDate' | 'epoch' | 'loadEpoch'>;

/** Each may be as long as a record may be, by default a megabyte (R14). */
const ROWS_AT_ONCE = 100;

/**
 * The rejected rows of an attempt that quarantine's table holds, in the order of the landed input; read some at a
 * time, so that memory does not grow with them.
 * @param rule only those that broke this rule
 */
export async function* readQuarantine(
  warehouse: DataSource,
  attempt: OfAttempt,
  {
    rule,
    epochs = epochsOf(attempt),
  }: { readonly rule?: string | undefined; readonly epochs?: readonly number[] } = {},
): AsyncGenerator<Quarantined> {
  let after: [part: number, record: number, rule: string] = [-1, -1, ''];
  for (;;) {
    const rows = await warehouse.query<Quarantined[]>(
      // Epoch by epoch, for only within one does the index have the rows in this order.
      `select rejected.*
       from unnest($3::bigint[]) as epochs(epoch) cross join lateral (
         select part, record, line, column_name as "column", rule, reason, raw
         from nighttrain.quarantine
         where dataset = $1 and business_date = $2 and epoch = epochs.epoch
           and ($4::text is null or rule = $4)
           and (part, record, rule) > ($5::int, $6::bigint, $7::text)
         order by part, record, rule
         limit ${ROWS_AT_ONCE}
       ) rejected
       order by part, record, rule
       limit ${ROWS_AT_ONCE}`,
      [attempt.dataset, attempt.businessDate, [...new Set(epochs)], rule ?? null, ...after],
    );
    yield* rows;
    const last = rows.at(-1);
    if (!last || rows.length < ROWS_AT_ONCE) return;
    after = [last.part, last.record, last.rule];
  }
}

/** How many rejected rows of an attempt the table holds. */
export async function countQuarantined(warehouse: DataSource, attempt: OfAttempt): Promise<number> {
  const [row] = await warehouse.query<{ rows: number }[]>(
    `select count(*) as rows from nighttrain.quarantine
     where dataset = $1 and business_date = $2 and epoch = any($3::bigint[])`,
    [attempt.dataset, attempt.businessDate, epochsOf(attempt)],
  );
  return row?.rows ?? 0;
}
