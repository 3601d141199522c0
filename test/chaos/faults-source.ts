import { gzipSync } from 'node:zlib';
import { setTimeout as pause } from 'node:timers/promises';
import { fareLines } from '../support/fares.ts';
import { clearInbox, tellApi } from './day.ts';
import type { Fault } from './fault.ts';
import type { Scene } from './scene.ts';

/** A day's files as a broken source sends them, by their names behind the date. */
type Files = Readonly<Record<string, Uint8Array>>;

const text = (lines: readonly string[]): Uint8Array => Buffer.from(`${lines.join('\n')}\n`);
const one = (content: Uint8Array): Files => ({ '.csv': content });
const plus = (lines: readonly string[], line: string): readonly string[] => [...lines, line];

/** From the lines of a sound file to what comes instead. */
const BROKEN_FILES: Readonly<
  Record<string, (lines: readonly string[], row: (note: string) => string) => Files>
> = {
  'csv-bom': (lines) => one(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), text(lines)])),
  'csv-latin-1': (lines, row) =>
    one(Buffer.concat([text(lines), Buffer.from(`${row('caf\xe9')}\n`, 'latin1')])),
  'csv-ragged-rows': (lines, row) => one(text(plus(plus(lines, row('').slice(0, 15)), `${row('x')},y,z`))),
  'csv-embedded-newlines': (lines, row) => one(text(plus(lines, row('"two\nlines"')))),
  'csv-nul': (lines, row) => one(text(plus(lines, row('a\0b')))),
  'csv-huge-field': (lines, row) => one(text(plus(lines, row('x'.repeat(3_000_000))))),
  'csv-duplicate-header': ([, ...rows]) => one(text(['day,receipt,receipt,note', ...rows])),
  'csv-missing-header': ([, ...rows]) => one(text(rows)),
  'csv-end-of-copy-mark': (lines) => one(text(plus(lines, '\\.'))),
  'csv-quote-never-closed': (lines, row) => one(text(plus(lines, row('"open')))),
  'gzip-cut-short': (lines) => ({ '.csv.gz': gzipSync(text(lines)).subarray(0, 60) }),
  'gzip-bomb': (lines) => ({
    '.csv.gz': gzipSync(Buffer.concat([text(lines), Buffer.alloc(30_000_000, 'x')])),
  }),
  'part-missing': (lines) => ({ '-00001-of-00002.csv': text(lines) }),
  'no-file': () => ({}),
  'empty-file': () => one(Buffer.alloc(0)),
};

/** What a source of files or an API does wrong; test/intake has each of them by itself. */
export const SOURCE_FAULTS: readonly Fault[] = [
  ...Object.entries(BROKEN_FILES).map(([name, filesOf]): Fault => ({
    name,
    datasets: ['fares'],
    strike: async ({ house }, { day, wanted: { good, mark } }) => {
      await clearInbox(house, day.dataset);
      const row = (note: string) => `${day.date},9001,${mark},${note}`;
      const files = filesOf(fareLines(day.date, { good, amount: mark }), row);
      for (const [ending, content] of Object.entries(files))
        await house.put(day.dataset, `${day.date}${ending}`, content);
    },
    heal: async (_scene, { day, wanted }) => {
      await pause(800);
      await day.put(wanted);
    },
  })),
  {
    name: 'file-still-growing',
    datasets: ['fares'],
    strike: async ({ house }, { day, wanted: { good, mark } }) => {
      await clearInbox(house, day.dataset);
      const lines = fareLines(day.date, { good, amount: mark });
      await house.put(day.dataset, `${day.date}.csv`, lines.slice(0, 5));
      void (async () => {
        for (let upTo = 5; upTo < lines.length; upTo += 20) {
          await house.put(day.dataset, `${day.date}.csv`, lines.slice(0, upTo));
          await pause(60);
        }
      })();
    },
    heal: async (_scene, { day, wanted }) => {
      await pause(1_500);
      await day.put(wanted);
    },
  },
  ...[
    { fault: 'status', status: 500, times: 2 },
    { fault: 'status', status: 503, times: 40 },
    { fault: 'status', status: 429, retryAfter: '86400', times: 1 },
    { fault: 'status', status: 404 },
    { fault: 'slow-drip', bytes: 200, everyMs: 20 },
    { fault: 'truncated', times: 1 },
    { fault: 'reset', times: 2 },
    { fault: 'black-hole', times: 1 },
    { fault: 'html' },
    { fault: 'broken-json' },
    { fault: 'duplicate-page' },
    { fault: 'looping-cursor' },
    { fault: 'endless-pages' },
    { fault: 'missing-property', property: 'tonnes' },
    { fault: 'renamed-property', property: 'tonnes', to: 'weight' },
    { fault: 'wrong-type', property: 'tonnes' },
  ].map((fault): Fault => ({
    name: `api-${fault.fault}${'status' in fault ? `-${fault.status}` : ''}`,
    datasets: ['freight-movements'],
    strike: ({ house }) => tellApi(house, { faults: [{ ...fault, path: '/v1/movements' }] }),
    heal: async (scene, { day, wanted }) => {
      await pause(1_000);
      await clearApi(scene);
      await day.put(wanted);
    },
  })),
  {
    name: 'rejects-below-the-limit',
    datasets: ['fares', 'clients'],
    shape: () => ({ good: 71, bad: 29 }),
  },
  { name: 'rejects-at-the-limit', datasets: ['fares', 'clients'], shape: () => ({ good: 70, bad: 30 }) },
  { name: 'rejects-above-the-limit', datasets: ['fares', 'clients'], shape: () => ({ good: 69, bad: 31 }) },
  { name: 'none-read', datasets: ['fares', 'clients'], shape: () => ({ good: 0, bad: 0, otherDay: 0 }) },
  { name: 'only-rows-of-another-day', datasets: ['fares'], shape: () => ({ good: 0, bad: 0, otherDay: 20 }) },
  {
    name: 'restated-while-it-loads',
    moments: ['log: landed', 'OPEN', 'COMMIT', 'log: committed'],
    strike: async (_scene, { day, later }, { held }) => {
      await day.put(later);
      await held?.release();
    },
    heal: (_scene, { day, wanted }) => day.put(wanted),
  },
];

async function clearApi({ house }: Scene): Promise<void> {
  await fetch(`${house.freightUrl}/control`, { method: 'DELETE' });
}
