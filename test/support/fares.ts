/** A day of `fares` as its file has it: header, then sound rows, rows without a number for amount, rows of another day. */
export function fareLines(
  day: string,
  { good = 0, bad = 0, otherDay = 0, amount = 100 }: FareCounts = {},
): string[] {
  const lines = ['day,receipt,amount,note'];
  const add = (rows: number, line: (receipt: number) => string) => {
    for (let row = 0; row < rows; row++) lines.push(line(lines.length));
  };
  add(good, (receipt) => `${day},${receipt},${amount},`);
  add(bad, (receipt) => `${day},${receipt},much,`);
  add(otherDay, (receipt) => `1999-12-31,${receipt},${amount},`);
  return lines;
}

export interface FareCounts {
  readonly good?: number;
  readonly bad?: number;
  readonly otherDay?: number;
  /** Of each sound row: tells one version of a day from another. */
  readonly amount?: number;
}
