import type { IntakeContext } from './context.ts';
import type { StoredFile } from './landing.ts';

/** A file of the landing store that is written piece by piece. */
export class StagedFile {
  readonly #written: Promise<StoredFile>;
  /** Given to the store: its next piece, or undefined at the end. */
  #give: (piece: Uint8Array | undefined) => void = () => undefined;
  #giveUp: (cause: Error) => void = () => undefined;
  #asked!: Promise<Uint8Array | undefined>;
  /** Told when the store asks for more, or has ended. */
  #goOn: () => void = () => undefined;
  #hasEnded = false;
  #isGivenUp = false;

  constructor({ landing, signal }: Pick<IntakeContext, 'landing' | 'signal'>, key: string) {
    this.#await();
    this.#written = landing.write(key, this.#pieces(), signal);
    this.#written
      .catch(() => undefined) // told to whoever writes on, or ends it
      .finally(() => {
        this.#hasEnded = true;
        this.#goOn();
      });
  }

  /** The bytes are the caller's own again once this is done. One at a time. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#hasEnded) await this.#written;
    if (bytes.length === 0) return;
    const taken = new Promise<void>((resolve) => (this.#goOn = resolve));
    this.#give(bytes);
    await taken;
    if (this.#hasEnded) await this.#written;
  }

  async end(): Promise<StoredFile> {
    this.#give(undefined);
    return this.#written;
  }

  /** Leaves nothing behind unless the file was ended. */
  async discard(): Promise<void> {
    this.#isGivenUp = true;
    this.#giveUp(givenUp());
    await this.#written.catch(() => undefined);
  }

  async *#pieces(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const piece = await this.#asked;
      if (piece === undefined) return;
      this.#await();
      yield piece;
      this.#goOn();
      // Also where that was said before the piece was taken: nobody writes another.
      if (this.#isGivenUp) throw givenUp();
    }
  }

  #await(): void {
    this.#asked = new Promise((resolve, reject) => {
      this.#give = resolve;
      this.#giveUp = reject;
    });
    this.#asked.catch(() => undefined); // where the store does not ask any more
  }
}

function givenUp(): Error {
  return new Error('The file was given up before its end');
}
