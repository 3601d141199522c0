import type { Dataset } from './dataset.ts';
import { UsageError } from './errors.ts';

/** @throws UsageError naming the datasets that there are */
export function findDataset(datasets: ReadonlyMap<string, Dataset>, name: string): Dataset {
  const dataset = datasets.get(name);
  if (dataset) return dataset;
  const known = [...datasets.keys()].join(', ') || 'none';
  throw new UsageError(`There is no dataset '${name}'`, { hint: `Known are: ${known}` });
}
