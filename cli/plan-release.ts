import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { allRejected } from '../activities/all-rejected.ts';
import { checkCorrected, type CorrectedPlace } from '../intake/check-corrected.ts';
import type { LandingStore, StoredFile } from '../intake/landing.ts';
import { landingPrefix, type Manifest } from '../intake/manifest.ts';
import { verified } from '../intake/verified.ts';
import type { Dataset } from '../rules/dataset.ts';
import { dayLabel } from '../rules/dataset-day.ts';
import { DayIsTaken, NothingThere, UsageError } from '../rules/errors.ts';
import { MOST_CORRECTED_BYTES, type RejectedPlace } from '../rules/release.ts';
import { findRunning } from '../warehouse/closed-attempt.ts';
import type { AttemptRow } from '../warehouse/entities/attempt.ts';
import { recordRelease, releasesOf, type Release } from '../warehouse/release.ts';
import { size } from './figures.ts';
import { landedFor } from './landed-input.ts';

/** A release as it is asked for. */
interface ReleaseOptions {
  readonly reason: string;
  readonly requestedBy: string;
  /** The corrected file, where there is one. */
  readonly file: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * Checks that the rejected rows of an attempt can go back, and what stands in for them; changes nothing. A corrected
 * file is in `scratch` afterwards, under the key that it will have in landing.
 * @throws NothingThere, DayIsTaken, UsageError, LandingCorrupt
 */
export async function planRelease(
  warehouse: DataSource,
  landing: LandingStore,
  scratch: LandingStore,
  dataset: Dataset,
  attempt: AttemptRow,
  options: ReleaseOptions,
): Promise<Release> {
  const { dataset: name, businessDate, epoch: ofEpoch } = attempt;
  const day = { dataset: name, businessDate };
  await refuseIfRunning(warehouse, attempt);
  const manifest = await landedFor(landing, attempt);
  if ((attempt.rowsRejected ?? 0) === 0) {
    throw new NothingThere(
      `The latest attempt at ${dayLabel(day)} rejected no row: there is nothing to release`,
      {
        detail: `epoch ${ofEpoch}, ${attempt.state}`,
        hint: `Every attempt: npx nighttrain show ${name} ${businessDate}`,
      },
    );
  }
  const rejected = await allRejected(warehouse, landing, attempt); // or says what is missing
  const releaseId = randomUUID();
  const { reason, requestedBy } = options;
  const epochs = new Set([manifest.epoch, ...epochsIn(manifest)]);
  return {
    ...day,
    releaseId,
    ofEpoch,
    manifest: attempt.manifest ?? '',
    reason,
    requestedBy,
    file: await correctedFile(warehouse, scratch, dataset, attempt, manifest, {
      ...options,
      releaseId,
      rejected,
    }),
    landedEpochs: [...epochs],
  };
}

/** Keeps a planned release, and its corrected file beside what had landed; whoever is asked now finds both. */
export async function keepRelease(
  warehouse: DataSource,
  landing: LandingStore,
  scratch: LandingStore,
  planned: Release,
  signal: AbortSignal,
): Promise<void> {
  const { file } = planned;
  if (file) await landing.write(file.key, verified(scratch, file), signal);
  await recordRelease(warehouse, planned);
}

async function refuseIfRunning(warehouse: DataSource, attempt: AttemptRow): Promise<void> {
  const running = await findRunning(warehouse, attempt);
  if (!running) return;
  throw new DayIsTaken(`${dayLabel(attempt)} is being loaded: its rejected rows are not known yet`, {
    detail: `epoch ${running.epoch}, ${running.workflowId}`,
    hint: `Wait for its end, or end it: npx nighttrain cancel ${attempt.dataset} ${attempt.businessDate}`,
  });
}

/** The epochs in whose landing folders the parts lie. */
function epochsIn({ parts }: Manifest): number[] {
  return parts.flatMap(({ files }) => files.map(({ key }) => Number(key.split('/')[2])));
}

interface Correcting extends Pick<ReleaseOptions, 'file' | 'signal'> {
  readonly releaseId: string;
  readonly rejected: AsyncIterable<RejectedPlace>;
}

async function correctedFile(
  warehouse: DataSource,
  scratch: LandingStore,
  dataset: Dataset,
  attempt: AttemptRow,
  manifest: Manifest,
  { file, releaseId, signal, rejected }: Correcting,
): Promise<StoredFile | undefined> {
  if (file === undefined) return undefined;
  await refuseIfTooLarge(file);
  const ending = dataset.source.kind === 'csv' ? 'csv' : 'jsonl';
  const key = `${landingPrefix(attempt, manifest.epoch)}/corrected/${releaseId}.${ending}`;
  const stored = await scratch.write(key, createReadStream(file), signal);
  await refuseIfReleased(warehouse, attempt, stored);
  const day = `${dataset.name} ${attempt.businessDate}`;
  const places = await checkCorrected(dataset, file, day, stored.bytes, verified(scratch, stored));
  const unknown = await notAmong(places, rejected);
  refuseIfNotRejected(attempt, manifest, file, { unknown, named: places.length });
  return stored;
}

async function refuseIfTooLarge(file: string): Promise<void> {
  const found = await stat(file).catch((cause: unknown) => {
    throw new UsageError(`${file} cannot be read`, { detail: (cause as Error).message, cause });
  });
  if (!found.isFile()) throw new UsageError(`${file} is not a file`);
  if (await isGzip(file))
    throw new UsageError(`${file} is compressed`, { hint: `Unpack it first: gzip -dk ${file}` });
  if (found.size <= MOST_CORRECTED_BYTES) return;
  throw new UsageError(`${file} is larger than a corrected file may be`, {
    detail: `${size(found.size)} of at most ${size(MOST_CORRECTED_BYTES)}`,
    hint: 'Put the whole file right at its source, and replay the day from there.',
  });
}

async function isGzip(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return buffer.readUInt16BE(0) === 0x1f8b;
  } finally {
    await handle.close();
  }
}

/** The same file again, once an attempt has loaded it. One whose attempt did not may be released again. */
async function refuseIfReleased(
  warehouse: DataSource,
  attempt: AttemptRow,
  { sha256 }: StoredFile,
): Promise<void> {
  const before = (await releasesOf(warehouse, attempt)).find(
    ({ file, attempt: carrier }) => file?.sha256 === sha256 && carrier?.state === 'loaded',
  );
  if (!before) return;
  throw new UsageError(`This very file was released before: epoch ${before.attempt?.epoch} has loaded it`, {
    detail: `release ${before.releaseId}, sha256 ${sha256}`,
    hint: `Which row went where: npx nighttrain quarantine releases ${attempt.dataset} ${attempt.businessDate}`,
  });
}

const SHOWN = 5;

/** Those of the places where no row was rejected. */
async function notAmong(
  places: readonly CorrectedPlace[],
  rejected: AsyncIterable<RejectedPlace>,
): Promise<CorrectedPlace[]> {
  const sought = new Map(places.map((place) => [`${place.part}/${place.record}`, place]));
  for await (const { part, record } of rejected) {
    sought.delete(`${part}/${record}`);
    if (sought.size === 0) break;
  }
  return [...sought.values()];
}

function refuseIfNotRejected(
  attempt: AttemptRow,
  { parts }: Manifest,
  file: string,
  { unknown, named }: { readonly unknown: readonly CorrectedPlace[]; readonly named: number },
): void {
  if (unknown.length === 0) return;
  const shown = unknown.slice(0, SHOWN).map(({ part, record }) => {
    const isCorrected = parts.find((one) => one.part === part)?.superseded?.includes(record);
    return `part ${part} record ${record}${isCorrected ? ', corrected before' : ''}`;
  });
  const more = unknown.length > SHOWN ? [`and ${unknown.length - SHOWN} more`] : [];
  throw new UsageError(
    `The corrected file names ${unknown.length} of ${named} records that the latest attempt at ${dayLabel(attempt)} did not reject`,
    {
      detail: [`${file}, against epoch ${attempt.epoch}`, ...shown, ...more].join('\n'),
      hint: `Those that it did: npx nighttrain quarantine export ${attempt.dataset} ${attempt.businessDate} --format corrections`,
    },
  );
}
