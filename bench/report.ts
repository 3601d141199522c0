import type { Measured } from './rounds.ts';

/** What was measured, as a Markdown table: how many times as fast each is as the one named `rival`. */
export function tableOf(measured: readonly Measured[], rows: number, rival: string): string {
  const theirs = median(measured.find(({ name }) => name === rival)?.seconds ?? []);
  const lines = measured.map(({ name, seconds, memory }) => {
    const took = median(seconds);
    const held = memory ? `${mebibytes(memory.worker)} / ${mebibytes(memory.server)}` : '';
    const rate = Math.round(rows / took / 1000);
    const spread = `${Math.min(...seconds).toFixed(1)}–${Math.max(...seconds).toFixed(1)}`;
    return `| ${name} | ${took.toFixed(1)} | ${spread} | ${rate} | ${(theirs / took).toFixed(2)} | ${held} |`;
  });
  return [
    '| way | seconds | spread | 1,000 rows/s | times as fast as the rival | MiB worker / PostgreSQL |',
    '|---|---|---|---|---|---|',
    ...lines,
  ].join('\n');
}

/** Figures in one line. */
export function sayFigures(what: string, figures: object): string {
  const said = Object.entries(figures).map(
    ([name, value]) => `${name} ${(value as number).toLocaleString('en')}`,
  );
  return `${what}: ${said.join(', ')}`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = NaN, high = NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

const mebibytes = (bytes: number) => Math.round(bytes / 1024 / 1024);
