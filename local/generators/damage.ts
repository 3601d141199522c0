import { pick, type Chance } from './chance.ts';
import { KINDS, type CellFlaw, type Kind, type Tally } from './flaws.ts';
import type { Page } from './page.ts';
import type { GeneratedTable } from './table.ts';

/** Draws that are not those of the rows themselves. */
const PLACE = 100;
const FIRST_KIND = 101;
const CHOICE = 102;

/** A row on a page, and what the next steps must know of it. */
interface WrittenRow {
  readonly row: number;
  /** Where it begins on its page. */
  readonly start: number;
  /** Where the row before it does; undefined where that is on another page. */
  readonly before: number | undefined;
}

/**
 * Spoils rows of one part: exactly the percentage asked for, rounded down, each at a random place of its own stretch of
 * the part, and all kinds in turn. A row is a line of the file before and after.
 */
export class Damage {
  readonly #columns: readonly string[];
  readonly #flaws: readonly CellFlaw[];
  readonly #loseRow: (row: number) => void;
  readonly #chance: Chance;
  readonly #tally: Tally;
  readonly #from: number;
  readonly #rows: number;
  readonly #most: number;
  #done = 0;
  #lastRow = -1;
  #turn: number;
  /** A quote was left open on the row before, and this row must end it: nobody else's rows are spoilt by it. */
  #isOpen = false;
  /** The next row to spoil; none is left where it lies beyond the part. */
  nextRow = -1;

  /** @param tally of the dataset day, to which the part adds */
  constructor(
    { columns, flaws, loseRow = () => undefined }: Pick<GeneratedTable, 'columns' | 'flaws' | 'loseRow'>,
    part: { readonly from: number; readonly to: number; readonly badPercent: number },
    chance: Chance,
    tally: Tally,
  ) {
    this.#columns = columns;
    this.#flaws = flaws;
    this.#loseRow = loseRow;
    this.#chance = chance;
    this.#tally = tally;
    this.#from = part.from;
    this.#rows = part.to - part.from;
    this.#most = Math.floor((this.#rows * part.badPercent) / 100);
    this.#turn = chance(part.from, FIRST_KIND) % KINDS.length;
    this.#choosePlace();
  }

  spoil(page: Page, written: WrittenRow): void {
    const { row, start } = written;
    let kind: Kind = 'broken-quote';
    let line: string | undefined;
    if (this.#isOpen) {
      this.#isOpen = false;
      line = this.#withQuote(page.textFrom(start), 'stray');
    } else {
      while (line === undefined) {
        kind = KINDS[this.#turn++ % KINDS.length] as Kind;
        line = this.#spoilt(kind, page, written);
      }
    }
    page.rewrite(start, line);
    this.#loseRow(row);
    if (kind === 'different-duplicate') this.#loseRow(row - 1); // both are rejected
    this.#tally.damaged++;
    this.#tally.kinds[kind] = (this.#tally.kinds[kind] ?? 0) + 1;
    this.#done++;
    this.#lastRow = row;
    if (this.#isOpen) this.nextRow = row + 1;
    else this.#choosePlace();
  }

  /** Stretches are as many as rows to spoil, and none is empty. */
  #choosePlace(): void {
    const stretch = (index: number) => Math.floor((index * this.#rows) / this.#most);
    if (this.#done >= this.#most) {
      this.nextRow = -1;
      return;
    }
    const first = this.#from + stretch(this.#done);
    const length = this.#from + stretch(this.#done + 1) - first;
    this.nextRow = first + Math.floor((this.#chance(first, PLACE) / 4_294_967_296) * length);
  }

  /** The row's line as this kind of damage leaves it; undefined where the row cannot suffer it. */
  #spoilt(kind: Kind, page: Page, { row, start, before }: WrittenRow): string | undefined {
    const line = page.textFrom(start);
    const choice = this.#chance(row, CHOICE);
    switch (kind) {
      case 'missing-field':
        return this.#rejected('ragged-record', `${line.slice(0, line.lastIndexOf(','))}\n`);
      case 'extra-field':
        return this.#rejected('ragged-record', `${line.slice(0, -1)},${choice % 100}\n`);
      case 'broken-quote':
        return this.#broken(line, choice, row);
      case 'identical-duplicate':
      case 'different-duplicate':
        // Twice the same original, or a spoilt one, would be another kind of damage.
        if (before === undefined || this.#lastRow === row - 1) return undefined;
        return this.#duplicate(kind, line, page.textFrom(before).slice(0, start - before));
      default:
        return this.#badCell(kind, line, choice);
    }
  }

  #badCell(kind: Kind, line: string, choice: number): string | undefined {
    const flaws = this.#flaws.filter((flaw) => flaw.kind === kind);
    if (flaws.length === 0) return undefined;
    const { column, rule, cells, latin1 } = pick(flaws, choice);
    const cell = pick(cells, choice >>> 16);
    const fields = line.slice(0, -1).split(',');
    fields[this.#columns.indexOf(column)] = latin1 ? cell : Buffer.from(cell).toString('latin1');
    return this.#rejected(rule, `${fields.join(',')}\n`);
  }

  #duplicate(
    kind: 'identical-duplicate' | 'different-duplicate',
    line: string,
    original: string,
  ): string | undefined {
    if (kind === 'identical-duplicate') {
      this.#tally.deduplicated++;
      return original;
    }
    const copy = original.slice(0, original.indexOf(',')) + line.slice(line.indexOf(','));
    if (copy === original) return undefined;
    this.#rejected('ambiguous-key', original);
    return this.#rejected('ambiguous-key', copy);
  }

  #broken(line: string, choice: number, row: number): string {
    const nextIsOurs = this.#done + 1 < this.#most && row + 1 < this.#from + this.#rows;
    const how = pick(
      nextIsOurs ? (['stray', 'early', 'open'] as const) : (['stray', 'early'] as const),
      choice,
    );
    this.#isOpen = how === 'open';
    return this.#withQuote(line, how);
  }

  /** In the second field, whose first two characters are ASCII in every set: `2"025…`, `"2"025…` or `"2025…`. */
  #withQuote(line: string, how: 'stray' | 'early' | 'open'): string {
    const field = line.indexOf(',') + 1;
    const opening = how === 'stray' ? '' : '"';
    const inside = how === 'open' ? '' : '"';
    return this.#rejected(
      'broken-quote',
      `${line.slice(0, field)}${opening}${line[field]}${inside}${line.slice(field + 1)}`,
    );
  }

  #rejected(rule: string, line: string): string {
    const { rejectedByRule } = this.#tally;
    rejectedByRule[rule] = (rejectedByRule[rule] ?? 0) + 1;
    return line;
  }
}
