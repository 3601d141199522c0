/** What happens to a column or property that the dataset does not declare. */
export type Drift = 'freeze' | 'discard';

/** Files from the inbox: `<inbox>/<dataset>/<date>.csv[.gz]`, or all of `<date>-00001-of-00005.csv[.gz]` (§6). */
export interface CsvSource {
  readonly kind: 'csv';
  readonly delimiter: ',' | ';' | '\t' | '|';
  readonly encoding: 'utf-8' | 'latin1';
  /** Texts that stand for a missing value, besides the empty cell. */
  readonly missing: readonly string[];
  readonly drift: Drift;
  /** Whether the source ends the last line of a file too: one that ends otherwise was then cut short. */
  readonly endsLastLine: boolean;
}

/** Pages of JSON from an HTTP API. */
export interface RestSource {
  readonly kind: 'rest';
  /** The environment variable that holds the base URL. */
  readonly baseUrlFrom: string;
  /** The environment variable that holds a bearer token, where the API wants one. */
  readonly tokenFrom: string | undefined;
  /** Path below the base URL, e.g. `/v1/movements`. */
  readonly path: string;
  /** The query parameter that carries the business date, where the API has one. */
  readonly dateParameter: string | undefined;
  /** The property of a page that holds its records. */
  readonly records: string;
  /** The property of a page that holds the next page's cursor (null on the last), sent back as `cursor`. */
  readonly nextCursor: string;
  /** Records asked for in one page, sent as `limit`. */
  readonly pageSize: number;
  readonly drift: Drift;
}

export type Source = CsvSource | RestSource;

/**
 * Declares files from the inbox. By default RFC 4180 in UTF-8, which leaves the last line's end to the source; nothing
 * but an empty cell is missing, drift is refused.
 */
export function csv(
  options: Partial<Omit<CsvSource, 'kind' | 'missing'>> & { missing?: string | readonly string[] } = {},
): CsvSource {
  const { missing = [], ...rest } = options;
  return {
    kind: 'csv',
    delimiter: ',',
    encoding: 'utf-8',
    drift: 'freeze',
    endsLastLine: false,
    ...rest,
    missing: typeof missing === 'string' ? [missing] : missing,
  };
}

/** Declares pages of an HTTP API. By default `{"data": [...], "next_cursor": ...}`, 500 records a page. */
export function rest(
  options: Pick<RestSource, 'baseUrlFrom' | 'path'> & Partial<Omit<RestSource, 'kind'>>,
): RestSource {
  return {
    kind: 'rest',
    tokenFrom: undefined,
    dateParameter: undefined,
    records: 'data',
    nextCursor: 'next_cursor',
    pageSize: 500,
    drift: 'discard',
    ...options,
  };
}
