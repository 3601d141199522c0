import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { latestOwed } from '../../rules/night.ts';
import type { Schedule } from '../../rules/dataset.ts';
import { fareLines } from '../support/fares.ts';
import type { House } from '../support/house.ts';
import { NIGHTTRAIN_WORKER, type WorkerProcess } from '../support/house-worker.ts';
import { Command } from '../support/installation.ts';
import { sharedEngines } from '../support/shared-engines.ts';
import type { Held, Place } from '../support/wire-line.ts';
import { Cable } from './cable.ts';

/** Nothing falls due while a test runs: its slot is half a day away. */
const hour = (offset: number) => `${String((new Date().getUTCHours() + offset) % 24).padStart(2, '0')}:30`;
const schedule = { at: hour(12), dueBy: hour(13), timeZone: 'UTC', cadence: 'daily', after: [] } as const;

/** The days that are in trouble, by what is wrong with them. */
export const DAYS = {
  zombieInCopy: ['fares', '2024-06-01'],
  zombieAtCommit: ['fares', '2024-06-02'],
  /** The last day of `fares`: a cold reboot replays it. */
  frozenInCopy: ['fares', lastDay()],
  /** It owns its day, and has yet to ask for the epoch that it may commit with. */
  frozenBeforeEpoch: ['fares', '2024-06-03'],
  /** COMMIT is on the wire; PostgreSQL has not got it. */
  inDoubtBefore: ['tickets', lastDay()],
  /** PostgreSQL has committed; nobody has been told. */
  inDoubtAfter: ['clients', '2024-06-04'],
} as const;
type Trouble = keyof typeof DAYS;

export function lastDay(): string {
  return latestOwed(schedule, new Date().toISOString());
}

/** A worker, and its cable to Temporal. */
export interface Wired {
  readonly worker: WorkerProcess;
  readonly cable: Cable;
}

/**
 * An installation at its worst, made by real workers: two zombies, a load frozen before it has a session and one in
 * COPY, two whose COMMIT is in doubt, before and after PostgreSQL got it. Who did all that is frozen, or dead.
 */
export class WorstCase implements AsyncDisposable {
  readonly house: House;
  /** Whose loads are in doubt. */
  lastWorker!: Wired;
  readonly #project: string;
  /** In the middle of a load. */
  readonly frozen: (Wired & { readonly loads: number })[] = [];
  readonly #workers: Wired[] = [];
  readonly #held = new Map<Trouble, Held>();

  private constructor(house: House) {
    this.house = house;
    this.#project = join(house.folder, 'project');
  }

  static async make(house: House): Promise<WorstCase> {
    const worst = new WorstCase(house);
    try {
      await worst.#come();
      return worst;
    } catch (error) {
      await worst[Symbol.asyncDispose]();
      throw error;
    }
  }

  async startWorker(): Promise<Wired> {
    const cable = await Cable.lay(sharedEngines().temporalAddress);
    const worker = await this.house.startWorkerProcess(
      { TEMPORAL_ADDRESS: cable.address },
      { ...NIGHTTRAIN_WORKER, folder: this.#project },
    );
    const wired = { worker, cable };
    this.#workers.push(wired);
    return wired;
  }

  /** A command, typed by an operator of this installation. */
  type(...line: string[]): Command {
    const env = {
      ...process.env,
      NIGHTTRAIN_HOME: this.house.folder,
      NIGHTTRAIN_DATABASE_URL: this.house.loaderUrl,
      TEMPORAL_ADDRESS: sharedEngines().temporalAddress,
      TEMPORAL_NAMESPACE: this.house.name,
    };
    return new Command(line, env, this.#project);
  }

  /**
   * Everybody who was frozen goes on, and everything that was held arrives; answers what came of the held ones. Nobody
   * hears from Temporal that his run is gone: PostgreSQL alone stands in the way.
   */
  async wake(): Promise<Readonly<Record<Trouble, string>>> {
    for (const { worker } of this.frozen) worker.signal('SIGCONT');
    const answers = [...this.#held].map(async ([trouble, held]) => [trouble, await held.release()] as const);
    return Object.fromEntries(await Promise.all(answers)) as Record<Trouble, string>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#workers) {
      thaw(one);
      await one.worker.end('SIGTERM');
      await one.cable[Symbol.asyncDispose]();
    }
    for (const held of this.#held.values()) held.cut();
  }

  /** It all goes wrong. */
  async #come(): Promise<void> {
    await this.#putProject();
    await this.#putFiles(1);
    this.lastWorker = await this.startWorker();
    // A sweep would end the zombies before anybody has typed anything.
    await this.house.client.schedule.getHandle('nighttrain/_sweep-nights').pause();
    await this.#stopAt('inDoubtBefore', 'COMMIT');
    await this.#stopAt('inDoubtAfter', 'COMMIT', 'answer');
    freeze(this.lastWorker); // for the moment: what follows is for others
    await this.#freezeAt({ zombieInCopy: 'COPY' });
    await this.#freezeAt({ zombieAtCommit: 'COMMIT' });
    await this.#freezeAt({ frozenBeforeEpoch: 'EPOCH', frozenInCopy: 'COPY' });
    await this.#takeOverAndDie(['zombieInCopy', 'zombieAtCommit']);
    await this.#putFiles(2);
  }

  /** Loads of one worker, which is frozen in them. */
  async #freezeAt(places: Partial<Record<Trouble, Place>>): Promise<void> {
    const wired = await this.startWorker();
    for (const [trouble, place] of Object.entries(places)) await this.#stopAt(trouble as Trouble, place);
    freeze(wired);
    this.frozen.push({ ...wired, loads: Object.keys(places).length });
  }

  /** Starts a load and waits until it stands still. */
  async #stopAt(trouble: Trouble, place: Place, what: 'request' | 'answer' = 'request'): Promise<void> {
    const { wire } = this.house;
    const [dataset, date] = DAYS[trouble];
    const where = { from: place === 'EPOCH' ? 'nighttrain worker' : `nt:${dataset}:${date}:` };
    const held = what === 'answer' ? wire.holdAnswer(place, where) : wire.hold(place, where);
    await this.house.start(dataset, date);
    this.#held.set(trouble, await held);
  }

  /** The days have new owners, whose worker dies before it has evicted anybody: real zombies are left. */
  async #takeOverAndDie(troubles: readonly Trouble[]): Promise<void> {
    const { worker } = await this.startWorker();
    for (const trouble of troubles) {
      const [dataset, date] = DAYS[trouble];
      const taken = this.house.wire.holdAnswer('TAKE OVER', { from: 'nighttrain worker' });
      await this.house.load(dataset, date).terminate('an operator lost patience');
      await this.house.start(dataset, date);
      await taken;
    }
    await worker.end('SIGKILL');
  }

  async #putProject(): Promise<void> {
    const folder = join(this.#project, 'datasets');
    await mkdir(folder, { recursive: true });
    await writeFile(join(this.#project, 'package.json'), '{"type": "module"}\n');
    const schedules: Record<string, Schedule | undefined> = {
      fares: schedule,
      tickets: { ...schedule, after: ['fares'] },
      clients: undefined,
    };
    for (const [name, when] of Object.entries(schedules)) {
      const text = `import { ${name} } from ${JSON.stringify(resolve('test/support/datasets.ts'))};
export default { ...${name}, schedule: ${JSON.stringify(when)}, steps: ${JSON.stringify(PATIENT)} };
`;
      await writeFile(join(folder, `${name}.ts`), text);
    }
  }

  /** @param mark tells what was loaded before the cold reboot from what is loaded by it */
  async #putFiles(mark: number): Promise<void> {
    for (const [dataset, date] of Object.values(DAYS))
      await this.house.put(dataset, `${date}.csv`, LINES[dataset](date, mark));
  }
}

const LINES: Readonly<Record<string, (date: string, mark: number) => string[]>> & {
  readonly [dataset in (typeof DAYS)[Trouble][0]]: (date: string, mark: number) => string[];
} = {
  fares: (date, mark) => fareLines(date, { good: 20, amount: mark }),
  tickets: (_date, mark) => ['ticket,changed,state', `1,1,state ${mark}`, `2,1,state ${mark}`],
  clients: (_date, mark) => ['id,name,city', `1,client,city ${mark}`],
};

/** Silence is noticed late: what is wrong stays wrong until somebody types something. */
const policy = { timeoutMs: 600_000, heartbeatMs: 300_000, tries: 5, firstRetryMs: 100, longestRetryMs: 500 };
const PATIENT = { extract: policy, transform: policy, load: policy };

/** Temporal drops the polls of whoever is cut off, as it does when it is restarted: nobody's work goes to the frozen. */
export function freeze({ worker, cable }: Wired): void {
  worker.signal('SIGSTOP');
  cable.cut();
}

export function thaw({ worker, cable }: Wired): void {
  cable.mend();
  worker.signal('SIGCONT');
}
