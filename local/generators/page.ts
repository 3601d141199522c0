/** Bytes handed on at a time. */
const FULL = 1024 * 1024;
/** Above the longest row, so that nobody asks for room while writing one. */
const SLACK = 64 * 1024;

const ZERO = 48;
const MINUS = 45;
const POINT = 46;
const LF = 10;
const COMMA = 44;

/** A word's bytes, made once. */
export type Word = Uint8Array;

export const word = (text: string): Word => Buffer.from(text);
export const words = (texts: readonly string[]): readonly Word[] => texts.map(word);

/**
 * A page of CSV, written byte by byte: 4.6 M movements a second of processor time, where a template string for each
 * row makes 0.7 M.
 */
export class Page {
  #bytes = Buffer.allocUnsafe(FULL + SLACK);
  at = 0;

  get isFull(): boolean {
    return this.at >= FULL;
  }

  /** All that was written; the page is empty again. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.at);
    this.#bytes = Buffer.allocUnsafe(FULL + SLACK);
    this.at = 0;
    return taken;
  }

  /** What was written from there on, a character for each byte. */
  textFrom(start: number): string {
    return this.#bytes.toString('latin1', start, this.at);
  }

  /** Takes back what was written from there on, and writes another text, a byte for each character. */
  rewrite(start: number, text: string): void {
    this.at = start + this.#bytes.write(text, start, 'latin1');
  }

  word(word: Word): void {
    const bytes = this.#bytes;
    const { length } = word;
    let at = this.at;
    for (let index = 0; index < length; index++) bytes[at++] = word[index] as number;
    this.at = at;
  }

  /** A word and the comma after it. */
  cell(word: Word): void {
    this.word(word);
    this.#bytes[this.at++] = COMMA;
  }

  comma(): void {
    this.#bytes[this.at++] = COMMA;
  }

  end(): void {
    this.#bytes[this.at++] = LF;
  }

  /** @param number whole, from 0 to 10^15 */
  integer(number: number): void {
    if (number < 1_000_000_000) {
      this.#digits(number | 0, lengthOf(number | 0));
      return;
    }
    const high = Math.floor(number / 1_000_000);
    this.integer(high);
    this.#digits((number - high * 1_000_000) | 0, 6);
  }

  /** Hundredths as an amount: `-1234` is `-12.34`. @param cents whole, below 10^15 either way */
  cents(cents: number): void {
    const bytes = this.#bytes;
    if (cents < 0) bytes[this.at++] = MINUS;
    const size = Math.abs(cents);
    const whole = Math.floor(size / 100);
    const rest = (size - whole * 100) | 0;
    this.integer(whole);
    bytes[this.at++] = POINT;
    this.#digits(rest, 2);
  }

  /** @param number below 2^31 */
  #digits(number: number, length: number): void {
    const bytes = this.#bytes;
    let rest = number | 0;
    this.at += length;
    for (let at = this.at - 1, left = length; left > 0; left--, at--) {
      const tenth = (rest / 10) | 0;
      bytes[at] = ZERO + (rest - tenth * 10);
      rest = tenth;
    }
  }
}

function lengthOf(number: number): number {
  if (number < 10) return 1;
  if (number < 100) return 2;
  if (number < 1_000) return 3;
  if (number < 10_000) return 4;
  if (number < 100_000) return 5;
  if (number < 1_000_000) return 6;
  if (number < 10_000_000) return 7;
  return number < 100_000_000 ? 8 : 9;
}
