import { LandingCorrupt } from '../rules/errors.ts';
import type { RejectedPlace, ReleasedRow } from '../rules/release.ts';
import { readJsonLines } from './json-lines.ts';
import type { LandingStore, StoredFile } from './landing.ts';

/** A record that was rejected before, by which rule, and the record of the part at hand that stands for it now. */
export interface Reconsidered extends RejectedPlace {
  readonly rule: string;
  readonly newRecord: number;
}

/** Where the intake sends a record. */
export type Way =
  { readonly became: 'staged' | 'discarded' } | { readonly became: 'rejected'; readonly becameRule: string };

/** What the intake has made of a record that was rejected before; SQL may judge it again while it is staged. */
export interface FollowedRecord extends ReleasedRow {
  /** Of a staged record, its place among the staged rows of its part, from 0. */
  readonly place: number | null;
}

/** Finds the records whose way is followed among those of a part, which pass by in their order. */
export class Follower {
  readonly #part: number;
  readonly #list: AsyncGenerator<Reconsidered>;
  #next: Reconsidered | undefined;

  private constructor(part: number, list: AsyncGenerator<Reconsidered>) {
    this.#part = part;
    this.#list = list;
  }

  static async open(landing: LandingStore, part: number, list: StoredFile): Promise<Follower> {
    const follower = new Follower(part, readJsonLines<Reconsidered>(landing, list));
    await follower.#advance();
    return follower;
  }

  /** The record that is waited for; undefined once all have passed by. */
  get sought(): number | undefined {
    return this.#next?.newRecord;
  }

  /** Says what became of the record that was sought, and seeks the next one. */
  async passed(way: Way, place: number): Promise<FollowedRecord> {
    const { newRecord, ...before } = this.#next as Reconsidered;
    await this.#advance();
    const { became } = way;
    return {
      ...before,
      newPart: this.#part,
      newRecord,
      became,
      becameRule: way.became === 'rejected' ? way.becameRule : null,
      place: became === 'staged' ? place : null,
    };
  }

  /** @throws LandingCorrupt where a record that is sought has not passed by */
  end(): void {
    if (this.#next === undefined) return;
    throw new LandingCorrupt(`Part ${this.#part} has no record ${this.#next.newRecord} any more`, {
      detail: `It stands for part ${this.#next.part} record ${this.#next.record}, which was rejected before.`,
      hint: 'Replay the day from its source.',
    });
  }

  async #advance(): Promise<void> {
    const next = await this.#list.next();
    this.#next = next.done ? undefined : next.value;
  }
}
