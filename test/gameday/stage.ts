import { join, resolve } from 'node:path';
import { freeze, thaw, type Wired } from '../chaos/worst-case.ts';
import { Cable } from '../chaos/cable.ts';
import type { EngineRoom } from '../chaos/engine-room.ts';
import { endingOf, type Ending } from '../support/ending.ts';
import { openHouse, type House } from '../support/house.ts';
import { PASSWORD } from '../support/template.ts';
import { Command, type Answer } from '../support/installation.ts';
import { until } from '../support/intake.ts';
import { sharedEngines } from '../support/shared-engines.ts';
import { TwilioStub } from '../support/twilio.ts';
import { ON_CALL, writeDataset, writeProject } from './project.ts';

/** An installation on which incidents are played: a project, workers that are processes, commands that are typed. */
export class Stage implements AsyncDisposable {
  readonly house: House;
  readonly engines: EngineRoom;
  /** What pages are sent by. */
  readonly twilio: TwilioStub;
  /** The latest. */
  worker!: Wired;
  #watchdog: Command | undefined;
  readonly #project: string;
  readonly #workers: Wired[] = [];
  /** What the provider has taken arrives. */
  readonly #post: NodeJS.Timeout;

  private constructor(house: House, engines: EngineRoom, twilio: TwilioStub) {
    this.house = house;
    this.engines = engines;
    this.twilio = twilio;
    this.#project = join(house.folder, 'project');
    this.#post = setInterval(() => {
      for (const message of twilio.messages) message.status = 'delivered';
    }, 100);
  }

  static async open(engines: EngineRoom): Promise<Stage> {
    // A day that was damaged on purpose stays damaged in warehouse_history: each incident looks for itself.
    const house = await openHouse({ freightApi: {}, verified: false });
    const stage = new Stage(house, engines, await TwilioStub.start());
    try {
      await writeProject(stage.#project);
      await stage.startWorker();
      // It would put right what somebody is to put right by a runbook.
      await stage.sweep.pause();
      return stage;
    } catch (error) {
      await stage[Symbol.asyncDispose]();
      throw error;
    }
  }

  get sweep() {
    return this.house.client.schedule.getHandle('nighttrain/_sweep-nights');
  }

  /** Another worker. */
  async startWorker(): Promise<Wired> {
    const cable = await Cable.lay(sharedEngines().temporalAddress);
    const worker = await this.house.startWorkerProcess(
      { ...this.#paging, TEMPORAL_ADDRESS: cable.address },
      {
        args: ['--import', import.meta.resolve('tsx'), resolve('test/gameday/worker.ts')],
        says: 'worker started',
        folder: this.#project,
      },
    );
    this.worker = { worker, cable };
    this.#workers.push(this.worker);
    return this.worker;
  }

  /** The worker stands still, and nobody hears of it. */
  freezeWorker(): void {
    freeze(this.worker);
  }

  /** Ends the worker without a chance to tidy up; Temporal gives its polls up. */
  async killWorker(): Promise<void> {
    this.worker.cable.cut();
    await this.worker.worker.end('SIGKILL');
  }

  /** Mends rules of a dataset, and deploys it: another worker knows them. */
  async mend(dataset: string, rules: Readonly<Record<string, string>>): Promise<void> {
    await writeDataset(this.#project, dataset, rules);
    await this.killWorker();
    await this.startWorker();
  }

  /** `nighttrain watchdog`, which has looked at the latest worker, and at all else, and found nothing wrong. */
  async startWatchdog(): Promise<void> {
    const workerUrl = await this.worker.worker.healthUrl();
    const watchdog = this.#start(['watchdog', '--every', '1', '--failures', '2', '--worker', workerUrl]);
    this.#watchdog = watchdog;
    const url = () => /^Health +(\S+)\/readyz/m.exec(watchdog.stdout)?.[1];
    const isReady = async () => {
      if (watchdog.hasEnded) throw new Error(`the watchdog ended: ${watchdog.stderr}`);
      const at = url();
      return at !== undefined && (await fetch(`${at}/readyz`)).ok;
    };
    await until(isReady, 60_000);
  }

  async endWatchdog(): Promise<void> {
    this.#watchdog?.kill('SIGKILL');
    await this.#watchdog?.answer();
    this.#watchdog = undefined;
  }

  /** Whether whoever is on call has an SMS that says this. */
  hasSms(text: string): boolean {
    return this.twilio.messages.some(
      ({ params }) => params['To'] === ON_CALL && params['Body']?.includes(text),
    );
  }

  get #paging(): Record<string, string> {
    return {
      TWILIO_ACCOUNT_SID: this.twilio.accountSid,
      TWILIO_AUTH_TOKEN: this.twilio.authToken,
      TWILIO_FROM: this.twilio.from,
      TWILIO_API_URL: this.twilio.url,
    };
  }

  /** Loads a day and waits for its end. */
  async load(dataset: string, date: string): Promise<Ending> {
    return endingOf(await this.house.start(dataset, date, 'nightly'));
  }

  /** Types a command, as whoever is on call does. */
  async type(...line: readonly string[]): Promise<Answer> {
    return this.#start(line).answer();
  }

  #start(line: readonly string[]): Command {
    const env = {
      ...process.env,
      ...this.#paging,
      NIGHTTRAIN_HOME: this.house.folder,
      NIGHTTRAIN_DATABASE_URL: this.house.loaderUrl,
      TEMPORAL_ADDRESS: sharedEngines().temporalAddress,
      TEMPORAL_NAMESPACE: this.house.name,
      FREIGHT_API_URL: this.house.freightUrl,
      FREIGHT_API_TOKEN: PASSWORD,
      LOG_LEVEL: 'warn',
    };
    return new Command(line, env, this.#project);
  }

  /** Switches faults of the freight API on; none: all off. */
  async source(scenario?: object): Promise<void> {
    const url = `${this.house.freightUrl}/control`;
    const headers = { 'content-type': 'application/json' };
    const request = scenario
      ? { method: 'POST', headers, body: JSON.stringify(scenario) }
      : { method: 'DELETE' };
    const { status } = await fetch(url, request);
    if (status >= 300) throw new Error(`the freight API does not take it: ${status}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#post);
    await this.endWatchdog();
    this.house.wire.mend();
    for (const wired of this.#workers) {
      thaw(wired);
      await wired.worker.end('SIGKILL');
      await wired.cable[Symbol.asyncDispose]();
    }
    await this.house[Symbol.asyncDispose]();
    await this.twilio[Symbol.asyncDispose]();
  }
}
