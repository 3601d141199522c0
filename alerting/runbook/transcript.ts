/** Characters of one step that are kept: its beginning and its end. */
const MOST_OF_A_STEP = 16_000;
/** Characters of all: a runbook of a hundred chatty steps is still a row of a table. */
const MOST_OF_ALL = 200_000;

/** What was typed and answered, line by line, as evidence; bounded, without secrets (R14, R17). */
export class Transcript {
  readonly #redact: (line: string) => string;
  readonly #steps: { first: string[]; last: string[]; firstSize: number; lastSize: number; left: number }[] =
    [];

  constructor(redact: (line: string) => string) {
    this.#redact = redact;
    this.begin();
  }

  /** A new step begins, with bounds of its own. */
  begin(): void {
    this.#steps.push({ first: [], last: [], firstSize: 0, lastSize: 0, left: 0 });
  }

  /** Keeps a line; answers it as it may be shown. */
  add(line: string): string {
    const shown = this.#redact(line).slice(0, MOST_OF_A_STEP / 4);
    const step = this.#steps.at(-1);
    if (!step) return shown;
    if (step.firstSize + shown.length < MOST_OF_A_STEP / 2 && step.last.length === 0) {
      step.first.push(shown);
      step.firstSize += shown.length + 1;
      return shown;
    }
    step.last.push(shown);
    step.lastSize += shown.length + 1;
    while (step.lastSize > MOST_OF_A_STEP / 2) {
      step.lastSize -= (step.last.shift() ?? '').length + 1;
      step.left += 1;
    }
    return shown;
  }

  toString(): string {
    const lines = this.#steps.flatMap(({ first, last, left }) => [
      ...first,
      ...(left > 0 ? [`… ${left} lines are left out …`] : []),
      ...last,
    ]);
    const text = lines.join('\n');
    return text.length > MOST_OF_ALL ? `${text.slice(0, MOST_OF_ALL)}\n… the rest is left out …` : text;
  }
}
