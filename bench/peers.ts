import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const LONGEST_MS = 30 * 60_000;
const PACKAGES = ['pandas>=2', 'sqlalchemy>=2', 'psycopg2-binary', 'dlt[postgres]'];

/** A loader that a user might pick instead, ready to run. */
export interface Peer {
  readonly name: string;
  /** Where it puts the rows: `bench.constrained`, or a table of its own making. */
  readonly table: string;
  readonly load: (databaseUrl: string, file: string) => Promise<void>;
}

/** The peers that this machine has or can install, and the folder that they were installed in. */
export class Peers implements AsyncDisposable {
  readonly found: readonly Peer[];
  readonly #folder: string;

  private constructor(found: readonly Peer[], folder: string) {
    this.found = found;
    this.#folder = folder;
  }

  /** @param say told which cannot be had, and why */
  static async find(say: (line: string) => void): Promise<Peers> {
    const folder = await mkdtemp(join(tmpdir(), 'nighttrain-peers-'));
    const found: Peer[] = [];
    const look = async (name: string, make: () => Promise<Peer[]>) => {
      try {
        found.push(...(await make()));
      } catch (error) {
        say(`${name} is left out: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
      }
    };
    await look('pgloader', () => pgloader(folder));
    await look('Python (pandas, dlt)', () => python(folder, say));
    return new Peers(found, folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function pgloader(folder: string): Promise<Peer[]> {
  await run('pgloader', ['--version']);
  const load = async (databaseUrl: string, file: string) => {
    const commands = join(folder, 'movements.load');
    await writeFile(
      commands,
      `load csv from '${file}' with encoding utf-8
       into ${databaseUrl} target table bench.constrained
       with skip header = 1, fields optionally enclosed by '"', fields terminated by ',';`,
    );
    await run('pgloader', ['--on-error-stop', commands], { timeout: LONGEST_MS });
  };
  return [{ name: 'pgloader', table: 'bench.constrained', load }];
}

async function python(folder: string, say: (line: string) => void): Promise<Peer[]> {
  say('installing pandas, SQLAlchemy and dlt into a virtual environment');
  await run('python3', ['-m', 'venv', folder]);
  const interpreter = join(folder, 'bin', 'python');
  await run(interpreter, ['-m', 'pip', 'install', '--quiet', ...PACKAGES], { timeout: LONGEST_MS });
  const peer = (name: string, script: string, table: string): Peer => ({
    name,
    table,
    load: async (databaseUrl, file) => {
      const path = resolve(import.meta.dirname, 'peers', script);
      const env = { ...process.env, DATABASE_URL: databaseUrl };
      await run(interpreter, [path, file, 'bench', 'constrained'], { env, timeout: LONGEST_MS });
    },
  });
  return [
    peer('pandas + SQLAlchemy', 'with_pandas.py', 'bench.constrained'),
    peer('dlt', 'with_dlt.py', 'bench_dlt.constrained'),
  ];
}
