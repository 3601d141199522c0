/** Work on one thing goes one after the other, in the order in which it was asked for. */
export class Turns {
  /** The last in line for each thing. */
  readonly #last = new Map<string, Promise<unknown>>();

  /** @param work never rejects: those behind it would not get their turn */
  async of<T>(thing: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(thing) ?? Promise.resolve()).then(work);
    this.#last.set(thing, turn);
    const done = await turn;
    if (this.#last.get(thing) === turn) this.#last.delete(thing);
    return done;
  }
}
