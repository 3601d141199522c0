/** `22,865`, in every locale. */
export function count(rows: number): string {
  return rows.toLocaleString('en-US');
}

/** `1.4 MB`; powers of 1000. */
export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** The first few of many, and how many more there are. */
export function some(items: readonly string[], most = 20): string {
  if (items.length <= most + 1) return items.join(', '); // "and 1 more" is no shorter than its name
  return `${items.slice(0, most).join(', ')} and ${items.length - most} more`;
}

/** `1 row`, `2 rows`. */
export function plural(number: number, one: string): string {
  return `${count(number)} ${one}${number === 1 ? '' : 's'}`;
}

/** The beginning of a text on one line. */
export function shortened(text: string, most: number): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}
