import { dayLabel, type DatasetDay } from '../rules/dataset-day.ts';
import { SourceBroken } from '../rules/errors.ts';
import type { LandingStore } from './landing.ts';
import { landedOf, manifestKey, type Landed, type Manifest } from './manifest.ts';

/**
 * What landed for a day under the first of these epochs that has a manifest (R10, `--input landing`).
 * @throws SourceBroken where landing keeps none of them
 */
export async function findLanded(
  landing: LandingStore,
  day: DatasetDay,
  epochs: readonly number[],
): Promise<Landed> {
  for (const epoch of epochs) {
    const text = await landing.readText(manifestKey(day, epoch));
    if (text !== undefined) return landedOf(JSON.parse(text) as Manifest);
  }
  throw new SourceBroken(`Landing keeps no input of ${dayLabel(day)}`, {
    detail:
      epochs.length > 0 ? `looked under epochs ${epochs.join(', ')}` : 'no attempt is known before this one',
    hint: `Replay it from its source: npx nighttrain replay ${day.dataset} ${day.businessDate} --reason …`,
  });
}
