import { isDeepStrictEqual } from 'node:util';
import { DemoFailed } from '../../rules/errors.ts';
import type { Output } from '../output.ts';

/** Tells the story line by line, and stops it where a night did not end as it should. */
export class Narrator {
  readonly #output: Output;
  readonly #began = performance.now();
  #chapter = 0;
  #title = '';

  constructor(output: Output) {
    this.#output = output;
  }

  /** One chapter: told, timed, and named where something in it is not as expected. */
  async chapter(title: string, tell: () => Promise<void>): Promise<void> {
    const began = performance.now();
    this.#title = title;
    this.#output.line(`\n${++this.#chapter}. ${title}`);
    await tell();
    this.#output.line(`   (${seconds(performance.now() - began)})`);
  }

  command(line: string): void {
    this.#output.line(`   $ ${line}`);
  }

  said(line: string): void {
    this.#output.line(`     ${line}`.trimEnd());
  }

  tell(line: string): void {
    this.#output.line(`   ${line}`);
  }

  /** Holds what happened against what should have. @throws DemoFailed naming the chapter and the difference */
  expect<T>(what: string, found: T, expected: T): void {
    if (isDeepStrictEqual(found, expected)) return this.tell(`✓ ${what}: ${print(found)}`);
    this.fail(`${what}: expected ${print(expected)}, found ${print(found)}`);
  }

  /** Holds words against a pattern. @throws DemoFailed */
  expectWords(what: string, lines: readonly string[], pattern: RegExp): void {
    if (pattern.test(lines.join('\n'))) return this.tell(`✓ ${what}`);
    this.fail(`${what}: expected ${pattern.source}, found:\n${lines.join('\n')}`);
  }

  end(): void {
    this.#output.line(
      `\nAll ${this.#chapter} chapters ended as they should, in ${seconds(performance.now() - this.#began)}.`,
    );
  }

  private fail(difference: string): never {
    throw new DemoFailed(`The demo went wrong in chapter ${this.#chapter}, ${this.#title}`, {
      detail: difference,
      hint: 'Look at what is left: npx nighttrain demo --keep',
    });
  }
}

const print = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
