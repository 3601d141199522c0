const LEAST_BYTES = 512 * 1024;

/**
 * Pieces of memory that threads share, and that are used again. V8 counts what an ArrayBuffer holds towards the heap of
 * whoever has it: a file that passed through as buffers of its own made it mark all of a worker's heap every 40 ms, for
 * longer than the file itself took (ADR 13). What threads share is not counted, and for that reason not collected soon
 * either: all of it is given back.
 */
export class SharedMemory {
  /** By their size, a power of two. */
  readonly #free = new Map<number, SharedArrayBuffer[]>();

  /** So many bytes, with whatever was in them. */
  take(bytes: number): Buffer {
    let size = LEAST_BYTES;
    while (size < bytes) size *= 2;
    return Buffer.from(this.#free.get(size)?.pop() ?? new SharedArrayBuffer(size), 0, bytes);
  }

  /** Both, one after the other. */
  join(first: Uint8Array, second: Uint8Array): Buffer {
    const joined = this.take(first.length + second.length);
    joined.set(first);
    joined.set(second, first.length);
    return joined;
  }

  /** Nobody reads or writes it any more. Memory that is nobody's is left alone. */
  giveBack({ buffer }: Uint8Array): void {
    if (!(buffer instanceof SharedArrayBuffer)) return;
    const free = this.#free.get(buffer.byteLength);
    if (free) free.push(buffer);
    else this.#free.set(buffer.byteLength, [buffer]);
  }
}
