import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { Dataset } from '../rules/dataset.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';
import type { IntakeContext } from './context.ts';
import { copyLine } from './copy-text.ts';
import { Follower, type Way } from './follow-records.ts';
import { jsonLine } from './json-lines.ts';
import type { StoredFile } from './landing.ts';
import { landingPrefix, type LandedPart, type StagedPart } from './manifest.ts';
import { atPace, type Pace } from './pace.ts';
import { partOf, readManifest, readPart } from './read-part.ts';
import type { ReadRecord } from './records.ts';
import { createValidator, isValid } from './validate.ts';

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
interface Sorted {
  readonly rows: StagedFile;
  readonly rejects: StagedFile;
  /** What became of records that were rejected before; only where their way is followed. */
  readonly followed: StagedFile | undefined;
}

const STAGED: Way = { became: 'staged' };
const DISCARDED: Way = { became: 'discarded' };

/** Every record goes one way: staged, rejected or discarded; each is counted where it goes (R4). */
async function sort(
  dataset: Dataset,
  day: DatasetDay,
  landed: LandedPart,
  context: IntakeContext,
  pace: Pace,
  { rows, rejects, followed }: Sorted,
): Promise<Tally> {
  const validate = createValidator(dataset, day.businessDate);
  const superseded = new Set(landed.superseded);
  const follower =
    landed.reconsidered && (await Follower.open(context.landing, landed.part, landed.reconsidered));
  const rejectedByRule: Record<string, number> = {};
  const warnings: string[] = [];
  const count = { read: 0, staged: 0, rejected: 0, discarded: 0 };
  const reject = (record: ReadRecord, column: string | null, rule: string, reason: string): Way => {
    count.rejected++;
    rejectedByRule[rule] = (rejectedByRule[rule] ?? 0) + 1;
    const { line, raw } = record;
    const cut = cutAt(raw, dataset.bounds.recordBytes);
    rejects.add(jsonLine({ part: landed.part, record: record.record, line, column, rule, reason, raw: cut }));
    return { became: 'rejected', becameRule: rule };
  };
  const discard = (): Way => {
    count.discarded++;
    return DISCARDED;
  };
  const judge = (record: ReadRecord): Way => {
    if (superseded.has(record.record)) return discard();
    if (record.cells === null) return reject(record, null, record.rule, record.reason);
    const verdict = validate(record.cells);
    if (verdict === 'discarded') return discard();
    if (!isValid(verdict)) return reject(record, verdict.column, verdict.rule, verdict.reason);
    count.staged++;
    rows.add(copyLine(verdict));
    return STAGED;
  };
  for await (const batch of readPart(dataset, landed, context, pace, (warning) => warnings.push(warning))) {
    for (const record of batch) {
      count.read++;
      const place = count.staged;
      const way = judge(record);
      if (follower?.sought === record.record) followed?.add(jsonLine(await follower.passed(way, place)));
    }
    pace.rows = count.read;
    await rows.flush();
    await rejects.flush();
    await followed?.flush();
    await pace.giveWay();
  }
  follower?.end();
  return { ...count, rejectedByRule, warnings };
}

/** The text's first bytes, cut between characters. */
export function cutAt(text: string, bytes: number): string {
  if (text.length * 3 <= bytes || Buffer.byteLength(text) <= bytes) return text;
  const whole = Buffer.from(text.slice(0, bytes));
  let end = Math.min(bytes, whole.length);
  while (end > 0 && ((whole[end] ?? 0) & 0xc0) === 0x80) end--;
  return whole.toString('utf8', 0, end);
}

/** A file of the landing store that is written line by line, held back when the disk is slower than we are. */
class StagedFile {
  readonly #stream = new PassThrough({ highWaterMark: 1024 * 1024 });
  readonly #written: Promise<StoredFile>;
  #failed = false;
  #text = '';

  constructor({ landing, signal }: IntakeContext, key: string) {
    this.#written = landing.write(key, this.#stream, signal);
    this.#written.catch((cause: unknown) => {
      this.#failed = true;
      this.#stream.destroy(cause as Error);
    });
    this.#stream.on('error', () => undefined); // It is `#written` that tells.
  }

  add(line: string): void {
    this.#text += line;
  }

  async flush(): Promise<void> {
    if (this.#failed) await this.#written;
    if (this.#text === '') return;
    const text = this.#text;
    this.#text = '';
    if (!this.#stream.write(text)) await Promise.race([once(this.#stream, 'drain'), this.#written]);
  }

  async end(): Promise<StoredFile> {
    await this.flush();
    this.#stream.end();
    return this.#written;
  }

  /** Leaves nothing behind unless the file was ended. */
  async discard(): Promise<void> {
    if (!this.#stream.writableFinished) this.#stream.destroy(new Error('The staged part was given up'));
    await this.#written.catch(() => undefined);
  }
}
