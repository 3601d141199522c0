import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { openInstallation, type TestInstallation } from '../support/installation.ts';
import { until } from '../support/intake.ts';
import { packageFolder } from '../support/product.ts';

/** A dozen processes, on a machine that may be busy with other tests. */
const PATIENCE_MS = 240_000;

/** A project of its own with nothing in it, that depends on the package. */
async function newProject(): Promise<AsyncDisposable & { readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'nighttrain-project-'));
  await mkdir(join(folder, 'datasets'));
  await writeFile(join(folder, 'package.json'), '{"name":"nights-of-ours","type":"module"}');
  await mkdir(join(folder, 'node_modules'));
  await symlink(packageFolder(), join(folder, 'node_modules/nighttrain'));
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

async function schedulesOf({ client }: TestInstallation): Promise<string[]> {
  const found: string[] = [];
  for await (const { scheduleId } of client.schedule.list()) found.push(scheduleId);
  return found;
}

async function workerIn(here: TestInstallation, folder: string) {
  const worker = here.start(['worker'], {}, folder);
  await until(() => worker.stdout.includes('The worker is up') || worker.hasEnded, 120_000);
  if (worker.hasEnded) throw new Error(`the worker ended: ${worker.stderr}`);
  return worker;
}

test(
  'a bare database is prepared once by --bootstrap; a worker, and its dry run, then find all in order',
  async () => {
    await using here = await openInstallation();
    const unprepared = await here.run(['migrate']);
    expect(unprepared.stderr).toContain('Run `npx nighttrain migrate --bootstrap` as a superuser, once.');
    expect(unprepared.code).toBe(2);
    const tooEarly = await here.run(['worker']);
    expect(tooEarly.stderr).toContain('never prepared for Night Train');
    expect(tooEarly.code).toBe(2);

    const first = await here.json<{ applied: string[] }>(['migrate', '--bootstrap']);
    expect(first.applied).toEqual(expect.arrayContaining(['ledger1790000000001', 'flights1795000000000']));
    const again = await here.run(['migrate']);
    expect(again.stdout).toContain('nothing to apply');

    const planned = await here.run(['worker', '--dry-run']);
    expect(planned.stdout).toContain('nighttrain/flights  would be created');
    expect(await schedulesOf(here), 'the dry run made none').toEqual([]);

    const worker = await workerIn(here, resolve('.'));
    expect((await here.run(['worker', '--dry-run'])).stdout).toContain('nighttrain/flights  stays as it is');
    worker.kill('SIGTERM');
    const { code, stderr } = await worker.answer();
    expect(stderr).toContain('Draining');
    expect(code).toBe(0);
  },
  PATIENCE_MS,
);

test(
  'a sample becomes a dataset, its table, and a loaded night; nothing of it is ever overwritten',
  async () => {
    await using project = await newProject();
    await using here = await openInstallation();
    const inFolder = (...line: string[]) => here.start(line, {}, project.folder).answer();
    const sample = join(project.folder, 'sample.csv');
    await writeFile(
      sample,
      'receipt,amount,sold\n1,12.50,2025-06-01\n2,3.00,2025-06-01\n3,9.99,2025-06-02\n',
    );

    const written = await inFolder('dataset', 'new', 'sales', '--from', sample);
    expect(written.stderr).toBe('');
    expect(written.stdout).toContain('Wrote datasets/sales.ts');
    expect(written.stdout).toContain('npx nighttrain migrate');
    const declaration = await readFile(join(project.folder, 'datasets/sales.ts'), 'utf8');
    expect(declaration).toContain(`from 'nighttrain'`);
    expect(await readdir(join(project.folder, 'migrations'))).toEqual([
      expect.stringMatching(/^\d{13}-sales\.sql$/),
    ]);

    const twice = await inFolder('dataset', 'new', 'sales', '--from', sample);
    expect(twice.stderr).toContain(`There is a dataset 'sales' already`);
    expect(twice.code).toBe(2);
    expect(await readFile(join(project.folder, 'datasets/sales.ts'), 'utf8')).toBe(declaration);

    const bad = join(project.folder, 'bad.csv');
    await writeFile(bad, 'receipt,amount,sold\n1,12.50,2025-06-01\nx,3.00,2025-06-01\n');
    const checked = await inFolder('dataset', 'check', 'sales', bad);
    expect(checked.stdout).toContain('1 of 2 rows are valid, 1 rejected');
    expect(checked.stdout).toContain('line 3: receipt is not a whole number: x');
    expect(checked.code).toBe(1);

    expect((await inFolder('migrate', '--bootstrap')).code).toBe(0);
    await mkdir(join(here.inbox, 'sales'), { recursive: true });
    await writeFile(
      join(here.inbox, 'sales', '2025-06-01.csv'),
      'receipt,amount,sold\n1,12.50,2025-06-01\n2,3.00,2025-06-01\n',
    );
    const worker = await workerIn(here, project.folder);
    const night = await inFolder('run', 'sales', '--date', '2025-06-01');
    expect(night.stdout).toContain('sales of 2025-06-01 is loaded: 2 rows of 2 read');
    worker.kill('SIGTERM');
    expect((await worker.answer()).code).toBe(0);
  },
  PATIENCE_MS,
);
