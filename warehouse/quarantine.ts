import type { DataSource, EntityManager } from 'typeorm';
import type { DatasetDay } from '../rules/dataset-day.ts';
import { storableText } from './storable.ts';

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

/** What is in memory at once, here and in the server (R14). */
const ROWS_AT_ONCE = 10_000;
const CHARACTERS_AT_ONCE = 4 * 1024 * 1024;

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
  #batch: Quarantined[] = [];
  #characters = 0;
  #inserting: Promise<void> = Promise.resolve();

  constructor(warehouse: DataSource, { dataset, businessDate }: DatasetDay, { attempt, own }: Epochs) {
    this.#warehouse = warehouse;
    this.#night = [dataset, businessDate, attempt];
    this.#epoch = own;
  }

  /** Waits only while rows that came before are still being written. */
  async keep(row: Quarantined): Promise<void> {
    if (this.isFull) return;
    this.#batch.push(row);
    this.#characters += row.raw.length;
    if (this.#batch.length >= ROWS_AT_ONCE || this.#characters >= CHARACTERS_AT_ONCE) await this.#flush();
  }

  /** Waits until all are written. */
  async end(): Promise<void> {
    await this.#flush();
    await this.#inserting;
  }

  async #flush(): Promise<void> {
    await this.#inserting;
    const rows = this.#batch;
    this.#batch = [];
    this.#characters = 0;
    if (rows.length === 0 || this.isFull) return;
    this.#inserting = this.#insert(rows);
    this.#inserting.catch(() => undefined); // told to whoever keeps the next rows, or ends it
  }

  #insert(rows: readonly Quarantined[]): Promise<void> {
    return this.#warehouse.transaction(async (tx) => {
      // A worker that is frozen in here must not hold up the one that takes its step over (R14).
      await tx.query(
        `select set_config('idle_in_transaction_session_timeout', '5s', true), set_config('lock_timeout', '10s', true)`,
      );
      await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
        `quarantine/${this.#night.join('/')}`,
      ]);
      const [kept] = await tx.query<{ rows: number }[]>(
        `select count(*) as rows from nighttrain.quarantine
         where dataset = $1 and business_date = $2 and epoch in ($3, $4)`,
        [...this.#night, this.#epoch],
      );
      const left = QUARANTINE_BOUND - (kept?.rows ?? 0);
      this.isFull = left <= 0;
      if (!this.isFull) await this.#insertAtMost(tx, rows, left);
    });
  }

  async #insertAtMost(tx: EntityManager, rows: readonly Quarantined[], most: number): Promise<void> {
    const [dataset, businessDate] = this.#night;
    await tx.query(
      `insert into nighttrain.quarantine
         (dataset, business_date, epoch, part, record, rule, line, column_name, reason, raw)
       select $1, $2, $3, r.part, r.record, r.rule, r.line, r.column_name, r.reason, r.raw
       from unnest($4::integer[], $5::bigint[], $6::text[], $7::bigint[], $8::text[], $9::text[], $10::text[])
         as r(part, record, rule, line, column_name, reason, raw)
       where not exists (
         select from nighttrain.quarantine q
         where (q.dataset, q.business_date, q.epoch, q.part, q.record, q.rule)
           = ($1, $2, $3, r.part, r.record, r.rule))
       order by r.part, r.record
       limit $11
       on conflict do nothing`,
      [
        dataset,
        businessDate,
        this.#epoch,
        rows.map(({ part }) => part),
        rows.map(({ record }) => record),
        rows.map(({ rule }) => rule),
        rows.map(({ line }) => line),
        rows.map(({ column }) => column),
        rows.map(({ reason }) => storableText(reason)),
        rows.map(({ raw }) => storableText(raw)),
        most,
      ],
    );
  }
}

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
