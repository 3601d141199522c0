import { isUtf8 } from 'node:buffer';
import { rawOf } from './csv-fields.ts';
import { QUOTE } from './csv-records.ts';
import { jsonLine } from './json-lines.ts';
import type { RejectedRecord } from './manifest.ts';
import type { BrokenRule } from './validate.ts';

/** Where a rejected record is in its part. */
export type RecordLine = Pick<RejectedRecord, 'record' | 'line'>;

const ROOM_BYTES = 16 * 1024;

/** Rejected records of one part as JSON lines, one `RejectedRecord` each. */
export class RejectLines {
  readonly #part: number;
  readonly #recordBytes: number;
  #bytes = Buffer.allocUnsafeSlow(ROOM_BYTES);
  #at = 0;
  /** Of each line. */
  readonly #records: number[] = [];
  readonly #ends: number[] = [];
  #ascend = true;

  /** @param recordBytes longer texts are cut */
  constructor(part: number, recordBytes: number) {
    this.#part = part;
    this.#recordBytes = recordBytes;
  }

  /** @param raw the record's text as it came */
  add(place: RecordLine, broken: BrokenRule, raw: string): void {
    this.#begin(place.record);
    this.#writeText(place, broken, raw);
    this.#end();
  }

  /**
   * The same where its text is `bytes[start, end)`, which nobody has read: few are more than plain text.
   * @param broken better one that was given before than its like
   */
  addBytes(place: RecordLine, broken: BrokenRule, bytes: Buffer, start: number, end: number): void {
    this.#begin(place.record);
    this.#write(`{"part":${this.#part},"record":${place.record},"line":${place.line},`);
    this.#copy(fragmentOf(broken));
    if (end - start <= this.#recordBytes && this.#copyPlain(bytes, start, end)) {
      this.#copy(AFTER_RAW);
    } else {
      this.#at = this.#ends.at(-1) ?? 0;
      this.#writeText(place, broken, rawOf(bytes, { start, end }, this.#recordBytes));
    }
    this.#end();
  }

  /** All lines, in the order of their records. Holds whatever is added later. */
  written(): Buffer {
    if (this.#ascend) return this.#bytes.subarray(0, this.#at);
    const [records, ends] = [this.#records, this.#ends];
    const order = Int32Array.from(records.keys()).sort(
      (a, b) => (records[a] as number) - (records[b] as number),
    );
    const ordered = Buffer.allocUnsafeSlow(this.#at);
    let at = 0;
    for (const line of order) at += this.#bytes.copy(ordered, at, ends[line - 1] ?? 0, ends[line]);
    return ordered;
  }

  #writeText({ record, line }: RecordLine, { column, rule, reason }: BrokenRule, text: string): void {
    const raw = cutAt(text, this.#recordBytes);
    this.#write(jsonLine({ part: this.#part, record, line, column, rule, reason, raw }));
  }

  #begin(record: number): void {
    this.#ascend &&= record >= (this.#records.at(-1) ?? 0);
    this.#records.push(record);
  }

  #end(): void {
    this.#ends.push(this.#at);
  }

  #write(text: string): void {
    this.#reserve(MOST_BYTES_A_CHARACTER * text.length);
    this.#at += this.#bytes.write(text, this.#at);
  }

  #copy(bytes: Buffer): void {
    this.#reserve(bytes.length);
    this.#at += bytes.copy(this.#bytes, this.#at);
  }

  /** Text that stands in JSON as it is; false where it does not. */
  #copyPlain(bytes: Buffer, start: number, end: number): boolean {
    this.#reserve(end - start);
    const to = this.#bytes;
    let [at, isAscii] = [this.#at, true];
    for (let from = start; from < end; from++) {
      const byte = bytes[from] as number;
      if (byte < SPACE || byte === QUOTE || byte === BACKSLASH || byte === BEFORE_SEPARATORS) return false;
      if (byte >= BEYOND_ASCII) isAscii = false;
      to[at++] = byte;
    }
    if (!isAscii && !isUtf8(to.subarray(this.#at, at))) return false;
    this.#at = at;
    return true;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, this.#at + bytes));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

const fragments = new WeakMap<BrokenRule, Buffer>();

/** What stands in a line between its place and its text. */
function fragmentOf(broken: BrokenRule): Buffer {
  const known = fragments.get(broken);
  if (known) return known;
  const { column, rule, reason } = broken;
  const json = jsonLine({ column, rule, reason }).slice('{'.length, -'}\n'.length);
  const fragment = Buffer.from(`${json},"raw":"`);
  fragments.set(broken, fragment);
  return fragment;
}

const AFTER_RAW = Buffer.from('"}\n');
const MOST_BYTES_A_CHARACTER = 3;

const SPACE = 0x20;
const BACKSLASH = 0x5c;
const BEYOND_ASCII = 0x80;
/** The first byte of U+2028 and U+2029, which `jsonLine` escapes. */
const BEFORE_SEPARATORS = 0xe2;

/** The text's first bytes, cut between characters. */
export function cutAt(text: string, bytes: number): string {
  if (text.length * 3 <= bytes || Buffer.byteLength(text) <= bytes) return text;
  const whole = Buffer.from(text.slice(0, bytes));
  let end = Math.min(bytes, whole.length);
  while (end > 0 && ((whole[end] ?? 0) & 0xc0) === 0x80) end--;
  return whole.toString('utf8', 0, end);
}
