/** What a scrape says of one series: its value, or undefined where it is not served. @param labels all of them */
export function seriesIn(
  text: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  for (const line of text.split('\n')) {
    const [, found, inner = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (found !== name) continue;
    const has = new Map(
      [...inner.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = '', text = '']): [string, string] => [
        label,
        text,
      ]),
    );
    if (Object.entries(labels).every(([label, text]) => has.get(label) === text)) return Number(value);
  }
  return undefined;
}

/** The names of all that a scrape serves, of histograms as they are asked for. */
export function namesIn(text: string): Set<string> {
  return new Set([...text.matchAll(/^([a-zA-Z_:][\w:]*)(?=[{ ])/gm)].map(([, name = '']) => name));
}
