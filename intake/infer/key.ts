/** A column that a key may be made of. */
export interface KeyCandidate {
  readonly name: string;
  /** Lower is likelier; see `likelihood` in columns.ts. */
  readonly rank: number;
  /** One number for each record, equal where the values are equal. */
  readonly hashes: readonly number[];
}

const LONGEST_KEY = 3;

/**
 * The smallest combination of at most three columns that no two records share, within the groups of `within` (a
 * day). Among those of one size the likeliest. Rows are told apart by hashes of 53 bits:
 * a collision can hide a key and never invent one.
 */
export function guessKey(
  candidates: readonly KeyCandidate[],
  within: readonly number[],
): string[] | undefined {
  const sought = candidates.filter(
    ({ hashes }) => hashes.some((hash) => hash !== hashes[0]) || within.length === 1,
  );
  for (let size = 1; size <= LONGEST_KEY; size += 1) {
    const found = combinations(sought, size).find((columns) => isUnique(columns, within));
    if (found) return found.map(({ name }) => name);
  }
  return undefined;
}

/** The combination that comes nearest, and how many records share it with another; for the refusal's hint. */
export function nearestKey(
  candidates: readonly KeyCandidate[],
  within: readonly number[],
): { columns: string[]; shared: number } | undefined {
  const tried = combinations(candidates, Math.min(LONGEST_KEY, candidates.length)).slice(0, 50);
  const shares = tried.map((columns) => ({
    columns: columns.map(({ name }) => name),
    shared: within.length - new Set(rowHashes(columns, within)).size,
  }));
  return shares.toSorted((a, b) => a.shared - b.shared)[0];
}

/** All combinations of that size, the likeliest first. */
function combinations(candidates: readonly KeyCandidate[], size: number): KeyCandidate[][] {
  let grown: number[][] = [[]];
  for (let step = 0; step < size; step += 1) {
    grown = grown.flatMap((combination) => {
      const next = (combination.at(-1) ?? -1) + 1;
      return candidates.slice(next).map((_, index) => [...combination, next + index]);
    });
  }
  const rankOf = (columns: readonly KeyCandidate[]) => columns.reduce((sum, { rank }) => sum + rank, 0);
  return grown
    .map((combination) => combination.map((index) => candidates[index] as KeyCandidate))
    .toSorted((a, b) => rankOf(a) - rankOf(b));
}

function isUnique(columns: readonly KeyCandidate[], within: readonly number[]): boolean {
  const seen = new Set<number>();
  for (const hash of rowHashes(columns, within)) {
    if (seen.has(hash)) return false;
    seen.add(hash);
  }
  return true;
}

function* rowHashes(columns: readonly KeyCandidate[], within: readonly number[]): Generator<number> {
  for (const [row, start] of within.entries()) {
    let hash = start;
    for (const { hashes } of columns) hash = mix(hash, hashes[row] as number);
    yield hash;
  }
}

/** One number of 53 bits for a text (cyrb53 by bryc, public domain). */
export function hashOf(text: string): number {
  let [high, low] = [0xdeadbeef, 0x41c6ce57];
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    high = Math.imul(high ^ code, 2_654_435_761);
    low = Math.imul(low ^ code, 1_597_334_677);
  }
  return settle(high, low);
}

/** Order matters: (a, b) and (b, a) give different numbers. */
export function mix(one: number, other: number): number {
  const high = Math.imul((one >>> 0) ^ 0x9e3779b9, 2_654_435_761) ^ (one / 4_294_967_296);
  const low = Math.imul((other >>> 0) ^ high, 1_597_334_677) ^ (other / 4_294_967_296);
  return settle(Math.imul(high ^ (other >>> 0), 2_246_822_507), Math.imul(low ^ (one >>> 0), 3_266_489_909));
}

function settle(high: number, low: number): number {
  const a = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  const b = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(a ^ (a >>> 13), 3_266_489_909);
  return 4_294_967_296 * (2_097_151 & b) + (a >>> 0);
}
