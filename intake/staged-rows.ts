import { Readable } from 'node:stream';
import { Ordinals } from '../rules/ordinals.ts';
import type { LandingStore } from './landing.ts';
import type { StagedPart } from './manifest.ts';
import { verified } from './verified.ts';

/**
 * The rows of all staged parts as one COPY stream, in the order of the parts. It fails at the end of a part whose
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
export function inOrder(parts: readonly StagedPart[]): StagedPart[] {
  return [...parts].sort((a, b) => a.part - b.part);
}

async function* rowsOf(
  landing: LandingStore,
  parts: readonly StagedPart[],
  without: Ordinals,
): AsyncGenerator<Buffer> {
  let first = 0;
  for (const part of inOrder(parts)) {
    const rows = verified(landing, part.rows);
    if (without.hasBetween(first, first + part.staged)) yield* leaveOut(rows, first, without);
    else yield* rows;
    first += part.staged;
  }
}

/** A row is a line: COPY's text format has no other line ends. */
async function* leaveOut(
  rows: AsyncIterable<Buffer>,
  first: number,
  without: Ordinals,
): AsyncGenerator<Buffer> {
  let ordinal = first;
  for await (const chunk of rows) {
    let keptFrom = 0;
    const kept: Buffer[] = [];
    for (let lineStart = 0; lineStart < chunk.length;) {
      const newline = chunk.indexOf(10, lineStart);
      const lineEnd = newline === -1 ? chunk.length : newline + 1;
      if (without.has(ordinal)) {
        kept.push(chunk.subarray(keptFrom, lineStart));
        keptFrom = lineEnd;
      }
      lineStart = lineEnd;
      if (newline !== -1) ordinal++;
    }
    kept.push(chunk.subarray(keptFrom));
    const bytes = Buffer.concat(kept);
    if (bytes.length > 0) yield bytes;
  }
}
