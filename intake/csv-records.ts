export const LF = 10;
export const CR = 13;
export const QUOTE = 34;

/** Why the end of a record cannot be trusted; split-records.ts has the rules. */
export type Fault = 'broken-quote' | 'in-doubt' | 'record-too-long';

/** A record, or a line of a broken one: `bytes[start, end)` without the line's end, which lies before `next`. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly next: number;
  readonly line: number;
  readonly fault: Fault | undefined;
}

/** Whole lines, each a sound record or empty, each with its end and none longer than a record may be. */
export interface Lines {
  readonly start: number;
  readonly next: number;
  /** Of the first one. */
  readonly line: number;
  readonly lines: number;
  /** How many of them are empty. */
  readonly blank: number;
  /** Whether quotes stand in them. */
  readonly quoted: boolean;
}

export interface Block {
  readonly bytes: Buffer;
  /** In their order. The first record of all is a span. */
  readonly runs: readonly (Span | Lines)[];
}

export function isLines(run: Span | Lines): run is Lines {
  return 'lines' in run;
}

/** Every line of a block by itself. */
export function* spansOf({ bytes, runs }: Pick<Block, 'bytes' | 'runs'>): Generator<Span> {
  for (const run of runs) {
    if (!isLines(run)) {
      yield run;
      continue;
    }
    let { start, line } = run;
    while (start < run.next) {
      const span = spanOfLine(bytes, start, bytes.indexOf(LF, start), line++);
      yield span;
      start = span.next;
    }
  }
}

/** The line from `start` to the newline that ends it. */
export function spanOfLine(bytes: Uint8Array, start: number, newline: number, line: number): Span {
  return { start, end: endOfText(bytes, start, newline), next: newline + 1, line, fault: undefined };
}

/** Where what stands from `start` on ends, before the CR or LF that ends its line. */
export function endOfText(bytes: Uint8Array, start: number, newline: number): number {
  return newline > start && bytes[newline - 1] === CR ? newline - 1 : newline;
}
