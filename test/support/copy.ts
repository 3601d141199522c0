import type { Readable } from 'node:stream';
import { COPY_BEGIN, COPY_END } from '../../intake/copy-rows.ts';

/** The fields of rows in COPY's binary format, as their bytes in hexadecimal; null where one is null. */
export function fieldsOf(rows: Buffer): (string | null)[][] {
  const found: (string | null)[][] = [];
  for (let at = 0; at < rows.length;) {
    const row: (string | null)[] = [];
    const fields = rows.readInt16BE(at);
    at += 2;
    for (let field = 0; field < fields; field++) {
      const length = rows.readInt32BE(at);
      at += 4;
      row.push(length === -1 ? null : rows.toString('hex', at, at + length));
      at += Math.max(0, length);
    }
    found.push(row);
  }
  return found;
}

/** The rows of a stream, which must begin and end as COPY's binary format does. */
export async function rowsOf(stream: Readable): Promise<Buffer> {
  return rowsBetween(Buffer.concat((await stream.toArray()) as Buffer[]));
}

/** The same of its bytes. */
export function rowsBetween(bytes: Buffer): Buffer {
  const end = bytes.length - COPY_END.length;
  if (!bytes.subarray(0, COPY_BEGIN.length).equals(COPY_BEGIN) || !bytes.subarray(end).equals(COPY_END))
    throw new Error('this is no stream in COPY binary format');
  return bytes.subarray(COPY_BEGIN.length, end);
}

/** Rows of texts alone, as themselves. */
export function textsOf(rows: Buffer): (string | null)[][] {
  return fieldsOf(rows).map((row) => row.map((field) => field && Buffer.from(field, 'hex').toString()));
}
