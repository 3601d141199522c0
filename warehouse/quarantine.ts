import type { DataSource, EntityManager } from 'typeorm';
import type { DatasetDay } from '../rules/dataset-day.ts';
import { QuarantineBatch } from './quarantine-batch.ts';

/** The table holds the first so many rows of a night; the rejects file in landing holds all (R5). */
export const QUARANTINE_BOUND = 100_000;

/** A rejected row as quarantine keeps it. */
export interface Quarantined {
  readonly part: number;
  readonly record: number;
  readonly line: number | null;
  readonly column: string | null;
  readonly rule: string;
  readonly reason: string;
  readonly raw: string;
}

/** What `keep` answers where a row only joins its batch: no promise is made for each. */
const NOTHING = Promise.resolve();

/** Under which epoch a night's rows are kept: the attempt's what the intake rejects, its load's what SQL does. */
export interface Epochs {
  readonly attempt: number;
  readonly own: number;
}

/**
 * Keeps rejected rows of a night on a connection of its own, so that they outlive the load's rollback. A row that is
 * there already is left alone: a retried step writes it once (R5). Takes what is left of the night's bound, which parts
 * that come side by side share.
 */
export class Quarantine {
  /** It takes no more. */
  isFull = false;
  readonly #warehouse: DataSource;
  readonly #night: readonly [dataset: string, businessDate: string, attempt: number];
  readonly #epoch: number;
  #batch = new QuarantineBatch();
  /** Was written: its memory is used again. */
  #spare: QuarantineBatch | undefined;
  #inserting = NOTHING;

  constructor(warehouse: DataSource, { dataset, businessDate }: DatasetDay, { attempt, own }: Epochs) {
    this.#warehouse = warehouse;
    this.#night = [dataset, businessDate, attempt];
    this.#epoch = own;
  }

  /** Waits only while rows that came before are still being written. */
  keep(row: Quarantined): Promise<void> {
    if (this.isFull) return NOTHING;
    this.#batch.add(row);
    return this.#batch.isFull ? this.#flush() : NOTHING;
  }

  /** Waits until all are written. */
  async end(): Promise<void> {
    await this.#flush();
    await this.#inserting;
  }

  async #flush(): Promise<void> {
    await this.#inserting;
    if (this.#batch.rows === 0 || this.isFull) return;
    const batch = this.#batch;
    this.#batch = this.#spare ?? new QuarantineBatch();
    this.#spare = undefined;
    this.#inserting = this.#insert(batch);
    this.#inserting.catch(() => undefined); // told to whoever keeps the next rows, or ends it
  }

  async #insert(batch: QuarantineBatch): Promise<void> {
    await this.#warehouse.transaction(async (tx) => {
      // A worker that is frozen in here must not hold up the one that takes its step over (R14). Nothing would end its
      // wait in a COPY, which is why rows come as parameters.
      await tx.query(
        `select set_config('idle_in_transaction_session_timeout', '5s', true), set_config('lock_timeout', '10s', true)`,
      );
      await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
        `quarantine/${this.#night.join('/')}`,
      ]);
      const [kept] = await tx.query<{ rows: number; among: boolean }[]>(
        `select (
           select count(*) from nighttrain.quarantine
           where dataset = $1 and business_date = $2 and epoch in ($3, $4)
         ) as rows, exists (
           select from nighttrain.quarantine
           where dataset = $1 and business_date = $2 and epoch = $4 and (part, record) between ($5, $6) and ($7, $8)
         ) as among`,
        [...this.#night, this.#epoch, ...batch.ends],
      );
      const left = QUARANTINE_BOUND - (kept?.rows ?? 0);
      this.isFull = left <= 0;
      if (this.isFull) return;
      const isNew = batch.isAscending && kept?.among === false;
      await this.#insertAtMost(tx, batch, left, isNew);
      this.isFull = isNew && batch.rows >= left;
    });
    batch.clear();
    this.#spare = batch;
  }

  /** @param isNew the rows are in order, and none of them is there: looking for each would cost more than writing it */
  async #insertAtMost(
    tx: EntityManager,
    batch: QuarantineBatch,
    most: number,
    isNew: boolean,
  ): Promise<void> {
    const [dataset, businessDate] = this.#night;
    await tx.query(
      `insert into nighttrain.quarantine
         (dataset, business_date, epoch, part, record, rule, line, column_name, reason, raw)
       ${isNew ? `${ROWS} limit $11` : UNKNOWN_ROWS}`,
      [dataset, businessDate, this.#epoch, ...batch.parameters(), most],
    );
  }
}

/** Arrays side by side as rows. In the from clause each would be written to a store of its own first. */
const ROWS = `select $1::text as dataset, $2::date as business_date, $3::bigint as epoch,
         unnest($4::integer[]) as part, unnest($5::bigint[]) as record, unnest($6::text[]) as rule,
         unnest($7::bigint[]) as line, unnest($8::text[]) as column_name, unnest($9::text[]) as reason,
         unnest($10::text[]) as raw`;

/** The first ones, in the order of the records, of those that are not there. */
const UNKNOWN_ROWS = `select r.* from (${ROWS}) r
       where not exists (
         select from nighttrain.quarantine q
         where (q.dataset, q.business_date, q.epoch, q.part, q.record, q.rule)
           = ($1, $2, $3, r.part, r.record, r.rule))
       order by r.part, r.record
       limit $11
       on conflict do nothing`;

/** Keeps all of them, as far as there is room. */
export async function keepRejected(
  warehouse: DataSource,
  day: DatasetDay,
  epochs: Epochs,
  rejected: AsyncIterable<Quarantined> | Iterable<Quarantined>,
): Promise<void> {
  const quarantine = new Quarantine(warehouse, day, epochs);
  for await (const row of rejected) {
    if (quarantine.isFull) break;
    await quarantine.keep(row);
  }
  await quarantine.end();
}
