import type { Measured, Way } from './volume.ts';

const NAMES: Readonly<Record<Way, string>> = {
  clean: 'Night Train, clean file: validated, keyed, audited, committed',
  bad: 'Night Train, damaged file: the same, and quarantined',
  constrained: '`\\copy` of the clean file into the same constrained table',
  bare: '`\\copy` of the clean file into a table without any index',
};

/** What was measured, as a Markdown table; the ratio is to `\copy` into the constrained table. */
export function tableOf(measured: readonly Measured[], rows: number): string {
  const rival = measured.find(({ way }) => way === 'constrained');
  const lines = measured.map(({ way, seconds, memory }) => {
    const took = median(seconds);
    const ratio = rival ? median(rival.seconds) / took : NaN;
    const held = memory ? `${mebibytes(memory.worker)} / ${mebibytes(memory.server)}` : '';
    const rate = Math.round(rows / took / 1000);
    const spread = `${Math.min(...seconds).toFixed(1)}–${Math.max(...seconds).toFixed(1)}`;
    return `| ${NAMES[way]} | ${took.toFixed(1)} | ${spread} | ${rate} | ${ratio.toFixed(2)} | ${held} |`;
  });
  return [
    '| way | seconds | spread | 1,000 rows/s | speed against the constrained `\\copy` | MiB worker / PostgreSQL |',
    '|---|---|---|---|---|---|',
    ...lines,
  ].join('\n');
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = NaN, high = NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

const mebibytes = (bytes: number) => Math.round(bytes / 1024 / 1024);
