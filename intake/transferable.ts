/**
 * The same bytes in a buffer of their own, which may be given away to another thread: Node keeps small Buffers together
 * in one, and does not let go of that.
 */
export function transferable(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const isAlone = bytes.buffer instanceof ArrayBuffer && bytes.buffer.byteLength >= ALONE_BYTES;
  return isAlone && bytes.buffer.byteLength <= 4 * bytes.byteLength
    ? (bytes as Uint8Array<ArrayBuffer>)
    : new Uint8Array(bytes);
}

/** Beyond what Node pools. */
const ALONE_BYTES = 64 * 1024;
