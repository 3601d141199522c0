import type { Dataset } from '../rules/dataset.ts';
import { encoderOf, roomFor } from './copy-fields.ts';
import type { CopyRows, Encode } from './copy-rows.ts';
import type { Values } from './validate.ts';

/** Encodes rows of a dataset from the values that its columns print. */
export class RowEncoder {
  readonly #columns: readonly string[];
  readonly #encoders: readonly Encode[];

  constructor({ columns }: Pick<Dataset, 'columns'>) {
    this.#columns = Object.keys(columns);
    this.#encoders = Object.values(columns).map(({ form }) => encoderOf(form));
  }

  append(values: Values, out: CopyRows): void {
    out.reserve(2);
    out.int16(values.length);
    for (let column = 0; column < values.length; column++) {
      const value = values[column] ?? null;
      const printed = value === null ? undefined : Buffer.from(value);
      out.reserve(roomFor(printed?.length ?? 0));
      if (!printed) out.int32(-1);
      else if (!this.#encoders[column]?.(printed, 0, printed.length, out))
        throw new Error(`A value of column ${this.#columns[column]} is none that it could have printed`);
    }
  }
}
