const FIRST_BYTES = 1_024;

/**
 * Places of rows among all staged ones of a night, from 0; read in their order. A bit each: of ten million rows it takes
 * 1.25 MB, however many are in it, where a Set of half of them takes 200 MB.
 */
export class Ordinals implements Iterable<number> {
  #bits = new Uint8Array(FIRST_BYTES);
  #size = 0;

  constructor(ordinals: Iterable<number> = []) {
    for (const ordinal of ordinals) this.add(ordinal);
  }

  get size(): number {
    return this.#size;
  }

  add(ordinal: number): void {
    const byte = Math.floor(ordinal / 8);
    if (byte >= this.#bits.length) this.#grow(byte + 1);
    const bits = this.#bits[byte] ?? 0;
    const bit = 1 << (ordinal % 8);
    if ((bits & bit) !== 0) return;
    this.#bits[byte] = bits | bit;
    this.#size++;
  }

  has(ordinal: number): boolean {
    return ((this.#bits[Math.floor(ordinal / 8)] ?? 0) & (1 << (ordinal % 8))) !== 0;
  }

  /** Whether one of them is at least `first` and below `end`. */
  hasBetween(first: number, end: number): boolean {
    const { done, value } = this.#from(first).next();
    return done !== true && value < end;
  }

  [Symbol.iterator](): Iterator<number> {
    return this.#from(0);
  }

  *#from(first: number): Generator<number, undefined> {
    for (let byte = Math.floor(first / 8); byte < this.#bits.length; byte++) {
      const bits = this.#bits[byte] ?? 0;
      for (let bit = 0; bits >> bit !== 0; bit++) {
        const ordinal = byte * 8 + bit;
        if ((bits & (1 << bit)) !== 0 && ordinal >= first) yield ordinal;
      }
    }
    return undefined;
  }

  #grow(bytes: number): void {
    const grown = new Uint8Array(Math.max(bytes, this.#bits.length * 2));
    grown.set(this.#bits);
    this.#bits = grown;
  }
}
