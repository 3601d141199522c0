import { describe } from '../rules/errors.ts';

/** The version of every JSON document that a command prints (§6). */
const DOCUMENT_VERSION = 1;

/** Ends the command without a word once nobody reads its answer any more: `nighttrain status | head`. */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
}

/** Where a command's words go: the answer to stdout, everything else to stderr. */
export class Output {
  readonly json: boolean;

  constructor(json: boolean) {
    this.json = json;
  }

  /** A line of the answer; silent under --json, which prints one document and only that. */
  line(text = ''): void {
    if (!this.json) process.stdout.write(`${harmless(text)}\n`);
  }

  /** What goes on meanwhile. */
  note(text: string): void {
    process.stderr.write(`${harmless(text)}\n`);
  }

  /** The answer as one JSON document; silent without --json. */
  document(fields: Readonly<Record<string, unknown>>): void {
    if (this.json)
      process.stdout.write(`${JSON.stringify({ version: DOCUMENT_VERSION, ...fields }, null, 2)}\n`);
  }

  /** Rows under their headings, in columns as wide as they need; numbers to the right. */
  table(
    headings: readonly string[],
    rows: readonly (readonly (string | number | null | undefined)[])[],
  ): void {
    const cells = rows.map((row) => row.map((cell) => (cell == null ? '-' : harmless(String(cell)))));
    const widths = headings.map((heading, index) =>
      Math.max(heading.length, ...cells.map((row) => row[index]?.length ?? 0)),
    );
    const isNumber = headings.map((_, index) => rows.every((row) => typeof (row[index] ?? 0) === 'number'));
    const print = (row: readonly string[]) => {
      const padded = row.map((cell, index) => {
        const width = widths[index] ?? 0;
        return isNumber[index] ? cell.padStart(width) : cell.padEnd(width);
      });
      this.line(padded.join('  ').trimEnd());
    };
    print(headings);
    for (const row of cells) print(row);
  }

  /** An error as an operator reads it: what happened, to what, what to do. */
  error(error: unknown): void {
    process.stderr.write(`${harmless(describe(error))}\n`);
  }
}

/**
 * What a source, a driver or a person wrote must not move the cursor or speak to the terminal of whoever reads it: of
 * control characters lines, tabs and colours are kept.
 */
function harmless(text: string): string {
  return text.replaceAll(/\p{Cc}\[[\d;]*m|(?![\n\t])\p{Cc}/gu, (found) =>
    found.startsWith('\u001b[') ? found : '',
  );
}
