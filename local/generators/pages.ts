import type { Damage } from './damage.ts';
import { Page, word } from './page.ts';
import type { GeneratedTable } from './table.ts';

/**
 * The bytes of one file, a megabyte at a time: its header and the rows from `from` on, up to `to`.
 * @param told the number of its rows so far
 */
export function* pagesOf(
  table: GeneratedTable,
  { from, to }: { readonly from: number; readonly to: number },
  damage: Damage,
  told: (rows: number) => void,
): Generator<Buffer> {
  const page = new Page();
  page.word(word(`${table.columns.join(',')}\n`));
  let before: number | undefined;
  for (let row = from; row < to; row++) {
    const start = page.at;
    table.writeRow(page, row);
    if (row === damage.nextRow) damage.spoil(page, { row, start, before });
    before = start;
    if (page.isFull) {
      told(row + 1 - from);
      yield page.take();
      before = undefined;
    }
  }
  yield page.take();
}
