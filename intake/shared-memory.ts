/** Room for a block of a file with the beginning of a record before it, or for the rows that it comes to. */
const PIECE_BYTES = 1024 * 1024;

/**
 * Pieces of memory that threads share, and that are used again. V8 counts what an ArrayBuffer holds towards the heap of
 * whoever has it: a file that passed through as buffers of its own made it mark all of a worker's heap every 40 ms, for
 * longer than the file itself took (ADR 13). What threads share is not counted.
 */
export class SharedMemory {
  readonly #free: SharedArrayBuffer[] = [];

  /** So many bytes, with whatever was in them. */
  take(bytes: number): Buffer {
    const piece = bytes > PIECE_BYTES ? undefined : this.#free.pop();
    return Buffer.from(piece ?? new SharedArrayBuffer(Math.max(bytes, PIECE_BYTES)), 0, bytes);
  }

  /** Both, one after the other. */
  join(first: Uint8Array, second: Uint8Array): Buffer {
    const joined = this.take(first.length + second.length);
    joined.set(first);
    joined.set(second, first.length);
    return joined;
  }

  /** Nobody reads or writes it any more. Memory that is nobody else's is left alone. */
  giveBack({ buffer }: Uint8Array): void {
    if (buffer instanceof SharedArrayBuffer && buffer.byteLength === PIECE_BYTES) this.#free.push(buffer);
  }
}
