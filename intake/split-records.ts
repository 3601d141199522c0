import { viewOf } from './copy-rows.ts';
import { CR, endOfText, LF, QUOTE, type Block, type Fault, type Lines, type Span } from './csv-records.ts';
import { nextNewline } from './next-newline.ts';
import { scanFields, UNFINISHED, wholeAt, type Scan } from './scan-record.ts';

/** Where blocks lie. */
export interface BlockMemory {
  /** What is left of the bytes before, and the bytes after it, in one piece. */
  join(rest: Buffer, chunk: Buffer): Buffer;
  /** Nobody needs a block any more. */
  giveBack(bytes: Buffer): void;
}

/** Each in memory of its own. */
export const OWN_MEMORY: BlockMemory = {
  join: (rest, chunk) => (rest.length === 0 ? chunk : Buffer.concat([rest, chunk])),
  giveBack: () => undefined,
};

/**
 * Cuts CSV bytes into records (RFC 4180), and says where a record's end cannot be trusted. Taking a sound record
 * apart is csv-parse's work; this decides which bytes are one, with each record's place, without ever holding more
 * than one record and one chunk.
 *
 * Once a quote is broken nobody knows which lines stand inside a field, so that:
 * - every line that the broken record touched is broken for itself: the reject limit sees the size of the damage;
 * - where these lines hold an even number of quotes, the next line begins a record;
 * - where it is odd, the lines after it are in doubt, and broken, until one proves where it stands: one whose first
 *   quote can only open a field begins a record; after one that turns the number even, the next line does.
 * A record longer than `recordBytes` is treated the same way. A stray quote inside an unquoted field spoils its own
 * line alone, for whoever writes such fields does not quote.
 *
 * @param memory one that copies also what has nothing before it allows chunks that are lent
 */
export async function* splitRecords(
  chunks: AsyncIterable<Buffer>,
  { delimiter, recordBytes }: { delimiter: string; recordBytes: number },
  memory = OWN_MEMORY,
): AsyncGenerator<Block> {
  const splitter = new Splitter(delimiter.charCodeAt(0), recordBytes, memory);
  for await (const chunk of chunks) yield splitter.take(chunk, false);
  yield splitter.take(Buffer.alloc(0), true);
}

class Splitter {
  readonly #memory: BlockMemory;
  readonly #delimiter: number;
  /** Bytes of a record with the end of its line. */
  readonly #bound: number;
  #rest: Buffer = Buffer.alloc(0);
  #line = 1;
  /** Lines are in doubt: an odd number of quotes stands before them. */
  #inDoubt = false;
  /** The quotes so far of a line that is longer than a record may be and is being passed over. */
  #passing: number | undefined;
  #bytes: Buffer = this.#rest;
  /** Of `#bytes`. */
  #view = viewOf(this.#bytes);
  #runs: (Span | Lines)[] = [];
  #isBegun = false;
  #atEnd = false;
  /** The first quote at or after `#quoteSought`. */
  #quote = -1;
  #quoteSought = Infinity;

  constructor(delimiter: number, recordBytes: number, memory: BlockMemory) {
    this.#memory = memory;
    this.#delimiter = delimiter;
    this.#bound = recordBytes + 2;
  }

  take(chunk: Buffer, atEnd: boolean): Block {
    this.#atEnd = atEnd;
    this.#bytes = this.#memory.join(this.#rest, chunk);
    // A file cut between CR and LF has lost nothing.
    if (atEnd && this.#bytes.at(-1) === CR) this.#bytes = Buffer.concat([this.#bytes, Buffer.of(LF)]);
    this.#view = viewOf(this.#bytes);
    this.#runs = [];
    this.#quoteSought = Infinity;
    let position = 0;
    while (position < this.#bytes.length) {
      const next = this.#takeLines(position) ?? this.#takeQuoted(position) ?? this.#step(position);
      if (next === undefined) break;
      position = next;
    }
    // A copy: whoever takes the block may hand its bytes over to another thread.
    this.#rest = Buffer.from(this.#bytes.subarray(position));
    return { bytes: this.#bytes, runs: this.#runs };
  }

  /** Takes all lines off that end before the next quote and could be no other records; undefined where there are none. */
  #takeLines(position: number): number | undefined {
    if (!this.#isPlain) return undefined;
    const [bytes, view] = [this.#bytes, this.#view];
    const quote = this.#nextQuote(position);
    const until = quote === -1 ? bytes.length : quote;
    let [lines, blank, start] = [0, 0, position];
    for (let at = nextNewline(view, start, until); at < until; at = nextNewline(view, start, until)) {
      if (this.#isTooLong(start, at + 1)) break;
      if (at === start || (at === start + 1 && bytes[start] === CR)) blank++;
      lines++;
      start = at + 1;
    }
    if (lines === 0) return undefined;
    this.#runs.push({ start: position, next: start, line: this.#line, lines, blank, quoted: false });
    this.#line += lines;
    return start;
  }

  /** Takes all sound records off that hold quotes and are a line each; undefined where there are none. */
  #takeQuoted(position: number): number | undefined {
    if (!this.#isPlain) return undefined;
    let [lines, start] = [0, position];
    for (;;) {
      const newline = this.#bytes.indexOf(LF, start);
      const quote = this.#nextQuote(start);
      if (quote === -1 || quote > newline || this.#isTooLong(start, newline + 1)) break;
      const scan = this.#scanFields(start);
      if (scan.is !== 'whole' || scan.next !== newline + 1) break;
      lines++;
      start = scan.next;
    }
    if (lines === 0) return undefined;
    this.#runs.push({ start: position, next: start, line: this.#line, lines, blank: 0, quoted: true });
    this.#line += lines;
    return start;
  }

  /** Whether a record begins here, and is not the header. */
  get #isPlain(): boolean {
    return this.#isBegun && !this.#inDoubt && this.#passing === undefined;
  }

  /** Takes one record or line off; undefined where more bytes are needed. */
  #step(position: number): number | undefined {
    if (this.#passing !== undefined) return this.#passOver(position);
    if (this.#inDoubt) return this.#judgeLine(position);
    const scan = this.#scan(position);
    const next = scan.is === 'whole' ? scan.next : scan.is === 'broken' ? this.#nextLine(scan.at) : undefined;
    if (this.#isTooLong(position, next)) return this.#giveUp(position);
    if (scan.is === 'unfinished' || next === undefined) return undefined;
    if (scan.is === 'whole') {
      this.#push(position, scan.end, next, undefined);
      this.#isBegun = true;
      return next;
    }
    this.#breakLines(position, next, 'broken-quote');
    this.#inDoubt = scan.insideQuotes && this.#quotes(position, next) % 2 === 1;
    return next;
  }

  /** The same answer however the bytes came in chunks: a rerun must count what the first run counted (R9). */
  #isTooLong(position: number, next = this.#bytes.length): boolean {
    return next - position > this.#bound;
  }

  #scan(position: number): Scan {
    const bytes = this.#bytes;
    const newline = bytes.indexOf(LF, position);
    const quote = this.#nextQuote(position);
    if (quote === -1 || (newline !== -1 && quote > newline)) {
      if (newline !== -1) return wholeAt(bytes, position, newline);
      return this.#atEnd ? { is: 'whole', end: bytes.length, next: bytes.length } : UNFINISHED;
    }
    return this.#scanFields(position);
  }

  #scanFields(position: number): Scan {
    return scanFields(this.#bytes, position, this.#delimiter, this.#atEnd);
  }

  /** A line after an odd number of quotes. */
  #judgeLine(position: number): number | undefined {
    const next = this.#nextLine(position);
    if (this.#isTooLong(position, next)) return this.#giveUp(position);
    if (next === undefined) return undefined;
    const quote = this.#nextQuote(position);
    if (quote !== -1 && quote < next) {
      if (this.#canOnlyOpen(quote, position)) {
        this.#inDoubt = false;
        return position;
      }
      if (this.#quotes(position, next) % 2 === 1) this.#inDoubt = false;
    }
    this.#breakLines(position, next, 'in-doubt');
    return next;
  }

  /** Inside a field this quote would have to be doubled or to end the field; it is neither. */
  #canOnlyOpen(quote: number, lineStart: number): boolean {
    const before = quote === lineStart ? this.#delimiter : this.#bytes[quote - 1];
    const after = this.#bytes[quote + 1];
    const endsField = after === undefined || after === LF || after === CR || after === this.#delimiter;
    return before === this.#delimiter && !endsField && after !== QUOTE;
  }

  /** What lies from `position` on is longer than a record may be and has not ended yet. */
  #giveUp(position: number): number {
    const end = position + this.#bound;
    const newline = this.#bytes.lastIndexOf(LF, end - 1);
    if (newline >= position) {
      this.#breakLines(position, newline + 1, 'record-too-long');
      this.#inDoubt = (this.#quotes(position, newline + 1) % 2 === 1) !== this.#inDoubt;
      return newline + 1;
    }
    this.#push(position, end, end, 'record-too-long');
    this.#passing = this.#quotes(position, end);
    return end;
  }

  #passOver(position: number): number {
    const newline = this.#bytes.indexOf(LF, position);
    const next = newline === -1 ? this.#bytes.length : newline + 1;
    const quotes = (this.#passing ?? 0) + this.#quotes(position, next);
    this.#passing = newline === -1 ? quotes : undefined;
    if (newline !== -1) {
      this.#inDoubt = (quotes % 2 === 1) !== this.#inDoubt;
      this.#line++;
    }
    return next;
  }

  #breakLines(start: number, end: number, fault: Fault): void {
    for (let at = start; at < end;) {
      const next = this.#nextLine(at) ?? end;
      const last = this.#bytes[next - 1] === LF ? next - 1 : next;
      this.#push(at, endOfText(this.#bytes, at, last), next, fault);
      at = next;
    }
  }

  #push(start: number, end: number, next: number, fault: Fault | undefined): void {
    this.#runs.push({ start, end, next, line: this.#line, fault });
    for (
      let at = this.#bytes.indexOf(LF, start);
      at !== -1 && at < next;
      at = this.#bytes.indexOf(LF, at + 1)
    ) {
      this.#line++;
    }
  }

  /** Where the line after the one that holds `position` begins; undefined where that is not known yet. */
  #nextLine(position: number): number | undefined {
    const newline = this.#bytes.indexOf(LF, position);
    if (newline !== -1) return newline + 1;
    return this.#atEnd ? this.#bytes.length : undefined;
  }

  #quotes(start: number, end: number): number {
    let quotes = 0;
    for (let at = this.#nextQuote(start); at !== -1 && at < end; at = this.#nextQuote(at + 1)) quotes++;
    return quotes;
  }

  /** -1 where there is none. Remembered: looking for it from every line anew would read the whole chunk each time. */
  #nextQuote(position: number): number {
    if (position < this.#quoteSought || (this.#quote !== -1 && this.#quote < position)) {
      this.#quote = this.#bytes.indexOf(QUOTE, position);
      this.#quoteSought = position;
    }
    return this.#quote;
  }
}
