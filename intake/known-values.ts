import { viewOf, type CopyRows, type Encode } from './copy-rows.ts';

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

/** Read at once where a text has so many bytes. */
const WORD = 4;

/** Of the first two bytes and the last four, in which codes and days differ. */
function hashOf(view: DataView, start: number, end: number): number {
  const length = end - start;
  if (length >= WORD) {
    const hash =
      Math.imul(view.getInt32(end - WORD), 0x9e3779b1) + Math.imul(view.getInt16(start), 0x85ebca6b);
    return (hash ^ (hash >>> 15)) + length;
  }
  let hash = length;
  for (let at = start; at < end; at++) hash = Math.imul(hash, 31) + view.getUint8(at);
  return hash ^ (hash >>> 15);
}

class KnownValues {
  /** The number of the value in a slot, from 1; 0 where it is empty. */
  readonly #slots = new Int16Array(SLOTS);
  #count = 0;
  readonly #textLengths = new Uint8Array(MOST_VALUES + 1);
  readonly #valueLengths = new Uint8Array(MOST_VALUES + 1);
  #texts = viewOf(new Uint8Array(64 * TEXT_BYTES));
  #values = viewOf(new Uint8Array(64 * VALUE_BYTES));
  /** Of the block that is being read. */
  #bytes: Uint8Array = new Uint8Array();
  #view = viewOf(this.#bytes);

  /** Where the value of the text is, or would be kept; -1 where there is no place for it. */
  slotOf(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (length > TEXT_BYTES) return -1;
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = viewOf(bytes);
    }
    const hash = hashOf(this.#view, start, end);
    for (let probe = 0; probe < MOST_PROBES; probe++) {
      const slot = (hash + probe) & (SLOTS - 1);
      const value = this.#slots[slot] as number;
      if (value === 0 || this.#isText(value, start, length)) return slot;
    }
    return -1;
  }

  append(slot: number, out: CopyRows): boolean {
    const value = slot === -1 ? 0 : (this.#slots[slot] as number);
    if (value === 0) return false;
    out.copyWords(this.#values, value * VALUE_BYTES, this.#valueLengths[value] as number);
    return true;
  }

  /** @param from where the value begins in `out`, at whose end it is */
  keep(slot: number, bytes: Uint8Array, start: number, end: number, out: CopyRows, from: number): void {
    const length = out.at - from;
    if (slot === -1 || length > VALUE_BYTES || this.#count === MOST_VALUES) return;
    const value = ++this.#count;
    this.#makeRoom(value);
    bytesOf(this.#texts).set(bytes.subarray(start, end), value * TEXT_BYTES);
    this.#textLengths[value] = end - start;
    bytesOf(this.#values).set(out.bytes.subarray(from, out.at), value * VALUE_BYTES);
    this.#valueLengths[value] = length;
    this.#slots[slot] = value;
  }

  /** Word by word, the last one from its end. */
  #isText(value: number, start: number, length: number): boolean {
    if (this.#textLengths[value] !== length) return false;
    const [texts, view, from] = [this.#texts, this.#view, value * TEXT_BYTES];
    if (length < WORD) {
      for (let at = 0; at < length; at++)
        if (texts.getUint8(from + at) !== view.getUint8(start + at)) return false;
      return true;
    }
    const last = length - WORD;
    for (let at = 0; at < last; at += WORD)
      if (texts.getInt32(from + at) !== view.getInt32(start + at)) return false;
    return texts.getInt32(from + last) === view.getInt32(start + last);
  }

  #makeRoom(value: number): void {
    if ((value + 1) * TEXT_BYTES <= this.#texts.byteLength) return;
    this.#texts = twice(this.#texts);
    this.#values = twice(this.#values);
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: DataView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function twice(view: DataView): DataView {
  const larger = new Uint8Array(2 * view.byteLength);
  larger.set(bytesOf(view));
  return viewOf(larger);
}
