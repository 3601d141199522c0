import type { Socket } from 'node:net';
import { applicationOf, Messages, simpleQuery, statementOf, type Message } from './pg-messages.ts';

/** What PostgreSQL answered to bytes that were held and then let go. */
export type Answer = 'CommandComplete' | 'ErrorResponse' | 'Closed';

/** A session that stands still: its client has sent something that PostgreSQL has not got, or the other way round. */
export interface Held {
  /** As the session calls itself. */
  readonly application: string;
  /** Lets the bytes go, even where their sender is gone by now, and says what PostgreSQL answered to them. */
  release(): Promise<Answer>;
  /** Says what PostgreSQL answers when this session comes to a later place. */
  answerAt(place: Place): Promise<Answer>;
  /** Cuts both ends off, as a reset of the connection does; what was held is lost. */
  cut(): void;
}

/** Where a load can be stopped: what the client sends there. */
const PLACES = {
  'TAKE OVER': /nighttrain\.take_over\(/,
  EPOCH: /nighttrain\.advance_epoch\(/,
  OPEN: /nighttrain\.open_day\(/,
  ROWS: 'd',
  COPY: 'c', // the end of the rows
  KEYS: /nighttrain\.build_keys\(/,
  LEDGER: /^insert into "nighttrain"."load_batch"/i,
  COMMIT: /^COMMIT$/i,
  'READ BACK': /where b\.load_id = \$1/,
  ALERT: /insert into nighttrain\.alert\b/,
  SWEEP: /from nighttrain\.attempt a\s+left join nighttrain\.run_fence/,
  CLOSE: /^update "nighttrain"."attempt" set "state"/i,
} as const;
export type Place = keyof typeof PLACES;

export type Fate = 'hold' | 'hold the answer' | 'lose the request' | 'lose the answer' | 'abort';

/** Waits for a session to come to its place. */
export interface Trap {
  readonly place: Place;
  readonly fate: Fate;
  readonly from: string;
  readonly spring: (held: Held) => void;
  /** How often the place is passed before it springs. */
  left: number;
}

/** Whether a client's message is what is sent at the place. */
export function isAt(place: Place, message: Message): boolean {
  const mark = PLACES[place];
  return typeof mark === 'string' ? message.kind === mark : mark.test(statementOf(message) ?? '');
}

interface Surroundings {
  readonly takeTrap: (message: Message, application: string) => Trap | undefined;
  readonly delayMs: () => number;
  readonly onClose: () => void;
}

/** One connection through the wire. */
export class Line {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #around: Surroundings;
  readonly #waiting: ((answer: Answer) => void)[] = [];
  readonly #watched: { place: Place; tell: (answer: Answer) => void }[] = [];
  #application = '';
  /** What is kept from its receiver. */
  #held: Buffer[] | undefined;
  #heldAnswers: Buffer[] | undefined;
  /** Answers up to the next ReadyForQuery belong to a statement that the client never sent. */
  #swallow: (() => void) | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(client: Socket, server: Socket, around: Surroundings) {
    this.#client = client;
    this.#server = server;
    this.#around = around;
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined); // 'close' follows
    }
    const [asked, answered] = [new Messages('client'), new Messages('server')];
    client.on('data', (chunk) => {
      for (const message of asked.of(chunk)) this.#ask(message);
    });
    server.on('data', (chunk) => {
      for (const message of answered.of(chunk)) this.#answer(message);
    });
    // What is held may still be delivered when its sender is gone.
    client.on('close', () => !this.#held && server.destroy());
    server.on('close', () => this.#onServerClose());
  }

  get application(): string {
    return this.#application;
  }

  pause(): void {
    this.#client.pause();
    this.#server.pause();
  }

  cut(): void {
    this.#client.resetAndDestroy();
    this.#server.destroy();
  }

  #onServerClose(): void {
    for (const tell of this.#waiting.splice(0)) tell('Closed');
    for (const { tell } of this.#watched.splice(0)) tell('Closed');
    if (!this.#heldAnswers) this.#client.destroy();
    this.#around.onClose();
  }

  #ask(message: Message): void {
    if (message.kind === '') this.#application = applicationOf(message);
    if (this.#held) return void this.#held.push(message.bytes);
    const watched = this.#watched.findIndex(({ place }) => isAt(place, message));
    if (watched >= 0) void this.#nextAnswer().then(this.#watched.splice(watched, 1)[0]?.tell);
    const trap = this.#around.takeTrap(message, this.#application);
    if (trap) this.#spring(trap, message.bytes);
    else this.#send(message.bytes);
  }

  #spring({ fate, spring }: Trap, bytes: Buffer): void {
    switch (fate) {
      case 'hold':
        this.#held = [bytes];
        return spring(this.#handle(() => this.#letGo()));
      case 'hold the answer': {
        this.#heldAnswers = [];
        const answer = this.#nextAnswer();
        this.#send(bytes);
        return void answer.then(() => spring(this.#handle(() => this.#tell(answer))));
      }
      case 'lose the request':
        this.cut();
        return spring(this.#handle(() => Promise.resolve('Closed')));
      case 'lose the answer': {
        this.#heldAnswers = [];
        const answer = this.#nextAnswer();
        this.#send(bytes);
        const lose = () => {
          this.cut();
          spring(this.#handle(() => answer));
        };
        return void answer.then(lose);
      }
      case 'abort':
        this.#held = [bytes];
        this.#swallow = () => void this.#letGo().then(() => spring(this.#handle(() => this.#nextAnswer())));
        this.#server.write(simpleQuery('select 1/0'));
    }
  }

  #handle(release: () => Promise<Answer>): Held {
    return {
      application: this.#application,
      release,
      answerAt: (place) => new Promise((tell) => void this.#watched.push({ place, tell })),
      cut: () => this.cut(),
    };
  }

  async #letGo(): Promise<Answer> {
    const answer = this.#nextAnswer();
    const held = this.#held ?? [];
    this.#held = undefined;
    if (this.#server.destroyed) return answer;
    if (this.#client.destroyed) this.#server.end(Buffer.concat(held));
    else this.#server.write(Buffer.concat(held));
    return answer;
  }

  #tell(answer: Promise<Answer>): Promise<Answer> {
    const held = this.#heldAnswers ?? [];
    this.#heldAnswers = undefined;
    if (!this.#client.destroyed) this.#client.write(Buffer.concat(held));
    if (this.#server.destroyed) this.#client.end();
    return answer;
  }

  #nextAnswer(): Promise<Answer> {
    if (this.#server.destroyed) return Promise.resolve('Closed');
    return new Promise((tell) => void this.#waiting.push(tell));
  }

  #send(bytes: Buffer): void {
    const delayMs = this.#around.delayMs();
    if (delayMs === 0) return void this.#server.write(bytes);
    this.#last = this.#last.then(() => new Promise((resolve) => setTimeout(resolve, delayMs)));
    void this.#last.then(() => this.#server.destroyed || this.#server.write(bytes));
  }

  #answer({ kind, bytes }: Message): void {
    if (this.#swallow) {
      if (kind !== 'Z') return;
      this.#swallow();
      this.#swallow = undefined;
      return;
    }
    if (this.#heldAnswers) this.#heldAnswers.push(bytes);
    else this.#client.write(bytes);
    if (kind === 'C' || kind === 'E') {
      const answer = kind === 'C' ? 'CommandComplete' : 'ErrorResponse';
      for (const tell of this.#waiting.splice(0)) tell(answer);
    }
  }
}
