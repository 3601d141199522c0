import { Readable } from 'node:stream';
import type { Dataset } from '../rules/dataset.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';
import { LandingFull } from '../rules/errors.ts';
import type { IntakeContext } from './context.ts';
import { landInbox } from './inbox.ts';
import { landedOf, landingPrefix, manifestKey, type Landed, type Manifest } from './manifest.ts';
import { atPace, type Pace } from './pace.ts';
import { readManifest } from './read-part.ts';
import { DEFAULT_PATIENCE, landPages, type Patience } from './rest.ts';

/**
 * Lands a dataset day's input as it came, and its manifest last: an epoch that has a manifest has landed, and what
 * it has is returned (R9).
 * @throws SourceNotReady, SourceUnavailable, LandingFull: later it may go better
 * @throws SourceContractBroken, SourceBroken, LimitExceeded, ConfigurationError: it will not
 */
export function extract(
  dataset: Dataset,
  day: DatasetDay,
  epoch: number,
  context: IntakeContext,
  patience: Patience = DEFAULT_PATIENCE,
): Promise<Landed> {
  return atPace(context, async (pace) => {
    const key = manifestKey(day, epoch);
    if ((await context.landing.readText(key)) !== undefined) {
      return landedOf(await readManifest(context, day, key));
    }
    try {
      return await land(dataset, day, epoch, context, pace, patience);
    } catch (cause) {
      // Without a manifest it is of no use to anybody; a day that is short of one part would take the room of all.
      if (cause instanceof LandingFull) await context.landing.remove(`${landingPrefix(day, epoch)}/landed`);
      throw cause;
    }
  });
}

async function land(
  dataset: Dataset,
  day: DatasetDay,
  epoch: number,
  context: IntakeContext,
  pace: Pace,
  patience: Patience,
): Promise<Landed> {
  const { source } = dataset;
  const prefix = `${landingPrefix(day, epoch)}/landed`;
  const parts =
    source.kind === 'csv'
      ? await landInbox(dataset, source, day, prefix, context, pace)
      : await landPages(dataset, source, day, prefix, context, pace, patience);
  const { dataset: name, businessDate } = day;
  const manifest: Manifest = { dataset: name, businessDate, epoch, source: source.kind, parts };
  const text = Buffer.from(`${JSON.stringify(manifest, undefined, 1)}\n`);
  await context.landing.write(manifestKey(day, epoch), Readable.from([text]), context.signal);
  return landedOf(manifest);
}
