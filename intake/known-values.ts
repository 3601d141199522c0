import type { CopyRows, Encode } from './copy-rows.ts';

const MOST_VALUES = 2_048;
const SLOTS = 4 * MOST_VALUES;
/** Texts that are alike where they are hashed do not make the way to one of them longer than this. */
const MOST_PROBES = 16;
const TEXT_BYTES = 40;
const VALUE_BYTES = 48;

/**
 * Remembers the values of a column that were read before, by the bytes of their texts: few are ever new in a column
 * of codes or days. What is kept is bounded; values that are too long, or come after it is full, are made anew.
 */
export function remembering(make: Encode): Encode {
  const known = new KnownValues();
  return (bytes, start, end, out) => {
    const slot = known.slotOf(bytes, start, end);
    if (known.append(slot, out)) return true;
    const from = out.at;
    if (!make(bytes, start, end, out)) return false;
    known.keep(slot, bytes, start, end, out, from);
    return true;
  };
}

/** Of the first two bytes and the last four, in which codes and days differ. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = Math.imul(end - start, 31) + (bytes[start] as number);
  hash = Math.imul(hash, 31) + (bytes[start + 1] as number);
  for (let at = Math.max(start, end - 4); at < end; at++) hash = Math.imul(hash, 31) + (bytes[at] as number);
  return hash ^ (hash >>> 15);
}

class KnownValues {
  /** The number of the value in a slot, from 1; 0 where it is empty. */
  readonly #slots = new Int16Array(SLOTS);
  #count = 0;
  readonly #textLengths = new Uint8Array(MOST_VALUES + 1);
  readonly #valueLengths = new Uint8Array(MOST_VALUES + 1);
  #texts = new Uint8Array(64 * TEXT_BYTES);
  #values = new Uint8Array(64 * VALUE_BYTES);

  /** Where the value of the text is, or would be kept; -1 where there is no place for it. */
  slotOf(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (length > TEXT_BYTES) return -1;
    const hash = hashOf(bytes, start, end);
    for (let probe = 0; probe < MOST_PROBES; probe++) {
      const slot = (hash + probe) & (SLOTS - 1);
      const value = this.#slots[slot] as number;
      if (value === 0 || this.#isText(value, bytes, start, length)) return slot;
    }
    return -1;
  }

  append(slot: number, out: CopyRows): boolean {
    const value = slot === -1 ? 0 : (this.#slots[slot] as number);
    if (value === 0) return false;
    const from = value * VALUE_BYTES;
    out.copy(this.#values, from, from + (this.#valueLengths[value] as number));
    return true;
  }

  /** @param from where the value begins in `out`, at whose end it is */
  keep(slot: number, bytes: Uint8Array, start: number, end: number, out: CopyRows, from: number): void {
    const length = out.at - from;
    if (slot === -1 || length > VALUE_BYTES || this.#count === MOST_VALUES) return;
    const value = ++this.#count;
    this.#makeRoom(value);
    this.#texts.set(bytes.subarray(start, end), value * TEXT_BYTES);
    this.#textLengths[value] = end - start;
    this.#values.set(out.bytes.subarray(from, out.at), value * VALUE_BYTES);
    this.#valueLengths[value] = length;
    this.#slots[slot] = value;
  }

  #isText(value: number, bytes: Uint8Array, start: number, length: number): boolean {
    if (this.#textLengths[value] !== length) return false;
    const from = value * TEXT_BYTES;
    for (let at = 0; at < length; at++) {
      if (this.#texts[from + at] !== bytes[start + at]) return false;
    }
    return true;
  }

  #makeRoom(value: number): void {
    if ((value + 1) * TEXT_BYTES <= this.#texts.length) return;
    const [texts, values] = [this.#texts, this.#values];
    this.#texts = new Uint8Array(2 * texts.length);
    this.#texts.set(texts);
    this.#values = new Uint8Array(2 * values.length);
    this.#values.set(values);
  }
}
