import fs from 'node:fs/promises';
import path from 'node:path';
import type { Dataset } from '../rules/dataset.ts';
import { dayLabel, type DatasetDay } from '../rules/dataset-day.ts';
import {
  ConfigurationError,
  LimitExceeded,
  SourceBroken,
  SourceContractBroken,
  SourceNotReady,
} from '../rules/errors.ts';
import type { CsvSource } from '../rules/source.ts';
import type { IntakeContext } from './context.ts';
import { list } from './csv-header.ts';
import { readCsv } from './csv.ts';
import type { StoredFile } from './landing.ts';
import { lendFile } from './lent-file.ts';
import type { LandedPart } from './manifest.ts';
import type { Pace } from './pace.ts';
import { verified } from './verified.ts';

/**
 * Copies a day's files from the inbox into the landing store: `<date>.csv[.gz]`, or all parts
 * `<date>-00001-of-00005.csv[.gz]` (§6).
 * @throws SourceNotReady where files are missing or still growing; SourceContractBroken where they contradict
 * each other; SourceBroken where a part was sent twice; LimitExceeded
 */
export async function landInbox(
  dataset: Dataset,
  source: CsvSource,
  day: DatasetDay,
  prefix: string,
  context: IntakeContext,
  pace: Pace,
): Promise<LandedPart[]> {
  const folder = path.join(context.inbox, dataset.name);
  const names = await chooseFiles(dataset, day, folder);
  const parts: LandedPart[] = [];
  for (const [index, name] of names.entries()) {
    const part = index + 1;
    const key = `${prefix}/part-${String(part).padStart(5, '0')}.csv${name.endsWith('.gz') ? '.gz' : ''}`;
    const file = await copy(dataset, path.join(folder, name), key, context, pace);
    const twin = parts.find(({ files }) => files[0]?.sha256 === file.sha256);
    if (twin && (await hasRecords(dataset, source, file, context))) {
      throw new SourceBroken(`Two parts of ${dayLabel(day)} hold the same records`, {
        detail: `${path.join(folder, names[twin.part - 1] ?? '')} and ${name}: sha256 ${file.sha256}`,
        hint: "Ask the source's owner for the part that is missing.",
      });
    }
    parts.push({ part, files: [file], records: null });
  }
  return parts;
}

interface Candidate {
  readonly name: string;
  /** 0 for the single file. */
  readonly part: number;
  readonly of: number;
}

async function chooseFiles(dataset: Dataset, day: DatasetDay, folder: string): Promise<string[]> {
  const names = (await namesIn(folder)).filter((name) => name.startsWith(day.businessDate)).sort();
  const found = names.map((name) => candidateOf(name, day)).filter((file) => file !== undefined);
  const [first] = found;
  if (!first) throw nothingThere(day, folder, names);
  const ambiguity = ambiguityOf(found);
  if (ambiguity) {
    throw new SourceContractBroken(`The inbox holds ${dayLabel(day)} in more than one way: ${ambiguity}`, {
      detail: `${folder}: ${list(found.map(({ name }) => name))}`,
      hint: 'Leave one single file, or one set of parts, and remove the rest.',
    });
  }
  if (first.of > dataset.bounds.parts) {
    throw new LimitExceeded(`${dayLabel(day)} comes in more than ${dataset.bounds.parts} parts`, {
      detail: path.join(folder, first.name),
      hint: "If that is meant, raise the dataset's bounds.parts.",
    });
  }
  const missing = Array.from({ length: first.of }, (_, index) => index + 1).filter(
    (part) => first.part > 0 && !found.some((file) => file.part === part),
  );
  if (missing.length > 0) {
    const absent = missing.map((part) => partName(day, part, first.of));
    throw new SourceNotReady(
      `${dayLabel(day)} is not complete: ${missing.length} of ${first.of} parts are missing`,
      {
        detail: `${folder}: ${list(absent)}`,
        hint: 'Put them there, each under a temporary name that is changed once the file is whole.',
      },
    );
  }
  return found.sort((a, b) => a.part - b.part).map(({ name }) => name);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await fs.readdir(folder);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return [];
    throw unreadable(folder, code, cause);
  }
}

function candidateOf(name: string, { businessDate }: DatasetDay): Candidate | undefined {
  const match = /^(?:-(\d{5})-of-(\d{5}))?\.csv(?:\.gz)?$/.exec(name.slice(businessDate.length));
  if (!match) return undefined;
  return { name, part: Number(match[1] ?? 0), of: Number(match[2] ?? 1) };
}

function ambiguityOf(found: readonly Candidate[]): string | undefined {
  const single = found.filter(({ part, of, name }) => part === 0 && of === 1 && !name.includes('-of-'));
  const parts = found.filter((file) => !single.includes(file));
  if (single.length > 0 && parts.length > 0) return 'as a single file and in parts';
  if (new Set(parts.map(({ of }) => of)).size > 1) return 'in different numbers of parts';
  if (parts.some(({ part, of }) => part < 1 || part > of)) return 'with a part beyond their number';
  if (new Set(found.map(({ part }) => part)).size < found.length) return 'plain and compressed';
  return undefined;
}

function partName({ businessDate }: DatasetDay, part: number, of: number): string {
  return `${businessDate}-${String(part).padStart(5, '0')}-of-${String(of).padStart(5, '0')}.csv`;
}

function nothingThere(day: DatasetDay, folder: string, others: readonly string[]): SourceNotReady {
  const single = path.join(folder, `${day.businessDate}.csv`);
  return new SourceNotReady(`There is no file for ${dayLabel(day)} in the inbox`, {
    detail: others.length > 0 ? `${folder} holds ${list(others)}, named otherwise` : folder,
    hint: `Put it at ${single}[.gz], or all of its parts at ${partName(day, 1, 5)}[.gz] and so on beside it.`,
  });
}

/** Copies a file that nobody writes to any more: the same before and after, and copied to its last byte. */
async function copy(
  dataset: Dataset,
  from: string,
  key: string,
  { landing, signal }: IntakeContext,
  pace: Pace,
): Promise<StoredFile> {
  const before = await statOf(from);
  const { fileBytes } = dataset.bounds;
  if (before.size > fileBytes) {
    throw new LimitExceeded(`A file of ${dataset.name} is larger than ${fileBytes} bytes`, {
      detail: `${from}: ${before.size} bytes`,
      hint: "If that is meant, raise the dataset's bounds.fileBytes, or have it sent in parts.",
    });
  }
  const stored = await landing.write(key, counted(from, before.size, pace), signal);
  const after = await statOf(from);
  const isSame = before.size === after.size && before.mtimeMs === after.mtimeMs && before.ino === after.ino;
  if (isSame && stored.bytes === before.size) return stored;
  throw stillGrowing(from, `${before.size} bytes at first, ${after.size} once ${stored.bytes} were copied`);
}

async function* counted(from: string, size: number, pace: Pace): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of lendFile(from)) {
    bytes += chunk.length;
    pace.bytes += chunk.length;
    // Whoever writes faster than we read would keep us reading for ever.
    if (bytes > size) throw stillGrowing(from, `more than the ${size} bytes that it had at first`);
    yield chunk;
    await pace.giveWay();
  }
}

function stillGrowing(file: string, what: string): SourceNotReady {
  return new SourceNotReady('A file in the inbox is still being written', {
    detail: `${file}: ${what}`,
    hint: 'Write it under a temporary name, and rename it once it is whole.',
  });
}

async function statOf(file: string) {
  try {
    const stat = await fs.stat(file);
    if (stat.isFile()) return stat;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw stillGrowing(file, 'it is gone');
    throw unreadable(file, code, cause);
  }
  throw new SourceContractBroken('What the inbox holds under the name of a file is none', { detail: file });
}

function unreadable(place: string, code: string | undefined, cause: unknown): ConfigurationError {
  return new ConfigurationError('The inbox cannot be read', {
    detail: `${place}: ${code}`,
    hint: 'Let the worker read the folder that NIGHTTRAIN_INBOX names, and all below it.',
    cause,
  });
}

/** Parts with nothing but a header are alike without having been sent twice. */
async function hasRecords(
  dataset: Dataset,
  source: CsvSource,
  file: StoredFile,
  { landing }: IntakeContext,
): Promise<boolean> {
  for await (const records of readCsv(dataset, source, file, verified(landing, file), () => undefined)) {
    if (records.length > 0) return true;
  }
  return false;
}
