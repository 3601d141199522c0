import { once } from 'node:events';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { findEngines } from '../../local/engines.ts';
import { hasEnded, signalTo } from '../../local/processes.ts';
import { createTableSql, tableOf } from '../../rules/table.ts';
import { connectClient } from '../../worker/temporal.ts';
import { fares } from './datasets.ts';
import { openHouseOfEngines, type HouseOfEngines } from './house-of-engines.ts';
import { Command } from './installation.ts';
import { until } from './intake.ts';
import { seriesIn } from './metrics.ts';
import { packageFolder } from './product.ts';

/** What somebody was told, by a webhook. */
export interface Told {
  readonly person: string;
  readonly sentence: string;
  readonly isOver: boolean;
}

/** The telephones of those on call, and whoever listens to the dead-man URL. */
export class Telephones implements AsyncDisposable {
  readonly told: Told[] = [];
  /** Paths that the dead-man URL was called by. */
  readonly beats: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<Telephones> {
    const server = createServer();
    const telephones = new Telephones(server);
    server.on('request', (request, response) => {
      void telephones.#take(request).then(() => response.writeHead(204).end());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return telephones;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async #take(request: IncomingMessage): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = request.url ?? '';
    if (path.startsWith('/beat/')) return void this.beats.push(path);
    const { sentence, isOver } = JSON.parse(Buffer.concat(chunks).toString()) as Told;
    this.told.push({ person: path.slice(1), sentence, isOver });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

/** The tests' fares, as a project has them that depends on the package; each night is due a minute after midnight. */
const FARES = `import { csv, date, defineDataset, integer, text } from 'nighttrain';
export default defineDataset({
  name: 'fares',
  about: 'Receipts of a day.',
  table: 'fare',
  source: csv(),
  columns: {
    day: date().orReject('no-day'),
    receipt: integer().orReject('no-receipt'),
    amount: integer({ min: 0 }).orReject('no-amount'),
    note: text({ max: 200 }),
  },
  key: ['receipt'],
  dayOfRow: { column: 'day' },
  write: 'replaceDay',
  schedule: { at: '00:00', dueBy: '00:01' },
});
`;

/** An installation with engines of its own, which may die: a worker and a watchdog that are processes. */
export class Kennel implements AsyncDisposable {
  readonly engines: HouseOfEngines;
  readonly telephones: Telephones;
  readonly project: string;
  worker!: Command;
  workerUrl = '';
  watchdog!: Command;
  readonly #commands: Command[] = [];

  private constructor(engines: HouseOfEngines, telephones: Telephones) {
    this.engines = engines;
    this.telephones = telephones;
    this.project = join(engines.folder, 'project');
  }

  /** Engines, migrations, a worker. */
  static async open(): Promise<Kennel> {
    const kennel = new Kennel(await openHouseOfEngines(), await Telephones.open());
    try {
      await kennel.#writeProject();
      await kennel.engines.startBoth();
      const { code, stderr } = await kennel.start(['migrate', '--bootstrap']).answer();
      if (code !== 0) throw new Error(stderr);
      kennel.worker = kennel.start(['worker']);
      kennel.workerUrl = await urlOf(kennel.worker);
      return kennel;
    } catch (error) {
      await kennel[Symbol.asyncDispose]();
      throw error;
    }
  }

  start(line: readonly string[]): Command {
    const env = {
      ...process.env,
      NIGHTTRAIN_HOME: this.engines.home,
      NIGHTTRAIN_DEADMAN_URL: `${this.telephones.url}/beat/a-secret-of-the-dead`,
      LOG_LEVEL: 'info',
    };
    const command = new Command(line, env, this.project);
    this.#commands.push(command);
    return command;
  }

  /** Another watchdog, which has looked once. @param options more of them */
  async startWatchdog(...options: readonly string[]): Promise<void> {
    const line = ['watchdog', '--every', '1', '--failures', '2', '--worker', this.workerUrl, ...options];
    this.watchdog = this.start(line);
    await this.looks(1);
  }

  /** Whether the latest look found a check good. */
  async isGood(check: string): Promise<boolean> {
    const url = await urlOf(this.watchdog);
    const text = await fetch(`${url}/metrics`).then((answer) => answer.text());
    return seriesIn(text, 'nighttrain_watchdog_check_good', { check }) === 1;
  }

  /** Waits for so many more looks. */
  async looks(times: number): Promise<void> {
    const url = await urlOf(this.watchdog);
    let looks = 0;
    let last: number | undefined;
    await until(async () => {
      const text = await fetch(`${url}/metrics`).then((answer) => answer.text());
      const at = seriesIn(text, 'nighttrain_watchdog_last_look_timestamp_seconds') ?? 0;
      if (last !== undefined && at !== last) looks += 1;
      last = at;
      return looks >= times;
    }, 60_000);
  }

  /** Waits until somebody was told; answers all that was told since. */
  async toldAfter(before: number, what: string, withinMs = 30_000): Promise<readonly Told[]> {
    const { told } = this.telephones;
    await until(() => told.slice(before).some(({ sentence }) => sentence.includes(what)), withinMs);
    return told.slice(before);
  }

  /** Kills an engine as an out-of-memory killer does. */
  async kill(engine: 'postgres' | 'temporal'): Promise<void> {
    const mark = (await this.engines.recorded())[engine]?.process;
    if (!mark) throw new Error(`no ${engine} is recorded`);
    await signalTo(mark, 'SIGKILL');
    if (!(await hasEnded(mark, 10_000))) throw new Error(`${engine} does not die`);
  }

  /** The worker's sweep now, which it makes every minute. */
  async sweep(): Promise<void> {
    const { temporalAddress = '' } = await findEngines(this.engines.home);
    const client = await connectClient({ address: temporalAddress, namespace: 'default' });
    try {
      await client.schedule.getHandle('nighttrain/_sweep-nights').trigger();
    } finally {
      await client.connection.close();
    }
  }

  async startEngines(): Promise<void> {
    await this.engines.startBoth();
    const found = await findEngines(this.engines.home);
    if (!found.databaseUrl || !found.temporalAddress) throw new Error('the engines are not there');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const command of this.#commands) {
      if (command.hasEnded) continue;
      command.kill('SIGCONT');
      command.kill('SIGKILL');
      await command.answer();
    }
    await this.telephones[Symbol.asyncDispose]();
    await this.engines[Symbol.asyncDispose]();
  }

  async #writeProject(): Promise<void> {
    await mkdir(join(this.project, 'datasets'), { recursive: true });
    await mkdir(join(this.project, 'migrations'), { recursive: true });
    await writeFile(join(this.project, 'package.json'), '{"type": "module"}\n');
    const webhook = (person: string) => `{ webhook: '${this.telephones.url}/${person}', as: json }`;
    const onCall = `people:
  ana: { name: Ana, channels: [${webhook('ana')}] }
  ben: { name: Ben, channels: [${webhook('ben')}] }
levels:
  - { people: [ana], timeoutMinutes: 60 }
  - { people: [ben], timeoutMinutes: 60 }
`;
    await writeFile(join(this.project, 'on-call.yaml'), onCall);
    await writeFile(
      join(this.project, 'migrations', '1795000000000-fares.sql'),
      createTableSql(tableOf(fares)),
    );
    await mkdir(join(this.project, 'node_modules'));
    await symlink(packageFolder(), join(this.project, 'node_modules/nighttrain'));
    await writeFile(join(this.project, 'datasets', 'fares.ts'), FARES);
  }
}

/** Where a worker or a watchdog serves its health. */
async function urlOf(command: Command): Promise<string> {
  const found = () => /^Health +(\S+)\/readyz/m.exec(command.stdout)?.[1];
  await until(() => found() !== undefined || command.hasEnded, 60_000);
  const url = found();
  if (url === undefined) throw new Error(`it ended: ${command.stderr}`);
  return url;
}
