import type { Dataset } from '../rules/dataset.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';
import { dayLabel } from '../rules/dataset-day.ts';
import { LandingCorrupt } from '../rules/errors.ts';
import { untilAborted } from './abort.ts';
import type { IntakeContext } from './context.ts';
import { readCorrected } from './corrected.ts';
import { readCsv } from './csv.ts';
import type { StoredFile } from './landing.ts';
import type { LandedPart, Manifest } from './manifest.ts';
import type { Pace } from './pace.ts';
import { readPages } from './pages.ts';
import type { RecordBatches } from './records.ts';
import { verified } from './verified.ts';

/** @throws LandingCorrupt where there is none, or it is another day's */
export async function readManifest(
  { landing }: Pick<IntakeContext, 'landing'>,
  day: DatasetDay,
  key: string,
): Promise<Manifest> {
  const text = await landing.readText(key);
  const manifest = text === undefined ? undefined : (JSON.parse(text) as Manifest);
  if (manifest?.dataset === day.dataset && manifest.businessDate === day.businessDate) return manifest;
  throw new LandingCorrupt(`The landing store has no input for ${dayLabel(day)} under this name`, {
    detail: key,
    hint: 'Replay the day from its source.',
  });
}

/** The landed part of that number. */
export function partOf(manifest: Manifest, part: number): LandedPart {
  const found = manifest.parts.find((landed) => landed.part === part);
  if (found) return found;
  throw new LandingCorrupt(`${dayLabel(manifest)} landed without a part ${part}`, {
    detail: `${manifest.parts.length} parts`,
  });
}

/** A landed part's records, its bytes checked against the manifest on the way. */
export function readPart(
  dataset: Dataset,
  part: LandedPart,
  { landing, signal }: Pick<IntakeContext, 'landing' | 'signal'>,
  pace: Pace,
  warn: (warning: string) => void = () => undefined,
): RecordBatches {
  const { source } = dataset;
  const open = (file: StoredFile) => openLanded(landing, file, signal, pace);
  const [file] = part.files;
  if (part.isCorrected && file) return readCorrected(dataset, file, open(file), warn);
  if (source.kind === 'rest') return readPages(dataset, source, part.files, open, warn);
  if (!file) throw new LandingCorrupt(`Part ${part.part} of ${dataset.name} landed without a file`);
  return readCsv(dataset, source, file, open(file), warn);
}

/** A landed file's bytes, checked against the manifest at their end. @param way how the store hands it out */
export async function* openLanded(
  landing: IntakeContext['landing'],
  file: StoredFile,
  signal: AbortSignal,
  pace: Pace,
  way?: 'read' | 'lend',
): AsyncGenerator<Buffer> {
  for await (const chunk of untilAborted(verified(landing, file, way), signal)) {
    pace.bytes += chunk.length;
    yield chunk;
  }
}
