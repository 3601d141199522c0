import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { SMTPServer, type SMTPServerEnvelope, type SMTPServerOptions } from 'smtp-server';

/** A mail as the server took it. */
export interface TakenMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly source: string;
}

/** What befalls the next mail, once: a code, or no answer after it was taken. */
export type SmtpFault = { readonly code: number } | 'silence';

/** A mail server on a real socket, with one user. */
export class SmtpStub implements AsyncDisposable {
  readonly mails: TakenMail[] = [];
  readonly password = 'mail-password-1234';
  /** How often somebody named a recipient. */
  calls = 0;
  readonly #faults: SmtpFault[] = [];
  readonly #refused = new Set<string>();
  readonly #server: SMTPServer;

  private constructor(options: SMTPServerOptions) {
    const refusal = (responseCode: number) =>
      Object.assign(new Error('no <ana@example.com> here'), { responseCode });
    this.#server = new SMTPServer({
      authOptional: true,
      disableReverseLookup: true,
      logger: false,
      closeTimeout: 200, // who was never answered hangs on
      ...options,
      onAuth: ({ username, password }, _session, done) =>
        username === 'pager' && password === this.password
          ? done(null, { user: username })
          : done(refusal(535)),
      onMailFrom: ({ address }, _session, done) =>
        done(address === 'nobody@example.com' ? refusal(550) : null),
      onRcptTo: ({ address }, _session, done) => {
        this.calls += 1;
        const [fault] = this.#faults;
        if (fault !== undefined && fault !== 'silence') {
          this.#faults.shift();
          return done(refusal(fault.code));
        }
        return done(this.#refused.has(address) ? refusal(550) : null);
      },
      onData: (stream, { envelope }, done) => void this.#take(stream, envelope, done),
    });
    // Who does not trust our certificate breaks off, which is this server's error and nobody's fault.
    this.#server.on('error', () => undefined);
  }

  static async start(options: SMTPServerOptions = { disabledCommands: ['STARTTLS'] }): Promise<SmtpStub> {
    const stub = new SmtpStub(options);
    await new Promise<void>((resolve) => stub.#server.listen(0, '127.0.0.1', resolve));
    return stub;
  }

  get port(): number {
    return (this.#server.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `smtp://127.0.0.1:${this.port}`;
  }

  strike(...faults: readonly SmtpFault[]): void {
    this.#faults.push(...faults);
  }

  refuse(address: string): void {
    this.#refused.add(address);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #take(stream: Readable, envelope: SMTPServerEnvelope, done: () => void): Promise<void> {
    const source = await text(stream).catch(() => undefined);
    if (source === undefined) return; // the line was cut in mid-message: it was not taken
    const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
    this.mails.push({ from, to: envelope.rcptTo.map(({ address }) => address), source });
    if (this.#faults.shift() !== 'silence') done();
  }
}
