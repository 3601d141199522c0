import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { withLock } from '../../local/lock.ts';
import { bundleWorkflows } from '../../worker/bundle.ts';
import { TEST_DATASETS } from './datasets.ts';
import { until } from './intake.ts';
import { sharedEngines } from './shared-engines.ts';

/** The workflows, bundled by the first house of a test run that needs them. */
export async function workflowBundle(): Promise<{ code: string }> {
  const folder = sharedEngines().runFolder;
  const file = join(folder, 'workflows.js');
  await withLock(join(folder, 'bundle.lock'), { withinMs: 60_000 }, async () => {
    if (await isThere(file)) return;
    const { code } = await bundleWorkflows();
    await writeFile(`${file}~`, code);
    await rename(`${file}~`, file);
  });
  return { code: await readFile(file, 'utf8') };
}

/** A project with the test datasets, for workers that are processes of their own. */
async function projectFolder(): Promise<string> {
  const root = join(sharedEngines().runFolder, 'project');
  const datasets = join(root, 'datasets');
  await mkdir(datasets, { recursive: true });
  await writeFile(join(root, 'package.json'), '{"type": "module"}\n');
  const declarations = resolve(import.meta.dirname, 'datasets.ts');
  for (const { name } of TEST_DATASETS) {
    const text = `import { TEST_DATASETS } from ${JSON.stringify(declarations)};
export default TEST_DATASETS.find(({ name }) => name === '${name}');
`;
    await writeFile(join(datasets, `${name}.ts`), text);
  }
  return root;
}

/** How a worker is started, and the line by which it says that it is there. */
export interface WorkerCommand {
  /** For Node. */
  readonly args: readonly string[];
  readonly says: string;
  /** The project that it works in; by default one with all test datasets. */
  readonly folder?: string;
}

export const NIGHTTRAIN_WORKER: WorkerCommand = {
  args: [resolve('bin/nighttrain.js'), 'worker'],
  says: 'worker started',
};

export const NIGHTTRAIN_WATCHDOG: WorkerCommand = {
  args: [resolve('bin/nighttrain.js'), 'watchdog', '--every', '1'],
  says: 'health and metrics are served',
};

/** `nighttrain worker` as a process, to be killed, stopped and woken. */
export class WorkerProcess implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
    if (child.stderr) createInterface(child.stderr).on('line', (line) => this.lines.push(line));
  }

  /**
   * @param env what the worker is told of its engines and home
   * @param command what to start with Node, and what it says when it is there
   */
  static async start(
    env: Readonly<Record<string, string>>,
    { args, says, folder }: WorkerCommand = NIGHTTRAIN_WORKER,
  ): Promise<WorkerProcess> {
    const child = spawn(process.execPath, args, {
      cwd: folder ?? (await projectFolder()),
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const worker = new WorkerProcess(child);
    try {
      await until(() => worker.hasEnded || worker.hasSaid(says), 50_000);
      if (!worker.hasEnded) return worker;
    } catch {
      await worker.end('SIGKILL');
    }
    throw new Error(`the worker did not start:\n${worker.lines.join('\n')}`);
  }

  hasSaid(text: string): boolean {
    return this.lines.some((line) => line.includes(text));
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** Where it serves its health, once it does. */
  async healthUrl(): Promise<string> {
    const said = () => this.lines.find((line) => line.includes('health and metrics are served'));
    await until(() => said() !== undefined, 20_000);
    return (JSON.parse(said() ?? '') as { served: string }).served;
  }

  /** Tells a worker of the tests what to do. */
  tell(order: object): void {
    if (this.#child.connected) this.#child.send(order);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends a signal that ends the process, and waits for its end. */
  async end(signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT'): Promise<void> {
    if (this.hasEnded) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill(signal);
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal('SIGCONT');
    await this.end('SIGTERM');
  }
}

async function isThere(file: string): Promise<boolean> {
  return readFile(file).then(
    () => true,
    () => false,
  );
}
