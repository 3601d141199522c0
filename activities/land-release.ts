import { Readable } from 'node:stream';
import type { DataSource } from 'typeorm';
import { checkCorrected, type CorrectedPlace } from '../intake/check-corrected.ts';
import type { IntakeContext } from '../intake/context.ts';
import type { Reconsidered } from '../intake/follow-records.ts';
import {
  landedOf,
  landingPrefix,
  manifestKey,
  type Landed,
  type LandedPart,
  type Manifest,
} from '../intake/manifest.ts';
import { atPace } from '../intake/pace.ts';
import { readManifest } from '../intake/read-part.ts';
import { jsonLines } from '../intake/json-lines.ts';
import { verified } from '../intake/verified.ts';
import type { Dataset } from '../rules/dataset.ts';
import { dayLabel } from '../rules/dataset-day.ts';
import { LandingCorrupt } from '../rules/errors.ts';
import type { RejectedPlace } from '../rules/release.ts';
import { findAttempt } from '../warehouse/attempts.ts';
import type { Release } from '../warehouse/release.ts';
import { allRejected } from './all-rejected.ts';

/** What a release is made of. */
export type ReleaseInput = Pick<
  Release,
  'releaseId' | 'dataset' | 'businessDate' | 'ofEpoch' | 'manifest' | 'file'
>;

/**
 * The landed input of a release, as the manifest of its attempt: the parts that had been read before, untouched, and
 * the corrected file as one more, whose records stand in for those that they name. Lists the rejected records of each
 * part, so that what becomes of them is told. An epoch that has its manifest has landed (R9).
 * @throws LandingCorrupt where what had landed is not there any more
 */
export function landRelease(
  warehouse: DataSource,
  dataset: Dataset,
  release: ReleaseInput,
  epoch: number,
  context: Pick<IntakeContext, 'landing' | 'signal' | 'progress'>,
): Promise<Landed> {
  return atPace(context, async () => {
    const { dataset: name, businessDate, releaseId } = release;
    const { landing, signal } = context;
    const day = { dataset: name, businessDate };
    const key = manifestKey(day, epoch);
    if ((await landing.readText(key)) !== undefined) return landedOf(await readManifest(context, day, key));
    const before = await readManifest(context, day, release.manifest);
    const parts = await partsOf(warehouse, dataset, release, before.parts, epoch, context);
    const manifest: Manifest = { ...day, epoch, source: before.source, parts, release: releaseId };
    await landing.write(key, Readable.from([Buffer.from(`${JSON.stringify(manifest)}\n`)]), signal);
    return landedOf(manifest);
  });
}

async function partsOf(
  warehouse: DataSource,
  dataset: Dataset,
  release: ReleaseInput,
  before: readonly LandedPart[],
  epoch: number,
  context: Pick<IntakeContext, 'landing' | 'signal'>,
): Promise<LandedPart[]> {
  const { landing, signal } = context;
  const attempt = await findAttempt(warehouse, { ...release, epoch: release.ofEpoch });
  if (!attempt) throw new LandingCorrupt(`${dayLabel(release)} has no attempt of epoch ${release.ofEpoch}`);
  const corrections = new Corrections(await correctedPlaces(dataset, release, context));
  const rejected = new InParts(await allRejected(warehouse, landing, attempt));
  const write = async (part: number, lines: AsyncIterable<Reconsidered>) => {
    const name = `${landingPrefix(release, epoch)}/reconsidered/part-${String(part).padStart(5, '0')}.jsonl`;
    return landing.write(name, jsonLines(lines), signal);
  };
  const parts: LandedPart[] = [];
  for (const part of before) {
    const { reconsidered: _, ...landed } = part; // of an earlier release
    const isHere = await rejected.isAt(part.part);
    const list = isHere && (await write(part.part, corrections.leftAmong(rejected.of(part.part))));
    const superseded = [...(part.superseded ?? []), ...corrections.in(part.part)].sort((a, b) => a - b);
    parts.push({
      ...landed,
      ...(superseded.length > 0 && { superseded }),
      ...(list && { reconsidered: list }),
    });
  }
  if (!release.file) return parts;
  const part = parts.length + 1;
  const list = await write(part, corrections.reconsidered());
  return [...parts, { part, files: [release.file], records: null, isCorrected: true, reconsidered: list }];
}

async function correctedPlaces(
  dataset: Dataset,
  { file, businessDate }: ReleaseInput,
  { landing }: Pick<IntakeContext, 'landing'>,
): Promise<CorrectedPlace[]> {
  if (!file) return [];
  const day = `${dataset.name} ${businessDate}`;
  return checkCorrected(dataset, file.key, day, file.bytes, verified(landing, file));
}

type Rejected = RejectedPlace & { readonly rule: string };

/** The records of a corrected file, and the rejected ones that they stand in for. */
class Corrections {
  readonly #places: readonly CorrectedPlace[];
  /** What had rejected each, once it has passed by. */
  readonly #rules = new Map<string, string | undefined>();

  constructor(places: readonly CorrectedPlace[]) {
    this.#places = places;
    for (const place of places) this.#rules.set(nameOf(place), undefined);
  }

  /** The records of a part that are stood in for. */
  in(part: number): number[] {
    return this.#places.filter((place) => place.part === part).map(({ record }) => record);
  }

  /** Those of the rejected records that nothing stands in for: they are judged where they are. */
  async *leftAmong(rejected: AsyncIterable<Rejected>): AsyncGenerator<Reconsidered> {
    for await (const { part, record, rule } of rejected) {
      const name = nameOf({ part, record });
      if (this.#rules.has(name)) this.#rules.set(name, rule);
      else yield { part, record, rule, newRecord: record };
    }
  }

  /** The corrected records in their order. @throws LandingCorrupt where one stands in for none that was rejected */
  async *reconsidered(): AsyncGenerator<Reconsidered> {
    for (const place of this.#places) {
      const rule = this.#rules.get(nameOf(place));
      if (rule === undefined) {
        throw new LandingCorrupt(`A corrected record stands in for ${nameOf(place)}, which was not rejected`);
      }
      yield { part: place.part, record: place.record, rule, newRecord: place.newRecord };
    }
  }
}

function nameOf({ part, record }: RejectedPlace): string {
  return `part ${part} record ${record}`;
}

/** A stream of rejected records in the order of the landed input, part by part. */
class InParts {
  readonly #rows: AsyncIterator<Rejected>;
  #next: IteratorResult<Rejected> | undefined;

  constructor(rows: AsyncIterable<Rejected>) {
    this.#rows = rows[Symbol.asyncIterator]();
  }

  /** Whether the next one is of that part. */
  async isAt(part: number): Promise<boolean> {
    this.#next ??= await this.#rows.next();
    return !this.#next.done && this.#next.value.part === part;
  }

  async *of(part: number): AsyncGenerator<Rejected> {
    while (await this.isAt(part)) {
      const row = this.#next?.value as Rejected;
      this.#next = undefined;
      yield row;
    }
  }
}
