import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Dataset } from '../rules/dataset.ts';
import { ConfigurationError } from '../rules/errors.ts';

/** The nearest folder, from the working folder upward, that holds `datasets/`. @throws ConfigurationError */
export function findProjectRoot(from: string): string {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'datasets'))) return folder;
    if (folder === dirname(folder)) break;
  }
  throw new ConfigurationError(`There is no Night Train project in ${from} or above it`, {
    hint: 'A project is a folder with datasets/ in it: change there.',
  });
}

/** Loads every declaration: one file a dataset, found by name. @throws ConfigurationError naming file and problem */
export async function loadDatasets(root: string): Promise<ReadonlyMap<string, Dataset>> {
  const folder = join(root, 'datasets');
  const files = (await readdir(folder))
    .filter((name) => /\.(ts|js|mjs)$/.test(name) && !name.endsWith('.d.ts'))
    .sort();
  const datasets = new Map<string, Dataset>();
  const tables = new Map<string, string>();
  for (const file of files) {
    const dataset = await loadDataset(join(folder, file));
    if (dataset.name !== file.replace(/\.\w+$/, '')) {
      throw new ConfigurationError(
        `datasets/${file} declares '${dataset.name}': file and dataset must have one name`,
      );
    }
    const other = tables.get(dataset.table);
    if (other)
      throw new ConfigurationError(`${other} and ${dataset.name} both declare table ${dataset.table}`);
    tables.set(dataset.table, dataset.name);
    datasets.set(dataset.name, dataset);
  }
  for (const { name, schedule } of datasets.values()) {
    for (const before of schedule?.after ?? []) {
      if (!datasets.has(before))
        throw new ConfigurationError(`${name} comes after '${before}', which is no dataset`);
    }
  }
  return datasets;
}

let isTypeScriptRead = import.meta.url.endsWith('.ts'); // a checkout: whoever started this process reads it already

/** From now on this process reads the TypeScript of projects that depend on the package. */
async function readTypeScript(): Promise<void> {
  if (isTypeScriptRead) return;
  (await import('tsx/esm/api')).register();
  isTypeScriptRead = true;
}

async function loadDataset(path: string): Promise<Dataset> {
  let module: { default?: Dataset };
  try {
    if (path.endsWith('.ts')) await readTypeScript();
    module = (await import(pathToFileURL(path).href)) as { default?: Dataset };
  } catch (cause) {
    throw new ConfigurationError(
      `${path} could not be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        hint:
          'Correct it, or take it out of datasets/. The project needs "type": "module" in its package.json, and the ' +
          'declaration kit: npm install nighttrain',
        cause,
      },
    );
  }
  if (module.default?.columns) return module.default;
  throw new ConfigurationError(`${path} has no default export made by defineDataset()`);
}
