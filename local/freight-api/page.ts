import type { Fault } from './scenario.ts';

/** A record as the API tells it: scalars, until a fault makes it otherwise. */
export type ApiRecord = Readonly<Record<string, unknown>>;

/** Where a page begins. */
export interface Cursor {
  /** Records before it. */
  readonly offset: number;
  /** Of the query that it belongs to. */
  readonly of: string;
  /** The page is sent a second time. */
  readonly again?: true;
}

/** Opaque to the client, as cursors should be. */
export function writeCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}

/** The cursor, or undefined where the text is none of ours for this query. */
export function readCursor(text: string, of: string): Cursor | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    return undefined; // no JSON, hence none of ours
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const cursor = value as Partial<Cursor>;
  return cursor.of === of && Number.isSafeInteger(cursor.offset) && (cursor.offset ?? -1) >= 0
    ? (cursor as Cursor)
    : undefined;
}

/** Cuts a page out of the records and lets the faults that change its content have it. */
export function pageOf(
  records: readonly ApiRecord[],
  at: Cursor,
  limit: number,
  faults: readonly Fault[],
): Record<string, unknown> {
  const endless = faults.some(({ fault }) => fault === 'endless-pages') && records.length > 0;
  const start = endless ? at.offset % records.length : at.offset;
  const rows = records.slice(start, start + limit).map((row, index) => {
    const ordinal = start + index;
    return faults.reduce<ApiRecord>(
      (spoilt, fault) => spoil(spoilt, fault, ordinal, index, records.length),
      row,
    );
  });
  const page = { data: rows, next_cursor: nextCursor(records.length, at, limit, faults, endless) };
  return faults.reduce<Record<string, unknown>>(spoilEnvelope, page);
}

function nextCursor(
  total: number,
  at: Cursor,
  limit: number,
  faults: readonly Fault[],
  endless: boolean,
): string | null {
  const { offset, of } = at;
  if (faults.some(({ fault }) => fault === 'looping-cursor')) return writeCursor({ offset: 0, of });
  if (faults.some(({ fault }) => fault === 'duplicate-page')) return writeCursor({ offset, of, again: true });
  return endless || offset + limit < total ? writeCursor({ offset: offset + limit, of }) : null;
}

function spoil(row: ApiRecord, fault: Fault, ordinal: number, index: number, total: number): ApiRecord {
  if (fault.fault === 'missing-property') return without(row, fault.property);
  if (fault.fault === 'renamed-property') return renamed(row, fault.property, fault.to);
  if (fault.fault === 'wrong-type' && index + 1 === (fault.row ?? 1) && fault.property in row)
    return { ...row, [fault.property]: { value: row[fault.property] } };
  if (fault.fault === 'bad-rows' && isBad(ordinal, badRowsOf(fault, total), total))
    return unbelievable(row, ordinal);
  return row;
}

function spoilEnvelope(page: Record<string, unknown>, fault: Fault): Record<string, unknown> {
  if (fault.fault === 'missing-property') return without(page, fault.property);
  if (fault.fault === 'renamed-property') return renamed(page, fault.property, fault.to);
  if (fault.fault === 'wrong-type' && fault.property in page)
    return { ...page, [fault.property]: { wrong: true } };
  return page;
}

function badRowsOf({ percent = 10, rows }: { percent?: number; rows?: number }, total: number): number {
  return Math.min(rows ?? Math.round((total * percent) / 100), total);
}

/** Spreads `bad` of `total` evenly: exactly so many ordinals are bad, wherever the pages are cut. */
function isBad(ordinal: number, bad: number, total: number): boolean {
  return Math.floor(((ordinal + 1) * bad) / total) > Math.floor((ordinal * bad) / total);
}

const NONSENSE: readonly ApiRecord[] = [
  { tonnes: 'heavy', lat: 'north' },
  { commodity: 'unobtainium', country: 'XX' },
  { departure: 'yesterday evening', sidings: -1 },
  { client: null, name: null },
];

/** The row with one value that no dataset can believe. */
function unbelievable(row: ApiRecord, ordinal: number): ApiRecord {
  const nonsense = NONSENSE[ordinal % NONSENSE.length] ?? {};
  return { ...row, ...Object.fromEntries(Object.entries(nonsense).filter(([name]) => name in row)) };
}

function without(row: ApiRecord, property: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([name]) => name !== property));
}

function renamed(row: ApiRecord, property: string, to: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name === property ? to : name, value]),
  );
}
