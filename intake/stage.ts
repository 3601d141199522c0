import { addByRule } from '../rules/counts.ts';
import type { Dataset } from '../rules/dataset.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';
import type { IntakeContext } from './context.ts';
import { Follower } from './follow-records.ts';
import { jsonLine } from './json-lines.ts';
import { Judge, type Sorted, type SortedCount } from './judge.ts';
import { landingPrefix, type LandedPart, type StagedPart } from './manifest.ts';
import { atPace, type Pace } from './pace.ts';
import { partOf, readManifest, readPart } from './read-part.ts';
import { openPlain, sortPlain } from './sort-plain.ts';
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
    const name = `${landingPrefix(day, epoch)}/staged/part-${String(part).padStart(5, '0')}`;
    const rows = new StagedFile(context, `${name}.copy`);
    const rejects = new StagedFile(context, `${name}.rejects.jsonl`);
    const followed = landed.reconsidered && new StagedFile(context, `${name}.followed.jsonl`);
    try {
      const tally = await sort(dataset, day, landed, context, pace, { rows, rejects, followed });
      const files = { rows: await rows.end(), rejects: await rejects.end() };
      return { part, ...files, ...(followed && { followed: await followed.end() }), ...tally };
    } finally {
      await Promise.all([rows.discard(), rejects.discard(), followed?.discard()]);
    }
  });
}

type Tally = Omit<StagedPart, 'part' | 'rows' | 'rejects' | 'followed'>;

/** What a part is sorted into. */
interface Outlets {
  readonly rows: StagedFile;
  readonly rejects: StagedFile;
  /** What became of records that were rejected before; only where their way is followed. */
  readonly followed: StagedFile | undefined;
}

async function sort(
  dataset: Dataset,
  day: DatasetDay,
  landed: LandedPart,
  context: IntakeContext,
  pace: Pace,
  { rows, rejects, followed }: Outlets,
): Promise<Tally> {
  const warnings: string[] = [];
  const warn = (warning: string) => void warnings.push(warning);
  const count = { read: 0, staged: 0, rejected: 0, discarded: 0 };
  let rejectedByRule: Sorted['rejectedByRule'] = {};
  const plain = openPlain(dataset, day, landed, context, pace, warn);
  const sorting = plain
    ? sortPlain(plain, context)
    : sortOneByOne(dataset, day, landed, context, pace, warn, followed);
  for await (const sorted of sorting) {
    add(count, sorted.count);
    rejectedByRule = addByRule([rejectedByRule, sorted.rejectedByRule]);
    pace.rows = count.read;
    await rows.write(sorted.rows);
    await rejects.write(sorted.rejects);
    await pace.giveWay();
  }
  return { ...count, rejectedByRule, warnings };
}

function add(total: { -readonly [Way in keyof SortedCount]: number }, count: SortedCount): void {
  total.read += count.read;
  total.staged += count.staged;
  total.rejected += count.rejected;
  total.discarded += count.discarded;
}

/** Of any source, also where records are superseded by others, or followed. */
async function* sortOneByOne(
  dataset: Dataset,
  day: DatasetDay,
  landed: LandedPart,
  context: IntakeContext,
  pace: Pace,
  warn: (warning: string) => void,
  followed: StagedFile | undefined,
): AsyncGenerator<Sorted> {
  const judge = new Judge(dataset, day.businessDate, landed.part);
  const superseded = new Set(landed.superseded);
  const follower =
    landed.reconsidered && (await Follower.open(context.landing, landed.part, landed.reconsidered));
  let staged = 0;
  for await (const batch of readPart(dataset, landed, context, pace, warn)) {
    for (const record of batch) {
      const way = superseded.has(record.record) ? judge.discard() : judge.judge(record);
      if (follower?.sought === record.record)
        await followed?.write(Buffer.from(jsonLine(await follower.passed(way, staged))));
      if (way.became === 'staged') staged++;
    }
    yield judge.take();
  }
  follower?.end();
}
