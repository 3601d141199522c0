/** Begins a stream in COPY's binary format: its signature, no flags, no header extension. */
export const COPY_BEGIN = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
/** Ends it. */
export const COPY_END = Buffer.of(0xff, 0xff);

const SHORT_BYTES = 24;

/**
 * Rows in COPY's binary format (https://www.postgresql.org/docs/current/sql-copy.html): how many fields, and each field
 * with its length before it, -1 for null. Numbers are big-endian. Whoever writes reserves room first.
 */
export class CopyRows {
  bytes: Buffer;
  /** Where the next byte goes. */
  at = 0;
  #view: DataView;

  /** @param room how much, or where to write as long as it suffices */
  constructor(room: number | Buffer) {
    this.bytes = typeof room === 'number' ? Buffer.allocUnsafeSlow(room) : room;
    this.#view = viewOf(this.bytes);
  }

  reserve(bytes: number): void {
    if (this.at + bytes <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, this.at + bytes));
    this.bytes.copy(larger, 0, 0, this.at);
    this.bytes = larger;
    this.#view = viewOf(larger);
  }

  /** What was written so far, not copied. */
  written(): Buffer {
    return this.bytes.subarray(0, this.at);
  }

  int16(value: number): void {
    this.#view.setInt16(this.at, value);
    this.at += 2;
  }

  int32(value: number): void {
    this.#view.setInt32(this.at, value);
    this.at += 4;
  }

  /** @param low the lower 32 bits, not negative */
  int64(high: number, low: number): void {
    this.#view.setInt32(this.at, high);
    this.#view.setUint32(this.at + 4, low);
    this.at += 8;
  }

  bigint64(value: bigint): void {
    this.#view.setBigInt64(this.at, value);
    this.at += 8;
  }

  float64(value: number): void {
    this.#view.setFloat64(this.at, value);
    this.at += 8;
  }

  byte(value: number): void {
    this.bytes[this.at++] = value;
  }

  /** A few bytes one by one: the call into `set` costs more than they do. */
  copy(bytes: Uint8Array, start: number, end: number): void {
    if (end - start > SHORT_BYTES) this.bytes.set(bytes.subarray(start, end), this.at);
    else
      for (let from = start, to = this.at; from < end; from++, to++) this.bytes[to] = bytes[from] as number;
    this.at += end - start;
  }

  /** The same, four bytes at a time: up to three beyond the end are written as well, and are there to be written over. */
  copyWords(from: DataView, start: number, length: number): void {
    for (let at = 0; at < length; at += 4) this.#view.setInt32(this.at + at, from.getInt32(start + at));
    this.at += length;
  }

  int32At(place: number): number {
    return this.#view.getInt32(place);
  }

  uint32At(place: number): number {
    return this.#view.getUint32(place);
  }

  setInt32(place: number, value: number): void {
    this.#view.setInt32(place, value);
  }

  setInt16(place: number, value: number): void {
    this.#view.setInt16(place, value);
  }

  int16At(place: number): number {
    return this.#view.getInt16(place);
  }
}

/**
 * Appends a value to a row, with its length, from the bytes of its text. False where the text is none that it knows, or
 * would be too much trouble; what was appended by then is the caller's to take back.
 */
export type Encode = (bytes: Uint8Array, start: number, end: number, out: CopyRows) => boolean;

/** The same bytes, read as numbers. */
export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
