/** The declaration kit: all that a dataset's file imports. */
export { defineDataset, type Dataset } from './dataset.ts';
export {
  bigint,
  boolean,
  clockTime,
  date,
  decimal,
  double,
  integer,
  oneOf,
  text,
  timestamp,
  type Column,
} from './columns.ts';
export { csv, rest } from './source.ts';
