import { LF } from './csv-records.ts';

/**
 * Where the first LF of `[from, until)` stands; `until` where there is none. Eight bytes are looked at in one step: one
 * by one, 300 MB of short lines took the thread that cuts them 0.39 s instead of 0.11.
 */
export function nextNewline(bytes: DataView, from: number, until: number): number {
  let at = from;
  for (; at + 8 <= until; at += 8) {
    const low = newlinesIn(bytes.getInt32(at, true));
    const high = newlinesIn(bytes.getInt32(at + 4, true));
    if ((low | high) !== 0) return low === 0 ? at + 4 + firstIn(high) : at + firstIn(low);
  }
  while (at < until && bytes.getUint8(at) !== LF) at++;
  return at;
}

/**
 * The top bit of each byte that is an LF, from the first in the lowest byte; 0 where none is. Above an LF, and only
 * there, a byte that is 11 has its bit set too, by what is borrowed: the lowest bit is always right.
 */
function newlinesIn(word: number): number {
  const rest = word ^ 0x0a0a0a0a;
  return (rest - 0x01010101) & ~rest & 0x80808080;
}

function firstIn(newlines: number): number {
  return (31 - Math.clz32(newlines & -newlines)) >> 3;
}
