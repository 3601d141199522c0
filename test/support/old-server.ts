import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Versions of a server as it tells them, by those of a PostgreSQL that is too old; of the same length, for the wire. */
const OLDER: readonly [RegExp, string][] = [
  [/1[5-9](\d{4})/g, '14$1'], // server_version_num
  [/1[5-9](\.\d)/g, '14$1'],
];

/** A PostgreSQL that says of itself that it is 14: a real one, with its answers changed on the wire. */
export class OldServer implements AsyncDisposable {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets: readonly Socket[];

  private constructor(url: string, server: Server, sockets: readonly Socket[]) {
    this.url = url;
    this.#server = server;
    this.#sockets = sockets;
  }

  static async before(databaseUrl: string): Promise<OldServer> {
    const behind = new URL(databaseUrl);
    const sockets: Socket[] = [];
    const server = createServer((client) => {
      const upstream = connect(Number(behind.port), behind.hostname);
      sockets.push(client, upstream);
      client.pipe(upstream);
      upstream.on('data', (bytes: Buffer) => client.write(aged(bytes)));
      client.on('error', () => upstream.destroy());
      upstream.on('error', () => client.destroy());
      upstream.on('end', () => client.end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = new URL(databaseUrl);
    url.port = String((server.address() as AddressInfo).port);
    return new OldServer(url.href, server, sockets);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** Only rows that tell a version: a salt of the authentication may look like one. */
function aged(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1');
  if (!text.startsWith('T')) return bytes; // the description of rows begins a query's answer
  const older = OLDER.reduce((told, [pattern, version]) => told.replace(pattern, version), text);
  return Buffer.from(older, 'latin1');
}
