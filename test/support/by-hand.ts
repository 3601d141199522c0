import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { COPY_BEGIN, COPY_END, CopyRows } from '../../intake/copy-rows.ts';
import { RowEncoder } from '../../intake/row-encoder.ts';
import type { Counts } from '../../rules/counts.ts';
import type { Dataset } from '../../rules/dataset.ts';
import { openWarehouse, sessionName } from '../../warehouse/data-source.ts';
import {
  buildKeys,
  copyInto,
  openDay,
  type LoadIdentity,
  type OpenedTable,
} from '../../warehouse/day-table.ts';
import { advanceEpoch, takeOverFence } from '../../warehouse/fence.ts';
import { writeLedger } from '../../warehouse/ledger.ts';
import { computeDelta, type MergeDelta } from '../../warehouse/merge.ts';
import type { House } from './house.ts';
import { dayOf } from './intake.ts';

export type Isolation = 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE';
export const ISOLATIONS: readonly Isolation[] = ['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'];

/**
 * A load that a test goes through step by step, by the functions that the worker uses and as the loader: it can stop
 * anywhere, and lie. Rolled back at its end, unless it was committed.
 */
export class LoadByHand implements AsyncDisposable {
  readonly owner: string;
  readonly identity: LoadIdentity;
  readonly #dataset: Dataset;
  readonly #session: DataSource;
  readonly #runner: QueryRunner;
  #table: OpenedTable | undefined;

  private constructor(owner: string, identity: LoadIdentity, dataset: Dataset, session: DataSource) {
    this.owner = owner;
    this.identity = identity;
    this.#dataset = dataset;
    this.#session = session;
    this.#runner = session.createQueryRunner();
  }

  /** Takes the day over and begins the transaction. */
  static async begin(
    house: House,
    name: string,
    date: string,
    { isolation = 'READ COMMITTED' }: { isolation?: Isolation } = {},
  ): Promise<LoadByHand> {
    const dataset = house.datasets.get(name);
    if (!dataset) throw new Error(`there is no dataset ${name}`);
    const day = { dataset: name, businessDate: dayOf(date) };
    const owner = `by hand ${randomUUID()}`;
    await takeOverFence(house.database, day, owner);
    const epoch = await advanceEpoch(house.database, day, owner);
    const session = await openWarehouse(house.loaderUrl, {
      applicationName: sessionName(day, epoch),
      poolSize: 1,
    });
    const load = new LoadByHand(owner, { ...day, epoch, loadId: randomUUID() }, dataset, session);
    await load.#runner.startTransaction(isolation);
    return load;
  }

  get tx(): EntityManager {
    return this.#runner.manager;
  }

  get table(): OpenedTable {
    if (!this.#table) throw new Error('no table is opened');
    return this.#table;
  }

  /** Opens the day's table and fills it. @param rows cells in the order of the dataset's columns */
  async copyIn(rows: readonly (readonly (string | number | null)[])[]): Promise<void> {
    this.#table = await openDay(this.tx, this.identity, 1);
    const encoder = new RowEncoder(this.#dataset);
    const encoded = new CopyRows(64 * 1024);
    for (const row of rows) {
      encoder.append(
        row.map((cell) => (cell === null ? null : String(cell))),
        encoded,
      );
    }
    const stream = Readable.from([COPY_BEGIN, encoded.written(), COPY_END], { objectMode: false });
    await copyInto(this.tx, this.table, this.#dataset, stream as AsyncIterable<Buffer>);
    await buildKeys(this.tx, this.table);
  }

  delta(): Promise<MergeDelta> {
    return computeDelta(this.tx, this.table);
  }

  /** Writes the ledger row; what is left out of `counts` is 0. */
  writeLedger(counts: Partial<Counts>): Promise<void> {
    const none = { read: 0, loaded: 0, rejected: 0, discarded: 0, deduplicated: 0 };
    return writeLedger(
      this.tx,
      this.identity,
      this.table,
      { ...none, ...counts },
      {
        ownerRunId: this.owner,
        contentSha256: '0'.repeat(64),
        manifest: 'by hand',
        startedAt: new Date(0),
      },
    );
  }

  commit(): Promise<void> {
    return this.#runner.commitTransaction();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#runner.isTransactionActive) await this.#runner.rollbackTransaction().catch(() => undefined); // evicted
    await this.#runner.release();
    await this.#session.destroy();
  }
}

/** Rows of `fares`. */
export function fareRows(day: string, rows: number, amount: number): (string | number | null)[][] {
  return Array.from({ length: rows }, (_, index) => [day, index + 1, amount, null]);
}

/** A whole day of `fares`, loaded by hand up to the last step before COMMIT. */
export async function fillFares(
  house: House,
  day: string,
  { rows, amount, isolation }: { rows: number; amount: number; isolation?: Isolation },
): Promise<LoadByHand> {
  const load = await LoadByHand.begin(house, 'fares', day, isolation ? { isolation } : {});
  await load.copyIn(fareRows(day, rows, amount));
  await load.writeLedger({ read: rows, loaded: rows });
  return load;
}

/** A day of `fares`, loaded by hand. */
export async function loadFares(
  house: House,
  day: string,
  of: { rows: number; amount: number },
): Promise<void> {
  await using load = await fillFares(house, day, of);
  await load.commit();
}

/** Rows of `clients`, merged by hand up to the last step before COMMIT. */
export async function fillClients(
  house: House,
  day: string,
  rows: readonly (readonly (string | number | null)[])[],
): Promise<LoadByHand> {
  const load = await LoadByHand.begin(house, 'clients', day);
  await load.copyIn(rows);
  const { inserted, updated, unchanged, stale } = await load.delta();
  const loaded = inserted + updated + unchanged;
  await load.writeLedger({ read: loaded + stale, loaded, discarded: stale });
  return load;
}
