import pg from 'pg';
import { storableText } from './storable.ts';

/** How many dimensions, whether there are nulls, of which type; the length of the one dimension, and its first index. */
const HEADER_BYTES = 20;
const FIRST_BYTES = 4_096;

/** One by one they cost less than the call that writes them all. */
const SHORT_CHARACTERS = 160;

/**
 * An array for a statement's parameter, value by value, as PostgreSQL's `array_recv` takes it: each value with its length
 * before it, -1 for null. Memory and CPU are those of its bytes, here and in the server: as text an array is a string for
 * each value here, quoted, and read character by character there.
 */
export class BinaryArray {
  readonly #type: number;
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #view = viewOf(this.#bytes);
  #at = HEADER_BYTES;
  #length = 0;
  #hasNulls = 0;

  constructor(type: 'INT4' | 'INT8' | 'TEXT') {
    this.#type = pg.types.builtins[type];
  }

  /** How many it has by now. */
  get bytes(): number {
    return this.#at;
  }

  /** Of an array of INT4. */
  int4(value: number): void {
    this.#reserve(8);
    this.#put(4);
    this.#put(value);
    this.#length++;
  }

  /** Of an array of INT8. @param value a safe integer, or null */
  int8(value: number | null): void {
    if (value === null) {
      this.#null();
      return;
    }
    this.#reserve(12);
    this.#put(8);
    this.#put(Math.floor(value / 0x1_0000_0000));
    this.#put(value); // its lower 32 bits
    this.#length++;
  }

  /** Of an array of TEXT. @param value kept as `storableText` has it */
  text(value: string | null): void {
    if (value === null) this.#null();
    else if (!this.#shortAscii(value)) this.#anyText(storableText(value));
  }

  /** Its bytes, until they are cleared. */
  parameter(): Buffer {
    const header = [1, this.#hasNulls, this.#type, this.#length, 1];
    header.forEach((value, index) => this.#view.setInt32(4 * index, value));
    return this.#bytes.subarray(0, this.#at);
  }

  /** Begins another array in the same memory. */
  clear(): void {
    this.#at = HEADER_BYTES;
    this.#length = 0;
    this.#hasNulls = 0;
  }

  /** Most text is, and is storable as it is. False where this is not, and nothing was appended. */
  #shortAscii(value: string): boolean {
    const { length } = value;
    if (length > SHORT_CHARACTERS) return false;
    this.#reserve(4 + length);
    const bytes = this.#bytes;
    for (let from = 0, to = this.#at + 4; from < length; from++, to++) {
      const code = value.charCodeAt(from);
      if (code === 0 || code > 0x7f) return false;
      bytes[to] = code;
    }
    this.#put(length);
    this.#at += length;
    this.#length++;
    return true;
  }

  #anyText(value: string): void {
    this.#reserve(4 + 3 * value.length);
    const written = this.#bytes.write(value, this.#at + 4);
    this.#put(written);
    this.#at += written;
    this.#length++;
  }

  #null(): void {
    this.#reserve(4);
    this.#put(-1);
    this.#hasNulls = 1;
    this.#length++;
  }

  #put(value: number): void {
    this.#view.setInt32(this.#at, value);
    this.#at += 4;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, this.#at + bytes));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
    this.#view = viewOf(larger);
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
