import { Readable } from 'node:stream';
import { Ordinals } from '../rules/ordinals.ts';
import { asBuffer } from './as-buffer.ts';
import { COPY_BEGIN, COPY_END } from './copy-rows.ts';
import type { LandingStore } from './landing.ts';
import type { StagedPart } from './manifest.ts';
import { verified } from './verified.ts';

/**
 * The rows of all staged parts as one stream in COPY's binary format, in the order of the parts. It fails at the end of a part whose
 * bytes are not those that were staged.
 * @param without rows to leave out
 */
export function openStaged(
  landing: LandingStore,
  parts: readonly StagedPart[],
  without: Ordinals = new Ordinals(),
): Readable {
  return Readable.from(rowsOf(landing, parts, without), { objectMode: false, highWaterMark: 256 * 1024 });
}

/** Parts in the order in which their rows are counted. */
export function inOrder<Part extends { readonly part: number }>(parts: readonly Part[]): Part[] {
  return [...parts].sort((a, b) => a.part - b.part);
}

async function* rowsOf(
  landing: LandingStore,
  parts: readonly StagedPart[],
  without: Ordinals,
): AsyncGenerator<Buffer> {
  let first = 0;
  yield COPY_BEGIN;
  for (const part of inOrder(parts)) {
    const rows = verified(landing, part.rows);
    if (without.hasBetween(first, first + part.staged)) yield* leaveOut(rows, first, without);
    else yield* rows;
    first += part.staged;
  }
  yield COPY_END;
}

/**
 * Rows are walked by the lengths of their fields; one that ends in a later chunk waits for it. Chunks may be lent.
 * @param first ordinal of the first row
 */
export async function* leaveOut(
  rows: AsyncIterable<Uint8Array>,
  first: number,
  without: Ordinals,
): AsyncGenerator<Buffer> {
  let ordinal = first;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of rows) {
    const bytes = rest.length === 0 ? asBuffer(chunk) : Buffer.concat([rest, chunk]);
    const kept: Buffer[] = [];
    let [keptFrom, row] = [0, 0];
    for (let end = endOfRow(bytes, row); end !== undefined; end = endOfRow(bytes, row)) {
      if (without.has(ordinal++)) {
        kept.push(bytes.subarray(keptFrom, row));
        keptFrom = end;
      }
      row = end;
    }
    kept.push(bytes.subarray(keptFrom, row));
    rest = Buffer.from(bytes.subarray(row));
    const whole = Buffer.concat(kept);
    if (whole.length > 0) yield whole;
  }
  if (rest.length > 0) throw new Error('Staged rows end in the middle of one');
}

/** Undefined where the row goes on after these bytes. */
function endOfRow(bytes: Buffer, start: number): number | undefined {
  if (start + 2 > bytes.length) return undefined;
  let at = start + 2;
  for (let fields = bytes.readInt16BE(start); fields > 0; fields--) {
    if (at + 4 > bytes.length) return undefined;
    at += 4 + Math.max(0, bytes.readInt32BE(at));
  }
  return at > bytes.length ? undefined : at;
}
