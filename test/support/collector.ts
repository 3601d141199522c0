import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A line of a log, as a collector of OpenTelemetry receives it. */
export interface CollectedLine {
  readonly body: string;
  readonly severity: string | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** A collector that takes OTLP over HTTP in protobuf; or one that takes the call and never answers. */
export class Collector implements AsyncDisposable {
  readonly lines: CollectedLine[] = [];
  /** Path and content type of each call. */
  readonly calls: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start({ answers = true } = {}): Promise<Collector> {
    const server = createServer();
    const collector = new Collector(server);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        collector.calls.push(`${request.url} ${request.headers['content-type']}`);
        if (!answers) return;
        collector.lines.push(...linesOf(Buffer.concat(chunks)));
        response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

/** ExportLogsServiceRequest: resource_logs (1), scope_logs (2), log_records (2). */
function linesOf(request: Buffer): CollectedLine[] {
  const records = [request].flatMap(messages(1)).flatMap(messages(2)).flatMap(messages(2));
  return records.map((record) => {
    const fields = fieldsOf(record);
    const body = fields.find(({ field }) => field === 5);
    return {
      body: body ? String(valueOf(body.bytes)) : '',
      severity: fields.find(({ field }) => field === 3)?.bytes.toString(),
      attributes: Object.fromEntries(
        messages(6)(record).map((pair) => {
          const [key, value] = fieldsOf(pair);
          return [key?.bytes.toString() ?? '', valueOf(value?.bytes ?? Buffer.alloc(0))];
        }),
      ),
    };
  });
}

/** AnyValue: string (1), bool (2), int (3), double (4); of the others nothing is asked here. */
function valueOf(bytes: Buffer): unknown {
  const [value] = fieldsOf(bytes);
  if (value?.field === 1) return value.bytes.toString();
  if (value?.field === 4) return value.bytes.readDoubleLE();
  return value?.number;
}

interface Field {
  readonly field: number;
  readonly bytes: Buffer;
  readonly number: number;
}

const messages = (field: number) => (message: Buffer) =>
  fieldsOf(message)
    .filter((one) => one.field === field)
    .map(({ bytes }) => bytes);

/** Protobuf's wire format: https://protobuf.dev/programming-guides/encoding/ */
function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++] ?? 0;
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const wire = tag % 8;
    const number = wire === 0 ? varint() : 0;
    const length = { 0: 0, 1: 8, 2: wire === 2 ? varint() : 0, 5: 4 }[wire];
    if (length === undefined) throw new Error(`this is no protobuf: wire type ${wire}`);
    fields.push({ field: Math.floor(tag / 8), bytes: message.subarray(at, at + length), number });
    at += length;
  }
  return fields;
}
