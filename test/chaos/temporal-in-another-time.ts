import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEngines } from '../../local/engines.ts';
import { readEngines, removeHome } from '../../local/home.ts';
import { hasEnded, signalTo, type ProcessMark } from '../../local/processes.ts';
import { findTemporalCli } from '../../local/temporal-cli.ts';
import { until } from '../support/intake.ts';
import { isStopped, startInAnotherTime } from './clock-of-another.ts';
import { msAhead, shiftOwnClock } from './own-clock.ts';

/**
 * A Temporal of the test's own that keeps its state, unchanged but for its clock: each start is at an instant that the
 * test names, and time goes on from there. This process's clock is set with it; PostgreSQL stays in the present.
 */
export class TemporalInAnotherTime implements AsyncDisposable {
  address = '';
  readonly #folder: string;
  readonly #cli: string;

  private constructor(folder: string, cli: string) {
    this.#folder = folder;
    this.#cli = cli;
  }

  static async open(): Promise<TemporalInAnotherTime> {
    // Named so that the next test run takes it down, should this process be killed.
    const folder = await mkdtemp(join(tmpdir(), `nighttrain-test-${process.pid}-`));
    const cli = await realpath(await findTemporalCli({ env: process.env, say: () => undefined }));
    const script = `#!/bin/sh\nkill -STOP $$ # whoever sets our clock lets us go on\nexec '${cli}' "$@"\n`;
    await writeFile(join(folder, 'temporal.sh'), script, { mode: 0o755 });
    return new TemporalInAnotherTime(folder, cli);
  }

  /** Starts it, with the state that it had when it was killed. @param instant ISO 8601; it never goes back */
  async startAt(instant: string): Promise<void> {
    const aheadMs = msAhead(instant);
    shiftOwnClock(aheadMs);
    let isUp = false;
    const engines = startEngines(this.#home, this.#options).finally(() => (isUp = true));
    await until(async () => {
      const server = isUp ? undefined : await this.#server();
      if (!server || !(await isStopped(server.pid))) return isUp;
      await startInAnotherTime(server.pid, { program: this.#cli, opens: 'temporal.db', aheadMs });
      return false; // where its port was taken it is started once more
    }, 60_000);
    const { temporalAddress } = await engines;
    if (this.address && this.address !== temporalAddress)
      throw new Error('somebody else has our port by now');
    this.address = temporalAddress;
  }

  /** As by a power cut. */
  async kill(): Promise<void> {
    const server = await this.#server();
    if (!server) throw new Error('Temporal does not run');
    await signalTo(server, 'SIGKILL');
    if (!(await hasEnded(server, 10_000))) throw new Error('Temporal did not end');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    shiftOwnClock(0);
    const server = await this.#server();
    if (server) await signalTo(server, 'SIGKILL');
    if (server && !(await hasEnded(server, 10_000))) throw new Error('Temporal did not end');
    await removeHome(this.#home);
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  get #home(): string {
    return join(this.#folder, 'home');
  }

  get #options() {
    const env = { ...process.env, TEMPORAL_CLI: join(this.#folder, 'temporal.sh') };
    return { postgres: false, temporal: true, env, say: () => undefined } as const;
  }

  async #server(): Promise<ProcessMark | undefined> {
    return (await readEngines(this.#home)).temporal?.process;
  }
}
