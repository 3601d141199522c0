import type { QueryRunner } from 'typeorm';
import { ISOLATIONS, type Isolation } from './by-hand.ts';
import type { House } from './house.ts';
import { until } from './intake.ts';

/** What a reader saw of a day: `<rows> rows of <amounts>`. */
const LOOK = `select count(*) || ' rows of ' || coalesce(string_agg(distinct amount::text, ' and '), 'nothing') as seen
  from warehouse.fare where business_date = $1`;

/**
 * Readers that look at a day of `fares` until they are told to stop, two for each isolation level: one looks again and
 * again, the other takes a snapshot and looks only when told to, so that its snapshot is older than what it finds.
 */
export class Readers implements AsyncDisposable {
  readonly seen = new Set<string>();
  readonly #readers: Reader[] = [];
  readonly #loops: Promise<void>[] = [];
  #gate = new Gate();
  #stopped = false;

  static async watch(house: House, day: string): Promise<Readers> {
    const readers = new Readers();
    const source = await house.open(house.readerUrl, 'reader', 2 * ISOLATIONS.length);
    for (const isolation of ISOLATIONS) {
      for (const isPatient of [false, true]) {
        const reader = { runner: source.createQueryRunner(), day, isolation, isPatient, looks: 0 };
        readers.#readers.push(reader);
        readers.#loops.push(readers.#lookUntilStopped(reader));
      }
    }
    await until(() => readers.#readers.every(({ looks, isPatient }) => isPatient || looks > 0));
    return readers;
  }

  /** Lets the patient ones look, with the snapshots that they have; waits until every reader has looked again. */
  async lookOn(): Promise<void> {
    const before = this.#readers.map(({ looks }) => looks);
    await until(() => {
      this.#openGate(); // once more for whoever had not come to it yet
      return this.#readers.every(({ looks }, index) => looks >= (before[index] ?? 0) + 2);
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#openGate();
    await Promise.all(this.#loops);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    for (const { runner } of this.#readers) await runner.release();
  }

  #openGate(): void {
    const { open } = this.#gate;
    this.#gate = new Gate();
    open();
  }

  async #lookUntilStopped(reader: Reader): Promise<void> {
    const { runner, isolation, isPatient } = reader;
    while (!this.#stopped) {
      await runner.startTransaction(isolation);
      if (isPatient) {
        // A snapshot, but no lock on the table: a load would wait for that, and give up.
        await runner.query('select count(*) from nighttrain.load_batch');
        if (!this.#stopped) await this.#gate.opened;
      }
      await this.#look(reader);
      if (isPatient) await this.#look(reader);
      await runner.commitTransaction();
    }
  }

  async #look(reader: Reader): Promise<void> {
    const rows = (await reader.runner.query(LOOK, [reader.day])) as { seen: string }[];
    this.seen.add(rows[0]?.seen ?? '');
    reader.looks += 1;
  }
}

interface Reader {
  readonly runner: QueryRunner;
  readonly day: string;
  readonly isolation: Isolation;
  readonly isPatient: boolean;
  looks: number;
}

class Gate {
  open!: () => void;
  readonly opened = new Promise<void>((resolve) => (this.open = resolve));
}
