import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { newDataset } from '../intake/infer/new-dataset.ts';
import { UsageError } from '../rules/errors.ts';
import { loadDatasets } from '../worker/project.ts';

/** What was written, relative to the working folder, and what a person should look at. */
export interface WrittenDataset {
  readonly files: readonly string[];
  readonly notes: readonly string[];
}

/**
 * Writes a declaration and its migration into a project; a file that is there is never overwritten, and nothing is
 * left where the project could not be read with them. @throws UsageError, ConfigurationError
 */
export async function writeNewDataset(
  root: string,
  name: string,
  sample: readonly string[],
): Promise<WrittenDataset> {
  const datasets = await loadDatasets(root);
  if (datasets.has(name)) {
    throw new UsageError(`There is a dataset '${name}' already`, {
      hint: `Choose another name, or edit datasets/${name}.ts.`,
    });
  }
  const made = await newDataset({ name, sample, kit: await kitOf(root), now: await nextMigration(root) });
  const written: string[] = [];
  try {
    written.push(await writeNewFile(join(root, 'datasets'), `${name}.ts`, made.declaration));
    written.push(await writeNewFile(join(root, 'migrations'), made.migrationName, made.migration));
    await loadDatasets(root);
  } catch (error) {
    for (const file of written) await rm(file);
    throw error;
  }
  return { files: written.map((file) => relative(process.cwd(), file)), notes: made.notes };
}

async function writeNewFile(folder: string, name: string, text: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, name);
  await writeFile(file, text, { flag: 'wx' }).catch((cause: unknown) => {
    throw new UsageError(`${file} cannot be written`, { detail: String(cause), cause });
  });
  return file;
}

/** This repository is a project too, but no dependency of itself. */
async function kitOf(root: string): Promise<string> {
  const manifest = await readFile(join(root, 'package.json'), 'utf8').catch(() => '{}'); // a project may have none
  return (JSON.parse(manifest) as { name?: string }).name === 'nighttrain' ? '../rules/kit.ts' : 'nighttrain';
}

/** Now, but after every migration that is there: they are applied in the order of their numbers. */
async function nextMigration(root: string): Promise<number> {
  const names = await readdir(join(root, 'migrations')).catch(() => []); // the first migration makes the folder
  const last = Math.max(0, ...names.map((name) => Number(/^(\d{13})-/.exec(name)?.[1] ?? 0)));
  return Math.max(Date.now(), last + 1);
}
