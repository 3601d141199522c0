import type { Dataset } from '../rules/dataset.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';
import type { IntakeContext } from './context.ts';
import { bytesOf, stagedKey, type StagedPart } from './manifest.ts';
import { atPace } from './pace.ts';
import { partOf, readManifest } from './read-part.ts';
import { sortPart, Tally } from './sort-part.ts';
import { StagedFile } from './staged-file.ts';

/**
 * Validates one landed part: rows ready for COPY, and rejected records as JSON lines, both written to the landing
 * store. Memory does not grow with the part. Repeating it writes the same bytes (R9).
 * @param manifestKey the manifest of the input, which may be an earlier epoch's
 */
export function stagePart(
  dataset: Dataset,
  day: DatasetDay,
  manifestKey: string,
  part: number,
  epoch: number,
  context: IntakeContext,
): Promise<StagedPart> {
  return atPace(context, async (pace) => {
    const landed = partOf(await readManifest(context, day, manifestKey), part);
    pace.bytesInAll = bytesOf(landed);
    const name = stagedKey(day, epoch, part);
    const rows = new StagedFile(context, `${name}.copy`);
    const rejects = new StagedFile(context, `${name}.rejects.jsonl`);
    const followed = landed.reconsidered && new StagedFile(context, `${name}.followed.jsonl`);
    const tally = new Tally();
    try {
      const warn = (warning: string) => tally.warn(warning);
      for await (const sorted of sortPart({ dataset, day, landed, context, pace, warn, followed })) {
        tally.add(sorted);
        await rows.write(sorted.rows);
        await rejects.write(sorted.rejects);
      }
      const files = { rows: await rows.end(), rejects: await rejects.end() };
      return { part, ...files, ...(followed && { followed: await followed.end() }), ...tally.figures };
    } finally {
      await Promise.all([rows.discard(), rejects.discard(), followed?.discard()]);
    }
  });
}
