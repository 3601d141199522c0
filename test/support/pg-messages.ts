/** One message of PostgreSQL's wire protocol, with the bytes that it came in. */
export interface Message {
  /** Its type byte as a letter; '' for the first message of a client, which has none. */
  readonly kind: string;
  readonly bytes: Buffer;
}

/**
 * Cuts a stream of bytes into messages: type byte, length (which counts itself), body. Bytes of a message that is
 * not whole yet are kept for the next chunk.
 */
export class Messages {
  #rest: Buffer = Buffer.alloc(0);
  #hasType: boolean;

  /** @param from the client's first message has no type byte, the server's has */
  constructor(from: 'client' | 'server') {
    this.#hasType = from === 'server';
  }

  *of(chunk: Buffer): Iterable<Message> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const head = this.#hasType ? 1 : 0;
      if (this.#rest.length < head + 4) return;
      const length = head + this.#rest.readInt32BE(head);
      if (this.#rest.length < length) return;
      const bytes = this.#rest.subarray(0, length);
      this.#rest = this.#rest.subarray(length);
      const kind = this.#hasType ? String.fromCharCode(bytes[0] ?? 0) : '';
      this.#hasType = true;
      yield { kind, bytes };
    }
  }
}

/** The statement that a client's message brings: of a simple query, or of one that is parsed first. */
export function statementOf({ kind, bytes }: Message): string | undefined {
  if (kind === 'Q') return bytes.toString('utf8', 5, bytes.length - 1);
  if (kind !== 'P') return undefined;
  const from = bytes.indexOf(0, 5) + 1; // behind the name of the prepared statement
  return bytes.toString('utf8', from, bytes.indexOf(0, from));
}

/** What a client calls itself in its first message. */
export function applicationOf({ bytes }: Message): string {
  const fields = bytes.toString('utf8', 8).split('\0');
  const at = fields.findIndex((field, index) => index % 2 === 0 && field === 'application_name');
  return at < 0 ? '' : (fields[at + 1] ?? '');
}

/** A simple query as its bytes. */
export function simpleQuery(sql: string): Buffer {
  const text = Buffer.from(`${sql}\0`);
  const head = Buffer.alloc(5);
  head.write('Q');
  head.writeInt32BE(text.length + 4, 1);
  return Buffer.concat([head, text]);
}
