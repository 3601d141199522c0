import type { LandingStore } from '../intake/landing.ts';
import type { Manifest } from '../intake/manifest.ts';
import { dayLabel } from '../rules/dataset-day.ts';
import { NothingThere } from '../rules/errors.ts';
import type { AttemptRow } from '../warehouse/entities/attempt.ts';

/** What an attempt had read, with every file of it in place. @throws NothingThere */
export async function landedFor(landing: LandingStore, attempt: AttemptRow): Promise<Manifest> {
  const { dataset, businessDate, epoch, manifest: key } = attempt;
  const day = `${dataset} ${businessDate}`;
  if (key === null) {
    throw new NothingThere(
      `The latest attempt at ${dayLabel(attempt)} ended before all of its rows were judged: it has none to release`,
      {
        detail: `epoch ${epoch}, ${attempt.state}`,
        hint: `Have what landed judged again: npx nighttrain replay ${day} --input landing --reason …`,
      },
    );
  }
  const text = await landing.readText(key);
  const manifest = text === undefined ? undefined : (JSON.parse(text) as Manifest);
  const there = new Set(await landing.list(`${dataset}/${businessDate}`));
  const gone = manifest?.parts.flatMap(({ files }) => files).find((file) => !there.has(file.key));
  if (manifest && !gone) return manifest;
  throw new NothingThere(`Landing no longer keeps what the latest attempt at ${dayLabel(attempt)} had read`, {
    detail: `epoch ${epoch}: ${gone?.key ?? key}`,
    hint: `Run this where the worker's NIGHTTRAIN_HOME is; if its time there is over, load the day from its source: npx nighttrain replay ${day} --reason …`,
  });
}
