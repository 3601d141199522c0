import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Dataset } from '../rules/dataset.ts';
import { dayLabel, type DatasetDay } from '../rules/dataset-day.ts';
import {
  ConfigurationError,
  LimitExceeded,
  SourceBroken,
  SourceContractBroken,
  SourceUnavailable,
} from '../rules/errors.ts';
import type { RestSource } from '../rules/source.ts';
import type { IntakeContext } from './context.ts';
import { excerpt, fetchPage, openAgents, place, type Body, type Client, type Patience } from './http-page.ts';
import type { StoredFile } from './landing.ts';
import type { LandedPart } from './manifest.ts';
import type { Pace } from './pace.ts';

export { DEFAULT_PATIENCE, type Patience } from './http-page.ts';

/** Pages that make one part: what one transform activity works on. */
const PAGES_A_PART = 20;

/**
 * Lands a day's pages from an API, each as it came, in the order of their cursors.
 * @throws SourceUnavailable where a later try may help; ConfigurationError, SourceContractBroken, SourceBroken,
 * LimitExceeded where it will not
 */
export async function landPages(
  dataset: Dataset,
  source: RestSource,
  day: DatasetDay,
  prefix: string,
  context: IntakeContext,
  pace: Pace,
  patience: Patience,
): Promise<LandedPart[]> {
  const base = baseUrl(dataset, source, context);
  const client = openClient(dataset, source, context, patience);
  const pages: LandedPage[] = [];
  const progress = new CursorGuard(dataset, day);
  try {
    for (let cursor: string | null = '', page = 1; cursor !== null; page++) {
      progress.follow(cursor, page);
      const url = pageUrl(base, source, day, cursor);
      const body = await fetchPage(url, client);
      const { records, next } = openEnvelope(source, body, `${place(url)}, page ${page}`, client);
      progress.compare(records, page);
      const key = `${prefix}/page-${String(page).padStart(5, '0')}.json`;
      const file = await context.landing.write(key, Readable.from([body.bytes]), context.signal);
      pages.push({ file, records: records.length });
      pace.rows += records.length;
      pace.bytes += file.bytes;
      cursor = next;
      await pace.giveWay();
    }
  } finally {
    client.agents.http.destroy();
    client.agents.https.destroy();
  }
  return partsOf(dataset, pages);
}

interface LandedPage {
  readonly file: StoredFile;
  readonly records: number;
}

function partsOf(dataset: Dataset, pages: readonly LandedPage[]): LandedPart[] {
  const parts: LandedPart[] = [];
  for (let first = 0; first < pages.length; first += PAGES_A_PART) {
    const own = pages.slice(first, first + PAGES_A_PART);
    const records = own.reduce((sum, page) => sum + page.records, 0);
    parts.push({ part: parts.length + 1, files: own.map(({ file }) => file), records });
  }
  if (parts.length <= dataset.bounds.parts) return parts;
  throw new LimitExceeded(`${dataset.name} comes in more than ${dataset.bounds.parts} parts`, {
    detail: `${pages.length} pages, ${PAGES_A_PART} a part`,
    hint: "If that is meant, raise the dataset's bounds.parts.",
  });
}

function baseUrl(dataset: Dataset, { baseUrlFrom }: RestSource, { env }: IntakeContext): URL {
  const text = env(baseUrlFrom);
  const hint = `Set ${baseUrlFrom} to the base URL of the API, such as https://api.example.com.`;
  if (!text)
    throw new ConfigurationError(`${baseUrlFrom} is not set; ${dataset.name} is read from there`, { hint });
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new ConfigurationError(`${baseUrlFrom} is not an http or https URL`, { hint });
}

function openClient(
  dataset: Dataset,
  source: RestSource,
  { env, signal }: IntakeContext,
  patience: Patience,
): Client {
  const { tokenFrom } = source;
  const token = tokenFrom === undefined ? undefined : env(tokenFrom)?.trim();
  if (tokenFrom !== undefined && !token) {
    throw new ConfigurationError(`${tokenFrom} is not set; the API of ${dataset.name} wants a token`, {
      hint: `Set ${tokenFrom} to the API's token.`,
    });
  }
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw new ConfigurationError(`${tokenFrom} holds characters that no token has`, {
      hint: `Set ${tokenFrom} to the API's token alone, on one line.`,
    });
  }
  return {
    token,
    tokenFrom,
    patience,
    pageBytes: dataset.bounds.pageBytes,
    signal,
    agents: openAgents(patience),
  };
}

function pageUrl(base: URL, source: RestSource, day: DatasetDay, cursor: string): URL {
  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/$/, '')}/${source.path.replace(/^\//, '')}`;
  if (source.dateParameter !== undefined) url.searchParams.set(source.dateParameter, day.businessDate);
  url.searchParams.set('limit', String(source.pageSize));
  if (cursor !== '') url.searchParams.set('cursor', cursor);
  return url;
}

/** An API that leads in circles or has no end is given up. */
class CursorGuard {
  readonly #dataset: Dataset;
  readonly #day: DatasetDay;
  readonly #cursors = new Map<string, number>();
  readonly #contents = new Map<string, number>();

  constructor(dataset: Dataset, day: DatasetDay) {
    this.#dataset = dataset;
    this.#day = day;
  }

  follow(cursor: string, page: number): void {
    const { pages } = this.#dataset.bounds;
    if (page > pages) {
      throw new LimitExceeded(`The API of ${dayLabel(this.#day)} has more than ${pages} pages`, {
        hint: "If that is meant, raise the dataset's bounds.pages or its source's pageSize.",
      });
    }
    const earlier = this.#cursors.get(cursor);
    if (earlier !== undefined) {
      throw new SourceBroken(`The API of ${dayLabel(this.#day)} leads in a circle`, {
        detail: `page ${page} would be page ${earlier} again`,
        hint: "Ask the API's owner: its next cursor must be a new one on every page, and null on the last.",
      });
    }
    this.#cursors.set(cursor, page);
  }

  /** A repeated page has another cursor, hence other bytes; its records are what is the same. */
  compare(records: readonly unknown[], page: number): void {
    if (records.length === 0) return;
    const content = createHash('sha256').update(JSON.stringify(records)).digest('base64');
    const earlier = this.#contents.get(content);
    if (earlier !== undefined) {
      throw new SourceBroken(`The API of ${dayLabel(this.#day)} sent the same page twice`, {
        detail: `pages ${earlier} and ${page} hold the same ${records.length} records`,
        hint: "Ask the API's owner; records that belong between them may be missing.",
      });
    }
    this.#contents.set(content, page);
  }
}

/** The records themselves may be anything: one that is no object is one rejected record. */
const envelopes = new Map<string, ReturnType<typeof compileEnvelope>>();

function compileEnvelope({ records, nextCursor }: Pick<RestSource, 'records' | 'nextCursor'>) {
  return Compile(
    Type.Object({
      [records]: Type.Array(Type.Unknown()),
      [nextCursor]: Type.Union([Type.String({ minLength: 1 }), Type.Null()]),
    }),
  );
}

function openEnvelope(source: RestSource, body: Body, page: string, client: Client) {
  const text = new TextDecoder().decode(body.bytes);
  const received = `${page} (${body.contentType || 'no content type'}): ${excerpt(body.bytes, client)}`;
  const document = parsePage(text, body, received);
  const name = JSON.stringify([source.records, source.nextCursor]);
  const envelope = envelopes.get(name) ?? compileEnvelope(source);
  envelopes.set(name, envelope);
  if (!envelope.Check(document)) {
    const [first] = envelope.Errors(document);
    throw new SourceContractBroken('A page of the API is not in the declared envelope', {
      detail: `${received}; ${first?.instancePath ?? ''} ${first?.message ?? ''}`.trim(),
      hint: `It must hold an array ${source.records} and a text or null ${source.nextCursor}.`,
    });
  }
  const properties = document as Record<string, unknown>;
  return {
    records: properties[source.records] as readonly unknown[],
    next: properties[source.nextCursor] as string | null,
  };
}

function parsePage(text: string, { contentType, isComplete }: Body, received: string): unknown {
  const isJson = contentType === '' || /^application\/([\w.+-]+\+)?json\b/i.test(contentType);
  const hint = "Ask the API's owner, and check the base URL: a login page or a proxy may have answered.";
  if (!isJson)
    throw new SourceContractBroken('The API sent something else than JSON', { detail: received, hint });
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Where nothing said how long the body is, it may as well have been cut short.
    if (isComplete)
      throw new SourceContractBroken('The API sent JSON that is none', { detail: received, hint });
    throw new SourceUnavailable('The API sent JSON that is none, or broke off', { detail: received, hint });
  }
}
