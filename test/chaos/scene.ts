import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openHouse, type House } from '../support/house.ts';
import { workflowBundle, type WorkerProcess } from '../support/house-worker.ts';
import { receiptOf } from '../support/ending.ts';
import { until } from '../support/intake.ts';
import { sharedEngines } from '../support/shared-engines.ts';
import type { Held, Place } from '../support/wire-line.ts';
import { Cable } from './cable.ts';
import type { Order } from './orders.ts';
import { sabotageDatabase, type Sabotage } from './sabotage.ts';

/** Where a night is when it is struck: something is sent, PostgreSQL has answered it, or a line is logged. */
export type Moment = Place | `answer to ${Place}` | `log: ${string}`;

/** The engines that a scene stands on. */
export interface EnginesUnderFire {
  readonly temporalAddress: string;
  strike(engine: 'postgres' | 'temporal'): Promise<void>;
  /** PostgreSQL lets nobody in any more; who is in may stay. */
  closeDoors(): Promise<void>;
  /** Starts those that were struck. */
  start(): Promise<void>;
}

/** A night has come to its moment. */
export interface Arrival {
  /** The session that stands still; none where the moment is a line of the log. */
  readonly held: Held | undefined;
}

/** Moments that are passed on a session of the worker's own, not of one load. */
const ON_THE_POOL: readonly string[] = ['TAKE OVER', 'EPOCH', 'READ BACK', 'CLOSE'];

/** A house under fire, with a worker that works and one that stands by. */
export class Scene implements AsyncDisposable {
  readonly house: House;
  readonly engines: EnginesUnderFire;
  /** The worker that works. */
  worker!: WorkerProcess;
  /** Days that were under fire here. */
  days = 0;
  readonly #sabotage: Sabotage | undefined;
  readonly #workers: WorkerProcess[] = [];
  /** Between each worker and Temporal. */
  readonly #cables = new Map<WorkerProcess, Cable>();
  readonly #underWay: Promise<unknown>[] = [];
  #standby: Promise<WorkerProcess> | undefined;

  private constructor(house: House, engines: EnginesUnderFire, sabotage: Sabotage | undefined) {
    this.house = house;
    this.engines = engines;
    this.#sabotage = sabotage;
  }

  static async open(engines: EnginesUnderFire, sabotage?: Sabotage): Promise<Scene> {
    const house = await openHouse({ verified: false, freightApi: {} });
    const scene = new Scene(house, engines, sabotage);
    if (sabotage) await sabotageDatabase(house.database, sabotage);
    await workflowBundle();
    await scene.goOn();
    receiptOf(await house.run('stations', '2019-12-31')); // movements name them
    return scene;
  }

  /** The worker that stands by goes to work; another one is called. */
  async goOn(): Promise<void> {
    const next = await (this.#standby ?? this.#call());
    next.tell({ order: 'go' } satisfies Order);
    await until(() => {
      if (next.hasEnded) throw new Error(`the worker ended:\n${next.lines.slice(-20).join('\n')}`);
      return next.hasSaid('worker started');
    }, 30_000);
    this.worker = next;
    this.#standby = undefined;
  }

  /** Calls a worker that stands by, ahead of the moment in which it is needed. */
  callStandby(): void {
    this.#standby ??= this.#call();
    this.#standby.catch(() => undefined); // whoever needs it hears of it
  }

  /** Cuts the worker at work off from Temporal. */
  cutFromTemporal(): void {
    this.#cables.get(this.worker)?.cut();
  }

  /** Everything is connected again. */
  mend(): void {
    this.house.wire.mend();
    for (const cable of this.#cables.values()) cable.mend();
  }

  /** Its end is waited for before the house is closed; whoever asked for it may have given up by then. */
  outlive<T>(work: Promise<T>): Promise<T> {
    this.#underWay.push(work.catch(() => undefined));
    return work;
  }

  /** Tells every worker that lives. */
  tell(order: Order): void {
    for (const worker of this.#workers) worker.tell(order);
  }

  /** Ends workers that are at work besides the latest, as an operator clears up. */
  async endOthers(): Promise<void> {
    for (const worker of this.#workers) {
      if (worker === this.worker || worker.hasEnded || !worker.hasSaid('worker started')) continue;
      worker.signal('SIGCONT');
      await worker.end('SIGKILL');
    }
  }

  /** From now on, what workers log. */
  listen(): () => readonly string[] {
    const before = new Map(this.#workers.map((worker) => [worker, worker.lines.length]));
    return () => this.#workers.flatMap((worker) => worker.lines.slice(before.get(worker) ?? 0));
  }

  /** Waits until a night comes to a moment; ask before it starts. */
  async arrive(moment: Moment): Promise<Arrival> {
    if (moment.startsWith('log: ')) {
      const text = moment.slice('log: '.length);
      const { worker } = this;
      const from = worker.lines.length;
      await until(() => worker.lines.slice(from).some((line) => line.includes(text)), 30_000);
      return { held: undefined };
    }
    const isAnswer = moment.startsWith('answer to ');
    const place = (isAnswer ? moment.slice('answer to '.length) : moment) as Place;
    const where = ON_THE_POOL.includes(place) ? { from: 'nighttrain worker' } : {};
    const { wire } = this.house;
    return { held: await (isAnswer ? wire.holdAnswer(place, where) : wire.hold(place, where)) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.mend();
    await this.#standby?.catch(() => undefined);
    // A client that is closed while it waits for a result throws from a timer of its own.
    await Promise.race([Promise.all(this.#underWay), pause(10_000, undefined, { ref: false })]);
    for (const worker of this.#workers) {
      if (worker.hasEnded) continue;
      worker.signal('SIGCONT');
      await worker.end('SIGKILL');
    }
    await this.house[Symbol.asyncDispose]();
    for (const cable of this.#cables.values()) await cable[Symbol.asyncDispose]();
  }

  async #call(): Promise<WorkerProcess> {
    const { runFolder } = sharedEngines();
    const cable = await Cable.lay(this.engines.temporalAddress);
    const adminUrl = new URL(sharedEngines().databaseUrl);
    adminUrl.pathname = this.house.name;
    const worker = await this.house.startWorkerProcess(
      {
        TEMPORAL_ADDRESS: cable.address,
        WORKFLOW_BUNDLE: join(runFolder, 'workflows.js'),
        SABOTAGE: this.#sabotage ?? '',
        ADMIN_URL: adminUrl.href,
      },
      {
        args: ['--import', import.meta.resolve('tsx'), resolve('test/chaos/worker.ts')],
        says: 'standing by',
      },
    );
    this.#workers.push(worker);
    this.#cables.set(worker, cable);
    return worker;
  }
}
