/**
 * Seeded chance by position: row and draw alone decide the number, so that any row can be made without those before
 * it, and the same seed gives the same rows in every process, on every platform and in any number of parts.
 * @param draw which of a row's numbers
 * @returns 32 bits, from 0 to 2^32 - 1
 */
export type Chance = (row: number, draw: number) => number;

const GOLDEN = 0x9e3779b9;

/** @param seed any text; rows are whole numbers below 2^32 */
export function chanceOf(seed: string): Chance {
  const state = mix(hash(seed));
  return (row, draw) => mix(Math.imul(row, GOLDEN) ^ mix(state + Math.imul(draw + 1, GOLDEN)));
}

/** The item of a list that 32 bits choose, each as often as the next. */
export const pick = <T>(list: readonly T[], bits: number): T => list[bits % list.length] as T;

/** The finaliser of MurmurHash3 by Austin Appleby: every bit in decides about every bit out. */
function mix(bits: number): number {
  let mixed = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (const byte of Buffer.from(text)) state = Math.imul(state ^ byte, 0x01000193);
  return state;
}
