import type { Dataset } from './dataset.ts';

/** Different rows under one key: nobody knows the right one (§5). */
export const AMBIGUOUS_KEY = 'ambiguous-key';

export function reasonOfAmbiguity({ key }: Pick<Dataset, 'key'>): string {
  return `another row has the same ${key.join(', ')} and says something else`;
}
